// Purpose: the newest number of the log, and which life of the store it is
// Parameters:
//   none
// Returns: head, incarnation
// Index: counter_id, store_id
CYPHER 5
MATCH (k:Counter {id: 'log'})
MATCH (s:Store {id: 'store'})
RETURN k.seq AS head, s.incarnation AS incarnation
