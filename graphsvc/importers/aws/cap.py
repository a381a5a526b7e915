"""Permissions that cap: whole policies as one level of caps, and the permissions that graphsvc itself writes for AWS's rules."""

from __future__ import annotations

import msgspec

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.importers.aws.arn import resource_glob
from graphsvc.importers.result import Collector

__all__ = ["cap", "nothing_cap", "own_account_cap"]


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


def own_account_cap(account: str, apart: list[str], collector: Collector) -> str:
    """The key of a permission for everything in one's own account; apart: ARNs that need their own policy's word."""
    condition: dict[str, Json] = {"StringEqualsIfExists": {"graphsvc:ResourceAccount": account}}
    statement: dict[str, Json] = {
        "Action": "*", "Condition": condition, "Effect": "Allow", "Resource": "*",
    }  # fmt: skip
    fields: dict[str, Json] = {
        "effect": "allow",
        "actions": ["*"],
        "resources": [resource_glob("*")],
        "fold": True,
        "native": {
            "text": msgspec.json.encode(statement, order="sorted").decode(),
            "version": "2012-10-17",
            "condition_keys": ["graphsvc:ResourceAccount"],
        },
    }
    if apart:
        fields["except_resources"] = list[Json](resource_glob(arn) for arn in sorted(apart))
    key = f"permission:aws-account:{account}#own"
    collector.node(Node(key=key, fields=fields, properties={"policy": "resources of its own account"}))
    return key
