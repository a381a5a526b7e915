// Purpose: the actions that were denied because they would have completed a pattern of this severity
// Parameters:
//   $severity: the pattern's severity, such as "critical"
//   $limit: at most this many, such as 25
// Returns: seq, identity, action, resource, pattern
CYPHER 5
MATCH (d:Decision) WHERE d.verdict = 'DENY' AND d.seq > 0
MATCH (d)<-[:DECIDED]-(a:Action)-[:COMPLETED]->(p:Pattern)
WHERE p.severity = $severity
OPTIONAL MATCH (a)-[:BY]->(i:Identity)
OPTIONAL MATCH (a)-[:ON]->(r:Resource)
RETURN d.seq AS seq, i.id AS identity, a.name AS action, r.key AS resource, p.id AS pattern
ORDER BY seq DESC LIMIT $limit
