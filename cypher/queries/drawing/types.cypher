// Purpose: the edge types that are in use
// Parameters:
//   none
// Returns: name
// Index: none (token store)
CYPHER 5
CALL db.relationshipTypes() YIELD relationshipType
RETURN relationshipType AS name
