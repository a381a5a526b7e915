// Purpose: write the next log entry unless the log after $seen touches a cell that was read
// Parameters:
//   $seen: integer, the newest number this process has folded
//   $reads: list of text, the cells that were read
//   $incarnation: text, the life of the store that was opened
//   $id: text, unique id of the entry
//   $count: integer, the number of records in the entry
//   $cells: list of text, the cells that the entry touches
//   $body: bytes
// Returns: moved (true: nothing was written), head (the newest number before), same (false: another store, or one cut off behind $seen; nothing was written), tail (the entries after $seen, in no order)
// Index: counter_id, store_id, log_seq, log_id
CYPHER 5
// INVARIANT: the counter is locked before anything is read, so that appends follow one another.
MATCH (k:Counter {id: 'log'})
SET k._lock = true
REMOVE k._lock
WITH k, k.seq AS head
MATCH (s:Store {id: 'store'})
WITH k, head, s.incarnation = $incarnation AND head >= $seen AND coalesce(s.base, 0) <= $seen AS same
CALL (head) {
  WITH head WHERE head > $seen
  MATCH (l:Log) WHERE l.seq > $seen
  RETURN collect({seq: l.seq, first: l.first, id: l.id, cells: l.cells, body: l.body}) AS tail
}
WITH k, head, same, tail, any(l IN tail WHERE any(x IN l.cells WHERE x IN $reads)) AS clash
FOREACH (_ IN CASE WHEN clash OR NOT same THEN [] ELSE [1] END |
  SET k.seq = head + $count
  CREATE (:Log {seq: head + $count, first: head + 1, id: $id, cells: $cells, body: $body})
)
RETURN clash AS moved, head, same, tail
