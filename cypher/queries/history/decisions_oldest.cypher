// Purpose: a page of all decisions, oldest first
// Parameters:
//   $before: integer, exclusive
//   $after: integer, exclusive
//   $limit: integer
//   $subject: text or null (any)
//   $verdict: text or null (any)
//   $chain: text or null (any)
//   $pattern: text or null (any): the id of a completed pattern
//   $from_ms: integer or null, inclusive
//   $to_ms: integer or null, exclusive
// Returns: seq, body
// Index: decision_seq
CYPHER 5
MATCH (d:Decision)
WHERE d.seq > $after AND d.seq < $before
  AND ($subject IS NULL OR d.subject = $subject)
  AND ($verdict IS NULL OR d.verdict = $verdict)
  AND ($chain IS NULL OR d.chain = $chain)
  AND ($pattern IS NULL OR $pattern IN d.patterns)
  AND ($from_ms IS NULL OR d.at_ms >= $from_ms)
  AND ($to_ms IS NULL OR d.at_ms < $to_ms)
RETURN d.seq AS seq, d.body AS body
ORDER BY d.seq ASC LIMIT $limit
