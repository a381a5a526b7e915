// Purpose: let one process at a time write a snapshot: the lock lasts as long as the transaction
// Parameters:
//   $incarnation: text, the life of the store that was opened
// Returns: same (false: another store)
// Index: store_id
CYPHER 5
MATCH (s:Store {id: 'store'})
SET s._lock = true
REMOVE s._lock
RETURN s.incarnation = $incarnation AS same
