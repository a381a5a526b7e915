import{a}from"./chunk-OBJHGLAL.js";import"./chunk-FSRPMVAS.js";export default a();
