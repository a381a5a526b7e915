// Purpose: which life of the store this is
// Parameters:
//   none
// Returns: incarnation
// Index: store_id
CYPHER 5
MATCH (s:Store {id: 'store'})
RETURN s.incarnation AS incarnation
