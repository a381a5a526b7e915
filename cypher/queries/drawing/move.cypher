// Purpose: move the cursor of the drawing; holds its lock until the transaction ends
// Parameters:
//   $expected: integer, where the cursor must be
//   $drawn: integer, where it goes
// Returns: seq; no row if the cursor is elsewhere
// Index: cursor_id
CYPHER 5
MATCH (c:Cursor {id: 'drawn'})
SET c._lock = true
REMOVE c._lock
WITH c WHERE c.seq = $expected
SET c.seq = $drawn
RETURN c.seq AS seq
