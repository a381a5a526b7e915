-- The newest snapshots of what the log folds to: a start reads one instead of the log before it.
CREATE TABLE snapshot (
  seq  INTEGER PRIMARY KEY,
  body BLOB NOT NULL
) STRICT;
