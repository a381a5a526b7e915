"""What an import would change of a source's facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from graphsvc.core.graph import Edge, Node

__all__ = ["Change", "Difference", "difference"]

_Fact = TypeVar("_Fact", Node, Edge)


class Change(msgspec.Struct, frozen=True):
    """Facts by what becomes of them, each named by its key or as `TYPE from -> to`, sorted."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


class Difference(msgspec.Struct, frozen=True):
    """What becomes of nodes and of edges."""

    nodes: Change
    edges: Change


def difference(
    before: tuple[Iterable[Node], Iterable[Edge]],
    after: tuple[Iterable[Node], Iterable[Edge]],
    *,
    replace: bool,
) -> Difference:
    """The way from one state of a source to the next. replace: facts that are only in `before` go."""
    return Difference(
        nodes=_change(_by_key(before[0]), _by_key(after[0]), replace=replace),
        edges=_change(_by_ends(before[1]), _by_ends(after[1]), replace=replace),
    )


def _by_key(nodes: Iterable[Node]) -> dict[str, Node]:
    return {node.key: node for node in nodes}


def _by_ends(edges: Iterable[Edge]) -> dict[str, Edge]:
    return {f"{edge.type} {edge.start} -> {edge.end}": edge for edge in edges}


def _change(before: Mapping[str, _Fact], after: Mapping[str, _Fact], *, replace: bool) -> Change:
    return Change(
        added=tuple(sorted(after.keys() - before.keys())),
        changed=tuple(sorted(name for name in after.keys() & before.keys() if after[name] != before[name])),
        removed=tuple(sorted(before.keys() - after.keys())) if replace else (),
    )
