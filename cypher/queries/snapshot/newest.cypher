// Purpose: the newest snapshot before a number
// Parameters:
//   $before: integer, exclusive
// Returns: seq, parts; no row when there is none
// Index: snapshot_seq
CYPHER 5
MATCH (s:Snapshot) WHERE s.seq > 0 AND s.seq < $before
RETURN s.seq AS seq, s.parts AS parts
ORDER BY s.seq DESC LIMIT 1
