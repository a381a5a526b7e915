// Purpose: the key under which values that nothing reads are hashed; the first that asks sets it
// Parameters:
//   $salt: bytes, what it becomes if there is none yet
// Returns: salt
// Index: store_id
CYPHER 5
MATCH (s:Store {id: 'store'})
// Locked before it is read.
SET s._lock = true
REMOVE s._lock
SET s.salt = coalesce(s.salt, $salt)
RETURN s.salt AS salt
