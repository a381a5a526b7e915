// Purpose: let one process migrate at a time: the lock lasts as long as the transaction
// Parameters:
//   none
// Returns: nothing
// Index: migration_lock_id
CYPHER 5
MERGE (l:MigrationLock {id: 'lock'})
SET l._lock = true
REMOVE l._lock
