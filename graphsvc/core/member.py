"""Whether an identity of the graph is one that a condition on subjects asks for."""

from __future__ import annotations

from graphsvc.core.estate import Estate
from graphsvc.core.glob import matcher
from graphsvc.core.policy.condition import SubjectCondition

__all__ = ["is_one_of"]


def is_one_of(condition: SubjectCondition, identity: str, estate: Estate) -> bool:
    """identity: an id, alias or node key. Somebody the graph does not know has no kind and is in no group."""
    known = estate.identity_key(identity)
    node = estate.node(known) if known is not None else None
    if condition.kind and (node is None or node.fields.get("kind") not in condition.kind):
        return False
    if condition.id and not matcher(condition.id)(node.id if node is not None else identity):
        return False
    if not condition.group:
        return True
    groups = {each if each.startswith(("group:", "role:")) else f"group:{each}" for each in condition.group}
    return known is not None and not groups.isdisjoint(estate.holders(known))
