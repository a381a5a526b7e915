// Purpose: whether the server answers
// Parameters:
//   none
// Returns: one
// Index: none
CYPHER 5
RETURN 1 AS one
