"""Which properties of subjects, as callers told them, any rule may have read: those the log cannot be folded without."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from graphsvc.core.cel.mention import read_by_condition
from graphsvc.core.governing import PolicyDrafted, PolicyShadowed
from graphsvc.core.packs import load_pack
from graphsvc.core.reading import attributes_of
from graphsvc.core.world import World
from graphsvc.errors import PolicyError

__all__ = ["claims_read"]

_ROOT: Final = "subject.properties."


def claims_read(world: World) -> frozenset[str] | None:
    """Their names, casefolded; None: it may be any.

    Asked are packs that were ever published, tried or drafted, and the conditions of permissions as the graph has them. A
    text that this version cannot read may read anything.
    """
    found: set[str] = set()
    for text in dict.fromkeys(_packs(world)):
        try:
            found |= attributes_of(load_pack(text))
        except PolicyError:
            return None
    for text in dict.fromkeys(_conditions(world)):
        found |= read_by_condition(text)
    names = frozenset(name.removeprefix(_ROOT).casefold() for name in found if name.startswith(_ROOT))
    return None if "*" in names else names


def _packs(world: World) -> Iterator[str]:
    yield from (pack.text for pack in world.published)
    for _, record in world.governance.records:
        if isinstance(record, PolicyShadowed):
            yield record.text
        elif isinstance(record, PolicyDrafted):
            yield from (text for text, _, _ in record.packs)


def _conditions(world: World) -> Iterator[str]:
    for nodes, _ in world.estate.facts().values():
        for node in nodes.values():
            text = node.fields.get("condition")
            if isinstance(text, str):
                yield text
