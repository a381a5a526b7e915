// Purpose: one decision by id
// Parameters:
//   $id: text
// Returns: seq, body; no row if it is not drawn
// Index: decision_id
CYPHER 5
MATCH (d:Decision {id: $id})
RETURN d.seq AS seq, d.body AS body
