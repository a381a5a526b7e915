"""Tests of the audit log: lines, tree, keys, exports, faults, the report."""
