// Purpose: the server's clock
// Parameters:
//   none
// Returns: now_ms (Unix milliseconds UTC)
// Index: none
CYPHER 5
RETURN timestamp() AS now_ms
