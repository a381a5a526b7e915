// Purpose: the risky paths that were completed or stopped at their last step, newest first, each with its steps
// Parameters:
//   $limit: at most this many, such as 25
// Returns: seq, chain, identity, pattern, verdict, path (names of its actions in order)
CYPHER 5
MATCH (a:Action) WHERE a.seq > 0
MATCH (a)-[done:COMPLETED]->(p:Pattern)
OPTIONAL MATCH (a)-[:IN_CHAIN]->(c:Chain)
OPTIONAL MATCH (a)-[:BY]->(i:Identity)
OPTIONAL MATCH (a)-[:DECIDED]->(d:Decision)
RETURN a.seq AS seq, c.id AS chain, i.id AS identity, p.id AS pattern, d.verdict AS verdict,
       COLLECT { UNWIND done.path AS id MATCH (step:Action {id: id}) RETURN step.name } AS path
ORDER BY seq DESC LIMIT $limit
