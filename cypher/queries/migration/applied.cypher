// Purpose: the migrations that were applied
// Parameters:
//   none
// Returns: version, name, checksum
// Index: migration_version
CYPHER 5
MATCH (m:Migration) WHERE m.version > 0
RETURN m.version AS version, m.name AS name, m.checksum AS checksum
ORDER BY m.version
