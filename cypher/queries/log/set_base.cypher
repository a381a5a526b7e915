// Purpose: let the log begin behind a number; its state was written as parts in the same transaction
// Parameters:
//   $seq: integer
//   $statement: text, signed
//   $parts: integer, how many parts the state has
//   $incarnation: text, the life of the store that was opened
// Returns: same (false: another store), cut and head (as before), ends_there (an entry ends at $seq)
// Index: counter_id, store_id, log_seq
CYPHER 5
MATCH (k:Counter {id: 'log'})
SET k._lock = true
REMOVE k._lock
WITH k
MATCH (s:Store {id: 'store'})
WITH k, s, k.seq AS head, coalesce(s.base, 0) AS cut, s.incarnation = $incarnation AS same
OPTIONAL MATCH (l:Log {seq: $seq})
WITH k, s, head, cut, same, l IS NOT NULL AS ends_there
FOREACH (_ IN CASE WHEN same AND (head = 0 OR cut = $seq OR (cut < $seq AND $seq <= head AND ends_there)) THEN [1] ELSE [] END |
  SET s.base = $seq, s.statement = $statement, s.base_parts = $parts,
      k.seq = CASE WHEN head < $seq THEN $seq ELSE head END
)
RETURN same, cut, head, ends_there
