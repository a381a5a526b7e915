// Purpose: what agents did for a person
// Parameters:
//   $person: the identity's id, such as "alice"
//   $limit: at most this many, such as 50
// Returns: agent, action, resource, verdict, seq
CYPHER 5
MATCH (human:Identity {id: $person})<-[:ACTS_FOR]-(agent:Identity)
MATCH (agent)<-[:BY]-(a:Action)
OPTIONAL MATCH (a)-[:ON]->(r:Resource)
OPTIONAL MATCH (a)-[:DECIDED]->(d:Decision)
RETURN agent.id AS agent, a.name AS action, r.key AS resource, d.verdict AS verdict, a.seq AS seq
ORDER BY seq DESC LIMIT $limit
