// Purpose: write one part of a snapshot
// Parameters:
//   $id: text, `<seq>/<part>`
//   $seq: integer, up to where the log was folded
//   $part: integer, from 0
//   $parts: integer, how many there are
//   $body: bytes
// Returns: nothing
// Index: snapshot_id
CYPHER 5
MERGE (s:Snapshot {id: $id})
SET s.seq = $seq, s.part = $part, s.parts = $parts, s.body = $body
