// Purpose: a page of the log, oldest first; what was cut off is not there
// Parameters:
//   $after: integer, exclusive
//   $limit: integer, at most this many entries
// Returns: seq, first, id, cells, body
// Index: store_id, log_seq
CYPHER 5
MATCH (s:Store {id: 'store'})
WITH CASE WHEN s.base > $after THEN s.base ELSE $after END AS after
MATCH (l:Log) WHERE l.seq > after
RETURN l.seq AS seq, l.first AS first, l.id AS id, l.cells AS cells, l.body AS body
ORDER BY l.seq LIMIT $limit
