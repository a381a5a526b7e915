-- At most one row: the log begins behind `seq`, what was before folds to `state`, and the statement is signed.
CREATE TABLE base (
  one       INTEGER PRIMARY KEY CHECK (one = 1),
  seq       INTEGER NOT NULL,
  state     BLOB NOT NULL,
  statement TEXT NOT NULL
) STRICT;
