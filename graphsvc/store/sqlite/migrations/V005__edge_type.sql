-- Counting edges by type reads the index of their ends as well; each edge drawn is written to one index less.
DROP INDEX IF EXISTS edge_type;
