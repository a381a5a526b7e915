"""Public suites and clients written by others, in Node, against a real service."""
