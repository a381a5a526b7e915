"""The tests of graphsvc."""
