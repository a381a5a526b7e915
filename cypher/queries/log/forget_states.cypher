// Purpose: remove the parts of states that earlier bases of the log had
// Parameters:
//   $kept: integer, the number whose parts stay, negative
// Returns: nothing
// Index: snapshot_seq
CYPHER 5
MATCH (s:Snapshot) WHERE s.seq < 0 AND s.seq <> $kept
DELETE s
