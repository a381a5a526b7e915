// Purpose: the newest number of the log
// Parameters:
//   none
// Returns: head
// Index: counter_id
CYPHER 5
MATCH (k:Counter {id: 'log'})
RETURN k.seq AS head
