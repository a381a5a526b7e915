// Purpose: what happened in a chain, step by step, and what was decided about each step
// Parameters:
//   $chain: the chain's id, such as "c1"
// Returns: seq, action, resource, identity, verdict, after (ids of the actions it follows)
CYPHER 5
MATCH (c:Chain {id: $chain})<-[:IN_CHAIN]-(a:Action)
OPTIONAL MATCH (a)-[:DECIDED]->(d:Decision)
OPTIONAL MATCH (a)-[:ON]->(r:Resource)
OPTIONAL MATCH (a)-[:BY]->(i:Identity)
RETURN a.seq AS seq, a.name AS action, r.key AS resource, i.id AS identity, d.verdict AS verdict,
       COLLECT { MATCH (a)<-[:NEXT|SPAWN|JOIN]-(b:Action) RETURN b.id } AS after
ORDER BY seq
