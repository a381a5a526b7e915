"""The URL of a store says what it is, and never holds a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphsvc.errors import BadInput
from graphsvc.store.address import (
    MemoryAddress,
    Neo4jAddress,
    SqliteAddress,
    StoreAddress,
    absolute_hint,
    parse_store_url,
)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("memory:", MemoryAddress()),
        ("sqlite:///graphsvc.db", SqliteAddress(Path("graphsvc.db"))),
        ("sqlite:////var/lib/graphsvc.db", SqliteAddress(Path("/var/lib/graphsvc.db"))),
        ("neo4j://ann@db.example:7688/rights", Neo4jAddress("neo4j://db.example:7688", "ann", "rights")),
        ("bolt://127.0.0.1", Neo4jAddress("bolt://127.0.0.1:7687")),
        ("bolt+s://[::1]:7687/neo4j", Neo4jAddress("bolt+s://[::1]:7687")),
    ],
)
def test_every_form_is_read(url: str, address: StoreAddress) -> None:
    """Each documented form gives its address; user and database default to neo4j."""
    assert parse_store_url(url) == address


@pytest.mark.parametrize(
    "url",
    ["", "graphsvc.db", "postgres://x", "sqlite://graphsvc.db", "sqlite:///", "sqlite:///a?b", "memory:x",
     "neo4j://", "bolt://host:notaport", "bolt://host:7687/a/b", "bolt://host:7687?x=1"],
)  # fmt: skip
def test_every_other_form_is_refused(url: str) -> None:
    """What is no store is BadInput in the field `store`."""
    with pytest.raises(BadInput, match=r"^store: ") as caught:
        parse_store_url(url)
    assert caught.value.field == "store"


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    """The error names the variable and keeps the password to itself."""
    with pytest.raises(BadInput, match="GRAPHSVC_NEO4J_PASSWORD") as caught:
        parse_store_url("neo4j://ann:tell-nobody@db:7687/neo4j")
    assert "tell-nobody" not in str(caught.value)


def test_a_forgotten_slash_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`sqlite:///var/x.db` is relative: where its folder is at the root instead, the error says how that is written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    wanted = f"; for `{tmp_path / 'here' / 'x.db'}` write `sqlite:///{tmp_path / 'here' / 'x.db'}`"
    meant = Path(*tmp_path.parts[1:]) / "here" / "x.db"
    assert absolute_hint(meant) == wanted
    assert absolute_hint(tmp_path / meant) == wanted
    for path in (Path("x.db"), Path("nowhere-at-all/x.db"), Path("/nowhere-at-all/x.db")):
        assert absolute_hint(path) == ""
