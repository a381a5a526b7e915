// Purpose: remove all snapshots but the newest, and what is left of one that was written over
// Parameters:
//   $seq: integer, the one just written
//   $parts: integer, how many parts that one has
//   $kept: integer, how many snapshots stay
// Returns: nothing
// Index: snapshot_seq
CYPHER 5
MATCH (s:Snapshot) WHERE s.seq > 0 AND s.part = 0
WITH s.seq AS seq ORDER BY seq DESC
WITH collect(seq)[..$kept] AS kept
MATCH (old:Snapshot) WHERE old.seq > 0 AND (NOT old.seq IN kept OR (old.seq = $seq AND old.part >= $parts))
DELETE old
