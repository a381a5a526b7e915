// Purpose: remove entries of the log that its base covers, the oldest first
// Parameters:
//   $limit: integer, at most this many entries
// Returns: removed
// Index: store_id, log_seq
CYPHER 5
MATCH (s:Store {id: 'store'})
WITH coalesce(s.base, 0) AS base
CALL (base) {
  MATCH (l:Log) WHERE l.seq <= base
  WITH l ORDER BY l.seq LIMIT $limit
  DELETE l
  RETURN count(*) AS removed
}
RETURN removed
