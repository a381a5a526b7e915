-- One row: the key under which values that nothing reads are hashed. It leaves the file with nothing but the file.
CREATE TABLE secret (
  one  INTEGER PRIMARY KEY CHECK (one = 1),
  salt BLOB NOT NULL
) STRICT;

INSERT INTO secret VALUES (1, randomblob(32));
