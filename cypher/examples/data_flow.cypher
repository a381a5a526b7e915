// Purpose: where the data that reached an action came from
// Parameters:
//   $action: the action's id, such as "a3"
// Returns: seq, action, resource, labels
CYPHER 5
MATCH (:Action {id: $action})<-[:FED*1..]-(from:Action)
WITH DISTINCT from
OPTIONAL MATCH (from)-[:ON]->(r:Resource)
RETURN from.seq AS seq, from.name AS action, r.key AS resource, from.labels AS labels
ORDER BY seq
