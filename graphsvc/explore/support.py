"""Why somebody holds a right: the permission, and the edges from the identity to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graphsvc.core.gain.holding import faces
from graphsvc.explore.estate_view import EstateView

__all__ = ["EdgeTriple", "HeldRight", "support", "way_to", "way_to_holder"]

EdgeTriple = tuple[str, str, str]
_NESTED = ("MEMBER_OF", "HAS_ROLE", "INHERITS")


@dataclass(frozen=True, slots=True)
class HeldRight:
    """right: the action; on: key of a resource, None anywhere. via: edges from the identity to the permission.

    conditions: what has to be met for it, as written; `certainty` is `yes` without any.
    """

    right: str
    on: str | None
    permission: str | None
    via: tuple[EdgeTriple, ...]
    conditions: tuple[str, ...] = ()

    @property
    def certainty(self) -> str:
        """`yes`, or `unknown` where a condition decides."""
        return "unknown" if self.conditions else "yes"


def support(view: EstateView, identity: str, right: str, on: str | None) -> HeldRight:
    """The first permission that gives the right, in the order in which they are held."""
    held = view.rights.held(identity)
    speaking = [each for each in held.permissions if not each.deny and each.speaks_of(right)]
    if on is not None:
        keys = faces(on) if on.startswith("identity:") else (on,)
        places = [place for key in keys for place in view.estate.places(key)]
        speaking = [each for each in speaking if each.covers(places)]
    # One without a condition, if there is one, explains more.
    speaking.sort(key=lambda each: each.conditional)
    if not speaking:
        return HeldRight(right, on, None, ())
    chosen = speaking[0]
    conditions = (f"needs {', '.join(chosen.keys) or 'its condition'}",) if chosen.conditional else ()
    return HeldRight(right, on, chosen.key, way_to(view, identity, chosen.key), conditions)


def way_to(view: EstateView, identity: str, permission: str) -> tuple[EdgeTriple, ...]:
    """Edges from an identity to a permission that it holds, the shortest; empty when it holds it not."""
    for node, way in _memberships(view, identity):
        if permission in view.estate.out("GRANTED", node):
            return (*way, ("GRANTED", node, permission))
    return ()


def way_to_holder(view: EstateView, identity: str, holder: str) -> tuple[EdgeTriple, ...]:
    """Edges from an identity to one of its groups or roles; empty for itself."""
    return next((way for node, way in _memberships(view, identity) if node == holder), ())


def _memberships(view: EstateView, identity: str) -> Iterator[tuple[str, tuple[EdgeTriple, ...]]]:
    """Breadth first over memberships, so the shortest."""
    came: dict[str, tuple[EdgeTriple, ...]] = {identity: ()}
    queue = [identity]
    for node in queue:
        yield node, came[node]
        for kind in _NESTED:
            for end in view.estate.out(kind, node):
                if end not in came:
                    came[end] = (*came[node], (kind, node, end))
                    queue.append(end)
