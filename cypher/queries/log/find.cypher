// Purpose: the entry of an id, for a commit whose outcome is unknown
// Parameters:
//   $id: text
// Returns: seq, first, id, cells, body; no row if it was never written
// Index: log_id
CYPHER 5
// The lock waits for a commit that is still under way.
MATCH (k:Counter {id: 'log'})
SET k._lock = true
REMOVE k._lock
WITH k
MATCH (l:Log {id: $id})
RETURN l.seq AS seq, l.first AS first, l.id AS id, l.cells AS cells, l.body AS body
