"""The conformance suite of the stores, and what each store adds to it."""
