// Purpose: remove nodes with all their edges
// Parameters:
//   $keys: list of text
// Returns: nothing
// Index: entity_key
CYPHER 5
UNWIND $keys AS key
MATCH (n:Entity {key: key})
DETACH DELETE n
