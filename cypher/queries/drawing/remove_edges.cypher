// Purpose: remove edges of one type
// Parameters:
//   $rows: list of {start: text, end: text}
// Returns: nothing
// Index: entity_key
// EDGE_TYPE stands for the type: with a type that is data the server would read every edge there is.
CYPHER 5
UNWIND $rows AS row
MATCH (a:Entity {key: row.start})
MATCH (b:Entity {key: row.end})
MATCH (a)-[e:EDGE_TYPE]->(b)
DELETE e
