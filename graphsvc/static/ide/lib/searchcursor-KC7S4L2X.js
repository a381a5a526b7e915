import{a}from"./chunk-HMZNCL3H.js";import"./chunk-OBJHGLAL.js";import"./chunk-FSRPMVAS.js";export default a();
