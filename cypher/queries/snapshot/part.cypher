// Purpose: one part of a snapshot
// Parameters:
//   $id: text, `<seq>/<part>`
// Returns: body; no row when the part is not there
// Index: snapshot_id
CYPHER 5
MATCH (s:Snapshot {id: $id})
RETURN s.body AS body
