"""What callers name by text: an identity, or where paths are to lead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

from graphsvc.core.graph import Edge
from graphsvc.errors import BadInput
from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.path import ADMIN

__all__ = ["identity_named", "known_ends", "wanted"]

_SUGGESTED = 3


def identity_named(view: EstateView, name: str, field: str = "identity") -> str:
    """The key of an identity named by id, prefixed id or alias; BadInput suggests the nearest."""
    key = view.estate.identity_key(name)
    if key is None:
        ids = [each.removeprefix("identity:") for each in view.identities()]
        raise BadInput(f"no identity `{name}` in the graph{_hint(name, ids)}", field=field)
    return key


def known_ends(view: EstateView, edges: Iterable[Edge], field: str) -> None:
    """BadInput when an edge begins or ends at nothing: it would give nobody anything, which is no answer."""
    for edge in edges:
        for key in (edge.start, edge.end):
            if view.estate.node(key) is None:
                kind = key.partition(":")[0]
                keys = [node.key for node in view.estate.nodes() if node.kind == kind]
                raise BadInput(f"no node `{key}` in the graph{_hint(key, keys)}", field=field)


def _hint(name: str, known: Sequence[str]) -> str:
    """What may have been meant: names that hold the text, else the nearest."""
    word = name.rpartition("/")[2].casefold()
    near = [each for each in known if word and word in each.casefold()][:_SUGGESTED]
    near = near or get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {' or '.join(f'`{each}`' for each in near)}?" if near else ""


def wanted(view: EstateView, to: str | None) -> Callable[[str], bool]:
    """Which nodes end a path: `admin`, `tier:NAME`, an identity, a resource; None: every one."""
    if to is None:
        return lambda _node: True
    if to == ADMIN:
        return lambda node: node == ADMIN
    if to.startswith("tier:"):
        tier = to.removeprefix("tier:")
        tiers = {node.tier for node in view.estate.nodes() if node.tier is not None}
        if tier not in tiers:
            known = ", ".join(f"`{each}`" for each in sorted(tiers)) or "none"
            raise BadInput(f"to: no resource has the tier `{tier}`; tiers here: {known}", field="to")
        return lambda node: (found := view.estate.node(node)) is not None and found.tier == tier
    for key in (to, f"resource:{to}"):
        if key.startswith("resource:") and view.estate.node(key) is not None:
            return lambda node: node == key
    identity = identity_named(view, to, "to")
    return lambda node: node == identity
