"""Users of an account of AWS, as records of the graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["ROOT", "account"]

ROOT = "arn:aws:iam::111111111111:user/"


def account(names: Sequence[str], rights: Sequence[str], policy: str = "0") -> list[dict[str, Any]]:
    """Each user holds the rights on everything, by a policy of their own; those of one name hold them in the same way."""
    records: list[dict[str, Any]] = []
    for name in names:
        user, key = f"{ROOT}{name}", f"{ROOT}{name}#own/{policy}"
        properties = {"aws_type": "user"}
        records += [
            {
                "node": {
                    "type": "identity",
                    "id": user,
                    "kind": "human",
                    "status": "active",
                    "properties": properties,
                }
            },
            {"node": {"type": "permission", "id": key, "actions": [*rights], "resources": ["aws:*"]}},
            {"edge": {"type": "GRANTED", "from": f"identity:{user}", "to": f"permission:{key}"}},
        ]
    return records
