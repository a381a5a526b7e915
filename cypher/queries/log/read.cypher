// Purpose: a page of the log, oldest first
// Parameters:
//   $after: integer, exclusive
//   $limit: integer, at most this many entries
// Returns: seq, first, id, cells, body
// Index: log_seq
CYPHER 5
MATCH (l:Log) WHERE l.seq > $after
RETURN l.seq AS seq, l.first AS first, l.id AS id, l.cells AS cells, l.body AS body
ORDER BY l.seq LIMIT $limit
