// Purpose: a page of the decisions of one subject, oldest first
// Parameters:
//   $before: integer, exclusive
//   $after: integer, exclusive
//   $limit: integer
//   $subject: text
//   $verdict: text or null (any)
//   $chain: text or null (any)
//   $pattern: text or null (any): the id of a completed pattern
//   $from_ms: integer or null, inclusive
//   $to_ms: integer or null, exclusive
// Returns: seq, body
// Index: decision_subject
CYPHER 5
MATCH (d:Decision)
WHERE d.subject = $subject
  AND d.seq > $after AND d.seq < $before
  AND ($verdict IS NULL OR d.verdict = $verdict)
  AND ($chain IS NULL OR d.chain = $chain)
  AND ($pattern IS NULL OR $pattern IN d.patterns)
  AND ($from_ms IS NULL OR d.at_ms >= $from_ms)
  AND ($to_ms IS NULL OR d.at_ms < $to_ms)
RETURN d.seq AS seq, d.body AS body
ORDER BY d.subject ASC, d.seq ASC LIMIT $limit
