"""The committed schema file."""

from pathlib import Path

from graphsvc.api.schema.build import schema_text

_FILE = Path(__file__).parents[2] / "schema.graphql"


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    """`schema.graphql` equals the schema in the code; after a change: `python -m graphsvc.api.schema.build > schema.graphql`."""
    assert _FILE.read_text(encoding="utf-8") == schema_text()
