// Purpose: remember that a migration was applied
// Parameters:
//   $version: integer
//   $name: text
//   $checksum: text
// Returns: nothing
// Index: migration_version
CYPHER 5
CREATE (:Migration {version: $version, name: $name, checksum: $checksum, at: datetime()})
