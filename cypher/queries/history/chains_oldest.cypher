// Purpose: a page of all chains, oldest first
// Parameters:
//   $before: integer, exclusive
//   $after: integer, exclusive
//   $limit: integer
//   $session: text or null (any)
//   $status: text or null (any)
//   $owner: text or null (any)
// Returns: seq, id, session, parent, status, owner, opened_ms, length
// Index: chain_seq
CYPHER 5
MATCH (c:Chain)
WHERE c.seq > $after AND c.seq < $before
  AND ($session IS NULL OR c.session = $session)
  AND ($status IS NULL OR c.status = $status)
  AND ($owner IS NULL OR c.owner = $owner)
RETURN c.seq AS seq, c.id AS id, c.session AS session, c.parent AS parent, c.status AS status, c.owner AS owner,
  c.opened_ms AS opened_ms, c.length AS length
ORDER BY c.seq LIMIT $limit
