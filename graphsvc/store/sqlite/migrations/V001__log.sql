-- The log: one row per entry; a row is written once and never changed.
CREATE TABLE entry (
  seq   INTEGER PRIMARY KEY,
  first INTEGER NOT NULL,
  id    TEXT NOT NULL UNIQUE,
  cells TEXT NOT NULL,          -- JSON list of names
  body  BLOB NOT NULL
) STRICT;

-- One row: which life of the store this is, and up to where the graph is drawn.
CREATE TABLE store (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  incarnation TEXT NOT NULL,
  drawn       INTEGER NOT NULL
) STRICT;

INSERT INTO store VALUES (1, lower(hex(randomblob(6))), 0);
