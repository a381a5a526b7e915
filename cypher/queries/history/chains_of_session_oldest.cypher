// Purpose: a page of the chains of one session, oldest first
// Parameters:
//   $before: integer, exclusive
//   $after: integer, exclusive
//   $limit: integer
//   $session: text
//   $status: text or null (any)
//   $owner: text or null (any)
// Returns: seq, id, session, parent, status, owner, opened_ms, length
// Index: chain_session
CYPHER 5
MATCH (c:Chain)
WHERE c.session = $session
  AND c.seq > $after AND c.seq < $before
  AND ($status IS NULL OR c.status = $status)
  AND ($owner IS NULL OR c.owner = $owner)
RETURN c.seq AS seq, c.id AS id, c.session AS session, c.parent AS parent, c.status AS status, c.owner AS owner,
  c.opened_ms AS opened_ms, c.length AS length
ORDER BY c.session, c.seq LIMIT $limit
