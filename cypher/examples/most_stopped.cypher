// Purpose: who was stopped most often
// Parameters:
//   $limit: at most this many, such as 10
// Returns: identity, denied, escalated
CYPHER 5
MATCH (d:Decision) WHERE d.verdict IN ['DENY', 'ESCALATE'] AND d.seq > 0
MATCH (d)<-[:DECIDED]-(:Action)-[:BY]->(i:Identity)
RETURN i.id AS identity, sum(CASE d.verdict WHEN 'DENY' THEN 1 ELSE 0 END) AS denied,
       sum(CASE d.verdict WHEN 'ESCALATE' THEN 1 ELSE 0 END) AS escalated
ORDER BY denied DESC, escalated DESC, identity LIMIT $limit
