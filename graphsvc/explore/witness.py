"""What a hop stands on: the grants, memberships and trusts without which it may not be there."""

from __future__ import annotations

from graphsvc.core.estate import Estate
from graphsvc.core.gain.closure import Firing
from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.path import Hop, end_of
from graphsvc.explore.support import EdgeTriple, support, supports, way_to, way_to_holder

__all__ = ["REMOVABLE", "is_removable", "witness"]

# Kinds of edges that somebody gave and can take back; what machines run as is not among them.
REMOVABLE = ("GRANTED", "MEMBER_OF", "HAS_ROLE", "INHERITS", "CAN_ASSUME")


def is_removable(estate: Estate, edge: EdgeTriple) -> bool:
    """True for what can be taken from people and workloads: not what denies, the trust of a service in itself, nor belonging to an account."""
    kind, start, end = edge
    if kind not in REMOVABLE:
        return False
    above = estate.node(end)
    if kind == "MEMBER_OF" and above is not None and above.properties.get("fixed") is True:
        return False
    node = estate.node(end if kind == "GRANTED" else start)
    if node is None:
        return kind != "GRANTED"
    if kind == "GRANTED":
        return node.fields.get("effect") != "deny"
    return node.properties.get("aws_type") not in ("service", "account", "federated")


def witness(view: EstateView, hop: Hop) -> frozenset[EdgeTriple]:
    """Removable edges of which at least one has to go for this hop to go: while all of them stand, so does it.

    There may be other edges that give the same; a hop that needs nothing removable has none.
    """
    edges: set[EdgeTriple] = set()
    match hop.how:
        case "assume":
            holder = hop.by or hop.start
            edges.update(way_to_holder(view, hop.start, holder))
            edges.add(("CAN_ASSUME", holder, hop.end))
            if hop.rights:
                edges.update(support(view, hop.start, hop.rights[0], f"resource:aws:{hop.end[9:]}").via)
        case "right" | "holds all" if hop.by is not None:
            edges.update(way_to(view, hop.start, hop.by))
        case "combination":
            edges.update(_of_combination(view, hop))
        case _:
            pass
    return frozenset(edge for edge in edges if is_removable(view.estate, edge))


def _of_combination(view: EstateView, hop: Hop) -> set[EdgeTriple]:
    firing = next((each for each in _firings(view, hop) if end_of(each) == hop.end), None)
    edges: set[EdgeTriple] = set()
    if firing is None:
        return edges
    for held in supports(view, hop.start, firing):
        edges.update(held.via)
    # Tests of a rule may ask whom a role trusts; which of these edges it was is not told apart.
    for _, value in firing.binding:
        if value.startswith("identity:"):
            edges.update(("CAN_ASSUME", start, value) for start in view.estate.into("CAN_ASSUME", value))
    return edges


def _firings(view: EstateView, hop: Hop) -> list[Firing]:
    _, found = view.firings(hop.start)
    return [firing for _, firing in sorted(found.items()) if firing.rule.pattern.id == hop.pattern]
