"""The client for enforcement points."""
