import{a}from"./chunk-F5CID6P4.js";import"./chunk-OBJHGLAL.js";import"./chunk-FSRPMVAS.js";export default a();
