"""Which attributes of a request can be read by rules or by conditions of the graph: never too few.

They are named as in `core.cel.mention`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from graphsvc.core.cel.mention import ENTITIES, ROOTS, read_by_condition
from graphsvc.core.policy.condition import EventCondition
from graphsvc.core.policy.document import ActionDeclaration, Policy
from graphsvc.core.policy.expression import parse_path
from graphsvc.core.policy.pattern import Count
from graphsvc.core.policy.scalar import Model, parts_of

__all__ = ["Reads", "attributes_of", "reads_of"]

# What is looked at whatever the packs say: amounts are added up (`intent_amount`), claims of provenance are checked.
_ALWAYS: Final = frozenset({"action.properties.amount", "action.properties.currency", "context.provenance"})
# Words for people, and what is read by a way of its own.
_APART: Final = frozenset({"title", "description", "references", "when", "key", "distinct"})
_APART_OF_PACKS: Final = _APART | {"pack", "tests"}
# Any other text of a file may name an attribute too.
_WRITTEN: Final = re.compile(r"\b(context|(?:action|resource|subject)\.properties)\.([^\W\d]\w*)")


class Reads:
    """What is read. arguments: properties of the action that critical arguments are named after, too."""

    def __init__(self, names: Iterable[str], keys: Iterable[str] = (), *, arguments: bool = False) -> None:
        """keys: of the context, whatever their case."""
        self.names = frozenset(names) | _ALWAYS
        self.arguments = arguments
        self._keys = frozenset(key.lower() for key in keys)
        self._whole = frozenset(root for root in ROOTS if f"{root}.*" in self.names)
        self._of = {
            root: frozenset(
                name.removeprefix(f"{root}.") for name in self.names if name.startswith(f"{root}.")
            )
            for root in ROOTS
        }

    def has(self, root: str, name: str) -> bool:
        """True when something may read the attribute."""
        return (
            root in self._whole
            or name in self._of[root]
            or (bool(self._keys) and root == "context" and name.lower() in self._keys)
        )


def reads_of(
    policies: Iterable[Policy], conditions: Iterable[str], keys: Iterable[str], *, arguments: bool
) -> Reads:
    """What packs read, in force or on trial, and the conditions of the graph; keys: what native ones ask for."""
    names: set[str] = set()
    for policy in policies:
        names |= attributes_of(policy)
    for text in conditions:
        names |= read_by_condition(text)
    return Reads(names, keys, arguments=arguments)


def attributes_of(written: Model) -> frozenset[str]:
    """What a pack, or a part of one, reads of requests."""
    return frozenset(_read(written))


def _read(written: object) -> Iterator[str]:
    if isinstance(written, str):
        yield from (f"{root}.{name}" for root, name in _WRITTEN.findall(written))
        return
    if isinstance(written, EventCondition):
        if written.when is not None:
            yield from read_by_condition(written.when)
        for expression in written.key.values():
            yield from _read_by_key(expression)
    elif isinstance(written, Count) and written.distinct is not None:
        yield from _read_by_key(written.distinct)
    elif isinstance(written, ActionDeclaration):
        yield from (
            f"action.properties.{name}" for name in (*written.arguments, *written.creates, *written.shown)
        )
    for each in parts_of(written, _APART_OF_PACKS if isinstance(written, Policy) else _APART):
        yield from _read(each)


def _read_by_key(expression: str) -> Iterator[str]:
    path = parse_path(expression)
    if path[0] == "context":
        yield f"context.{path[1]}"
    elif path[0] in ENTITIES and path[1] == "properties":
        yield f"{path[0]}.properties.{path[2]}"
