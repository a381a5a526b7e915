"""What callers name by text: an identity, or where paths are to lead."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from graphsvc.errors import BadInput
from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.path import ADMIN

__all__ = ["identity_named", "wanted"]


def identity_named(view: EstateView, name: str, field: str = "identity") -> str:
    """The key of an identity named by id, prefixed id or alias; BadInput suggests the nearest."""
    key = view.estate.identity_key(name)
    if key is None:
        ids = [each.removeprefix("identity:") for each in view.identities()]
        near = get_close_matches(name, ids, n=1, cutoff=0.5)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise BadInput(f"no identity `{name}` in the graph{hint}", field=field)
    return key


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
