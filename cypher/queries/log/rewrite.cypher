// Purpose: give an entry of the log another body, in which content was erased
// Parameters:
//   $seq: integer
//   $id: text
//   $before: bytes, the body as it was read
//   $body: bytes
// Returns: seq; no row when the entry is not there as it was read
// Index: log_seq
CYPHER 5
MATCH (l:Log {seq: $seq})
WHERE l.id = $id AND l.body = $before
SET l.body = $body
RETURN l.seq AS seq
