"""The audit log: what a record says to an auditor, the Merkle tree over such records, signed notes and keys."""
