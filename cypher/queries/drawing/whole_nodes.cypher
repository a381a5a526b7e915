// Purpose: draw nodes, or bring them to what is said of them: other properties go, but for a suspension
// Parameters:
//   $rows: list of {key: text, label: text, properties: map}; a null property is removed
// Returns: nothing
// Index: entity_key
CYPHER 5
UNWIND $rows AS row
MERGE (n:Entity {key: row.key})
WITH n, row, n.suspended AS suspended, n.suspended_reason AS reason
SET n:$(row.label), n = row.properties
SET n.key = row.key, n.suspended = coalesce(n.suspended, suspended), n.suspended_reason = coalesce(n.suspended_reason, reason)
