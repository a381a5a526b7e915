-- The drawing: folded from the log, may lag behind it, and lies in a file of its own so that no append waits for it. The virtual columns are what history is asked by.
CREATE TABLE node (
  key        TEXT PRIMARY KEY,
  label      TEXT NOT NULL,
  properties TEXT NOT NULL,     -- JSON object
  id         AS (json_extract(properties, '$.id')) VIRTUAL,
  seq        AS (json_extract(properties, '$.seq')) VIRTUAL,
  at_ms      AS (json_extract(properties, '$.at_ms')) VIRTUAL,
  subject    AS (json_extract(properties, '$.subject')) VIRTUAL,
  verdict    AS (json_extract(properties, '$.verdict')) VIRTUAL,
  chain      AS (json_extract(properties, '$.chain')) VIRTUAL,
  session    AS (json_extract(properties, '$.session')) VIRTUAL,
  status     AS (json_extract(properties, '$.status')) VIRTUAL,
  owner      AS (json_extract(properties, '$.owner')) VIRTUAL
);

CREATE INDEX node_label ON node (label);
CREATE INDEX decision_id ON node (id) WHERE label = 'Decision';
CREATE INDEX decision_seq ON node (seq) WHERE label = 'Decision';
CREATE INDEX decision_subject ON node (subject, seq) WHERE label = 'Decision';
CREATE INDEX decision_verdict ON node (verdict, seq) WHERE label = 'Decision';
CREATE INDEX decision_chain ON node (chain, seq) WHERE label = 'Decision';
CREATE INDEX decision_at ON node (at_ms) WHERE label = 'Decision';
CREATE INDEX chain_id ON node (id) WHERE label = 'Chain';
CREATE INDEX chain_seq ON node (seq) WHERE label = 'Chain';
CREATE INDEX chain_session ON node (session, seq) WHERE label = 'Chain';
CREATE INDEX chain_status ON node (status, seq) WHERE label = 'Chain';
CREATE INDEX chain_owner ON node (owner, seq) WHERE label = 'Chain';

CREATE TABLE edge (
  start      TEXT NOT NULL,
  type       TEXT NOT NULL,
  "end"      TEXT NOT NULL,
  properties TEXT NOT NULL,
  PRIMARY KEY (start, type, "end")
) STRICT, WITHOUT ROWID;

CREATE INDEX edge_end ON edge ("end", type);

-- Which decisions name a pattern; kept in step with the decision's property `patterns`.
CREATE TABLE decision_pattern (
  pattern TEXT NOT NULL,
  key     TEXT NOT NULL,
  PRIMARY KEY (pattern, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX decision_pattern_key ON decision_pattern (key);

-- At most one row, written with what the drawing begins with: whose drawing this is, and up to where. A file without it is none.
CREATE TABLE drawing (
  one         INTEGER PRIMARY KEY CHECK (one = 1),
  incarnation TEXT NOT NULL,
  drawn       INTEGER NOT NULL
) STRICT;
