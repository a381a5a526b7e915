// Purpose: draw edges of one type, or bring them to what is said of them: other properties go; an edge with an end that is not there is skipped
// Parameters:
//   $rows: list of {start: text, end: text, properties: map}
// Returns: nothing
// Index: entity_key
// EDGE_TYPE stands for the type: with a type that is data the server would read every edge there is.
CYPHER 5
UNWIND $rows AS row
MATCH (a:Entity {key: row.start})
MATCH (b:Entity {key: row.end})
MERGE (a)-[e:EDGE_TYPE]->(b)
SET e = row.properties
