// Purpose: the identities that hold most permissions, directly or through groups and roles
// Parameters:
//   $limit: at most this many, such as 10
// Returns: identity, kind, permissions
CYPHER 5
MATCH (i:Identity) WHERE i.id > ''
RETURN i.id AS identity, i.kind AS kind,
       COUNT {
         MATCH (i)-[:MEMBER_OF|HAS_ROLE|INHERITS|GRANTED*1..]->(p:Permission)
         RETURN DISTINCT p
       } AS permissions
ORDER BY permissions DESC, identity LIMIT $limit
