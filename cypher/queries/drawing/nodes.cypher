// Purpose: draw or update nodes
// Parameters:
//   $rows: list of {key: text, label: text, properties: map}; a null property is removed
// Returns: nothing
// Index: entity_key
CYPHER 5
UNWIND $rows AS row
MERGE (n:Entity {key: row.key})
SET n:$(row.label), n += row.properties
