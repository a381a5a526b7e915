// Purpose: a page of the chains of one owner, oldest first
// Parameters:
//   $before: integer, exclusive
//   $after: integer, exclusive
//   $limit: integer
//   $owner: text
//   $session: text or null (any)
//   $status: text or null (any)
// Returns: seq, id, session, parent, status, owner, opened_ms, length
// Index: chain_owner
CYPHER 5
MATCH (c:Chain)
WHERE c.owner = $owner
  AND c.seq > $after AND c.seq < $before
  AND ($session IS NULL OR c.session = $session)
  AND ($status IS NULL OR c.status = $status)
RETURN c.seq AS seq, c.id AS id, c.session AS session, c.parent AS parent, c.status AS status, c.owner AS owner,
  c.opened_ms AS opened_ms, c.length AS length
ORDER BY c.owner, c.seq LIMIT $limit
