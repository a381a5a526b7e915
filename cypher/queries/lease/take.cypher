// Purpose: take, renew or give back a lease, unless another holds it
// Parameters:
//   $id: text, the work that one replica does at a time
//   $holder: text, who asks
//   $ttl_ms: integer, how long from now; 0 gives it back
// Returns: held (true: the lease is the asker's)
// Index: lease_id
CYPHER 5
MERGE (l:Lease {id: $id}) ON CREATE SET l.holder = $holder, l.until_ms = 0
// Locked before it is read.
SET l._lock = true
REMOVE l._lock
WITH l, l.holder = $holder OR l.until_ms <= timestamp() AS held
FOREACH (_ IN CASE WHEN held THEN [1] ELSE [] END |
  SET l.holder = $holder, l.until_ms = timestamp() + $ttl_ms
)
RETURN held
