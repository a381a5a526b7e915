// Purpose: remove all snapshots
// Parameters:
//   none
// Returns: nothing
// Index: snapshot_seq
CYPHER 5
MATCH (s:Snapshot) WHERE s.seq > 0
DELETE s
