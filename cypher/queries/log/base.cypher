// Purpose: behind which number the log begins, and by which statement
// Parameters:
//   none
// Returns: seq (0: everything is there), statement, parts
// Index: store_id
CYPHER 5
MATCH (s:Store {id: 'store'})
RETURN coalesce(s.base, 0) AS seq, s.statement AS statement, s.base_parts AS parts
