// Purpose: one chain by id
// Parameters:
//   $id: text
// Returns: seq, id, session, parent, status, owner, opened_ms, length; no row if it is not drawn
// Index: chain_id
CYPHER 5
MATCH (c:Chain {id: $id})
RETURN c.seq AS seq, c.id AS id, c.session AS session, c.parent AS parent, c.status AS status, c.owner AS owner,
  c.opened_ms AS opened_ms, c.length AS length
