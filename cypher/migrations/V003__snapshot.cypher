// Snapshots of what the log folds to, in parts; a part's id is `<seq>/<part>`.
CREATE CONSTRAINT snapshot_id IF NOT EXISTS FOR (n:Snapshot) REQUIRE n.id IS UNIQUE;
CREATE INDEX snapshot_seq IF NOT EXISTS FOR (n:Snapshot) ON (n.seq);
