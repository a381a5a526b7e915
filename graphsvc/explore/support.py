"""Why somebody holds a right: the permission, and the edges from the identity to it."""

from __future__ import annotations

from dataclasses import dataclass

from graphsvc.core.gain.holding import faces
from graphsvc.explore.estate_view import EstateView

__all__ = ["HeldRight", "support"]

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
    return HeldRight(right, on, chosen.key, _way(view, identity, chosen.key), conditions)


def _way(view: EstateView, identity: str, permission: str) -> tuple[EdgeTriple, ...]:
    """Breadth first over memberships, so the shortest."""
    came: dict[str, tuple[EdgeTriple, ...]] = {identity: ()}
    queue = [identity]
    for node in queue:
        if permission in view.estate.out("GRANTED", node):
            return (*came[node], ("GRANTED", node, permission))
        for kind in _NESTED:
            for end in view.estate.out(kind, node):
                if end not in came:
                    came[end] = (*came[node], (kind, node, end))
                    queue.append(end)
    return ()
