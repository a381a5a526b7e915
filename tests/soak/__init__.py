"""A long run of a whole cluster under load and faults; see `python -m tests.soak --help`."""
