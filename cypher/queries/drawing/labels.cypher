// Purpose: the labels that are in use
// Parameters:
//   none
// Returns: name
// Index: none (token store)
CYPHER 5
CALL db.labels() YIELD label
RETURN label AS name
