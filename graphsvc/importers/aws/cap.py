"""Permissions that cap: whole policies as one level of caps, and the permissions that graphsvc itself writes for AWS's rules."""

from __future__ import annotations

import msgspec

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.importers.aws.arn import resource_glob
from graphsvc.importers.result import Collector

__all__ = ["LEVEL", "cap", "nothing_cap", "own_account_cap"]

# The level in which resources have their say.
LEVEL = "resource side"


def cap(holder: str, permission: str, level: str, policy: str, collector: Collector) -> None:
    """Let a permission stand in a level of caps of a holder."""
    collector.edge("CAPPED_BY", holder, permission, {"level": level, "policy": policy})


def nothing_cap(node_id: str, collector: Collector) -> str:
    """The key of a permission that allows nothing: a cap whose text nobody has."""
    fields: dict[str, Json] = {"effect": "allow", "actions": [], "resources": [], "fold": True}
    key = f"permission:{node_id}"
    if not collector.has(key):
        collector.node(Node(key=key, fields=fields, properties={"incomplete": True}))
    return key


def own_account_cap(account: str, apart: str, collector: Collector) -> str:
    """The key of a permission for everything in one's own account; apart: actions that are judged by others of its level."""
    condition: dict[str, Json] = {"StringEqualsIfExists": {"graphsvc:ResourceAccount": account}}
    statement: dict[str, Json] = {
        "Action": "*", "Condition": condition, "Effect": "Allow", "Resource": "*",
    }  # fmt: skip
    fields: dict[str, Json] = {
        "effect": "allow",
        "actions": ["*"],
        "except_actions": [apart],
        "resources": [resource_glob("*")],
        "fold": True,
        "native": {
            "text": msgspec.json.encode(statement, order="sorted").decode(),
            "version": "2012-10-17",
            "condition_keys": ["graphsvc:ResourceAccount"],
        },
    }
    key = f"permission:aws-account:{account}#own"
    collector.node(Node(key=key, fields=fields, properties={"policy": "resources of its own account"}))
    return key
