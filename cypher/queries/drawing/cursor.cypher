// Purpose: up to where the graph is drawn
// Parameters:
//   none
// Returns: seq
// Index: cursor_id
CYPHER 5
MATCH (c:Cursor {id: 'drawn'})
RETURN c.seq AS seq
