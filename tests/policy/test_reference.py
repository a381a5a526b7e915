"""The language reference is made from the schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from graphsvc.core.policy.schema import policy_schema
from scripts.policy_reference import reference

PAGE = Path(__file__).parents[2] / "docs" / "policy-language.md"


def test_the_reference_is_current() -> None:
    """The committed page equals what the schema gives: `make policy-docs` writes it anew."""
    assert PAGE.read_text("utf-8") == reference()


def test_the_reference_lists_every_key() -> None:
    """No key of the schema is left out, and every link leads to a heading of the page."""
    page = reference()
    models = cast("dict[str, dict[str, Any]]", policy_schema()["$defs"])
    keys = {key for model in models.values() for key in model.get("properties", {})}
    assert [key for key in sorted(keys) if f"| `{key}`" not in page] == []
    anchors = {
        "".join(char for char in line[3:].lower() if char.isalnum() or char in " -_").replace(" ", "-")
        for line in page.splitlines()
        if line.startswith("## ")
    }
    links = {part.partition(")")[0] for part in page.split("](#")[1:]}
    assert links - anchors == set()
