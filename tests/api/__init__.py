"""Tests of the HTTP and GraphQL face, over real sockets."""
