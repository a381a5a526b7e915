"""Why somebody holds a right: the permission, and the edges from the identity to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from graphsvc.core.gain.closure import Firing
from graphsvc.core.gain.holding import faces
from graphsvc.core.native import Asked
from graphsvc.core.value import Json
from graphsvc.explore.estate_view import EstateView

__all__ = ["EdgeTriple", "HeldRight", "support", "supports", "way_to", "way_to_holder"]

EdgeTriple = tuple[str, str, str]
_NOTHING: Mapping[str, Json] = {}
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


def support(
    view: EstateView, identity: str, right: str, on: str | None, given: Mapping[str, Json] = _NOTHING
) -> HeldRight:
    """The first permission that gives the right, in the order in which they are held. given: see `Right.given`."""
    held = view.rights.held(identity)
    if held.plain and (on is None or not on.startswith("identity:")):
        # Each says yes where it is about the resource: the first will do.
        inside = view.estate.places(on) if on is not None else ()
        about = (each for each in held.permissions if each.speaks_of(right))
        first = next((each for each in about if on is None or each.covers(inside)), None)
        via = way_to(view, identity, first.key) if first is not None else ()
        return HeldRight(right, on, first.key if first is not None else None, via)
    speaking = [each for each in held.permissions if not each.deny and each.speaks_of(right)]
    keys = (identity,) if on is None else faces(on) if on.startswith("identity:") else (on,)
    if on is not None:
        places = [place for key in keys for place in view.estate.places(key)]
        speaking = [each for each in speaking if each.covers(places)]
    place = keys[0] if on is not None else "resource:*"
    judged = [(each, *each.holds(Asked(view.estate, identity, place, None, given))) for each in speaking]
    # One that surely holds, if there is one, explains more than one that may; one that does not explains nothing.
    judged = [each for each in judged if each[1] is not False]
    judged.sort(key=lambda each: each[1] is None)
    if not judged:
        return HeldRight(right, on, None, ())
    chosen, answer, missing = judged[0]
    conditions = (f"needs {', '.join(missing) or 'its condition'}",) if answer is None else ()
    return HeldRight(right, on, chosen.key, way_to(view, identity, chosen.key), conditions)


def supports(view: EstateView, identity: str, firing: Firing) -> Iterator[HeldRight]:
    """By which permission each right of a combination is held, the first of its alternatives that is; `permission` is None
    where it is not known which.
    """
    binding = dict(firing.binding)
    for right in firing.rule.rights.all_of:
        on = right.on
        key = None if on is None else binding[on[1:]] if on.startswith("$") else f"resource:{on}"
        held = (support(view, identity, name, key, right.given) for name in right.right)
        yield next(
            (each for each in held if each.permission is not None), HeldRight(right.right[0], key, None, ())
        )


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
