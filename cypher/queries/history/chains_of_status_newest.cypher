// Purpose: a page of the chains of one status, newest first
// Parameters:
//   $before: integer, exclusive
//   $after: integer, exclusive
//   $limit: integer
//   $status: text
//   $session: text or null (any)
//   $owner: text or null (any)
// Returns: seq, id, session, parent, status, owner, opened_ms, length
// Index: chain_status
CYPHER 5
MATCH (c:Chain)
WHERE c.status = $status
  AND c.seq > $after AND c.seq < $before
  AND ($session IS NULL OR c.session = $session)
  AND ($owner IS NULL OR c.owner = $owner)
RETURN c.seq AS seq, c.id AS id, c.session AS session, c.parent AS parent, c.status AS status, c.owner AS owner,
  c.opened_ms AS opened_ms, c.length AS length
ORDER BY c.status DESC, c.seq DESC LIMIT $limit
