import{a}from"./chunk-YMSF3LDO.js";import"./chunk-OBJHGLAL.js";import"./chunk-FSRPMVAS.js";export default a();
