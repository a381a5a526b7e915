// Purpose: what a chain and every chain it spawned touched, and whether it was allowed to
// Parameters:
//   $chain: the chain's id, such as "c1"
// Returns: chain, action, resource, type, tier, verdict
CYPHER 5
MATCH (:Chain {id: $chain})-[:SPAWNED*0..]->(c:Chain)
WITH DISTINCT c
MATCH (c)<-[:IN_CHAIN]-(a:Action)-[:ON]->(r:Resource)
OPTIONAL MATCH (a)-[:DECIDED]->(d:Decision)
RETURN c.id AS chain, a.name AS action, r.key AS resource, r.type AS type, r.tier AS tier, d.verdict AS verdict
ORDER BY a.seq
