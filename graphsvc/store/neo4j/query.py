"""Named queries: the files of `cypher/queries/<area>/<name>.cypher`, read once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable

from graphsvc import cypher_root

__all__ = ["NamedQuery", "named", "named_for_type", "query_names"]

_WORD = re.compile(r"[A-Z][A-Z0-9_]*")
_PARAMETER = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """A query and the names of the parameters it takes."""

    name: str
    text: str
    parameters: frozenset[str]


@cache
def named(name: str) -> NamedQuery:
    """The query of that name, such as `log/append`; FileNotFoundError for a misspelt one."""
    file: Traversable = cypher_root() / "queries"
    for part in f"{name}.cypher".split("/"):
        file = file / part
    return _parse(name, file.read_text(encoding="utf-8"))


@cache
def named_for_type(name: str, edge_type: str) -> NamedQuery:
    """The query of that name with `edge_type` in the place of EDGE_TYPE.

    A type cannot be a parameter that is planned well. Only a plain word is taken, so no text from outside
    can change the query.
    """
    assert _WORD.fullmatch(edge_type) is not None
    query = named(name)
    return NamedQuery(query.name, query.text.replace("EDGE_TYPE", edge_type), query.parameters)


def query_names() -> list[str]:
    """The names of all shipped queries, sorted."""
    root = cypher_root() / "queries"
    return sorted(
        f"{area.name}/{file.name.removesuffix('.cypher')}"
        for area in root.iterdir()
        if area.is_dir()
        for file in area.iterdir()
        if file.name.endswith(".cypher")
    )


def _parse(name: str, source: str) -> NamedQuery:
    # Comments stay in the file: the server plans and caches by text.
    lines = [line for line in source.splitlines() if line.strip() and not line.lstrip().startswith("//")]
    text = "\n".join(lines)
    return NamedQuery(name, text, frozenset(_PARAMETER.findall(text)))
