"""The stores of the conformance suite, for whole services."""

from tests.store.conftest import fresh_neo4j, reopen

__all__ = ["fresh_neo4j", "reopen"]
