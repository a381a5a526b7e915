-- The drawing lies in a file of its own; what was drawn here was moved there before. `drawn` of `store` says from now on up to
-- where the drawing is known to be on the disk.
DROP TABLE IF EXISTS decision_pattern;
DROP TABLE IF EXISTS edge;
DROP TABLE IF EXISTS node;
