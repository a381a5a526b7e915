"""Keys of KMS obey their own policies: what an identity's policies say of one counts only where the key's own says so too.

A dump holds no policies of keys. So rights on a key are unknown, not given, until the key's policy comes with
`--resource-policies`; who needs them anyhow is told. Source: "Key policies in AWS KMS" of the KMS guide; actions without a
key as the Service Authorization Reference lists them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from graphsvc.core.glob import matcher
from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.importers.aws.arn import resource_glob
from graphsvc.importers.aws.cap import LEVEL, cap
from graphsvc.importers.result import Collector

__all__ = ["ALLOWS", "EVERY_ACTION", "cap_keys", "key_caps"]

# What would settle it, as a condition names it: a caller who has asked the key's policy may say so.
ALLOWS = "graphsvc:KeyPolicyAllows"
EVERY_ACTION = "kms:*"
_WITHOUT_A_KEY = (
    "kms:CreateKey", "kms:ListKeys", "kms:ListAliases", "kms:GenerateRandom", "kms:CreateCustomKeyStore",
    "kms:ConnectCustomKeyStore", "kms:DeleteCustomKeyStore", "kms:DescribeCustomKeyStores",
    "kms:DisconnectCustomKeyStore", "kms:UpdateCustomKeyStore",
)  # fmt: skip
_REST, _KEYLESS, _UNKNOWN = (f"permission:aws-kms#{name}" for name in ("rest", "without-a-key", "key"))


def cap_keys(collector: Collector) -> None:
    """Let whoever is given a right on keys hold it only as far as an unknown policy may let them."""
    speaking = {node.key for node in collector.nodes() if node.kind == "permission" and _speaks_of_keys(node)}
    holders = sorted(
        {edge.start for edge in collector.edges() if edge.type == "GRANTED" and edge.end in speaking}
    )
    if not holders:
        return
    rest: dict[str, Json] = {"actions": ["*"], "except_actions": [EVERY_ACTION]}
    _take(_REST, rest, "everything but keys", collector)
    for holder in holders:
        for each in (_REST, *key_caps((), collector)):
            cap(holder, each, LEVEL, "", collector)
    collector.note(
        f"policies of KMS keys are not in the input: rights of {len(holders)} holders on keys are unknown; give --resource-policies"
    )


def key_caps(known: Iterable[str], collector: Collector) -> tuple[str, ...]:
    """Keys of permissions that allow KMS's actions without a key, and others as far as an unknown policy may.

    known: ARNs of the keys whose policies are there and speak for themselves.
    """
    _take(_KEYLESS, {"actions": list[Json](_WITHOUT_A_KEY)}, "KMS without a key", collector)
    condition: dict[str, Json] = {"StringEquals": {ALLOWS: "true"}}
    statement: dict[str, Json] = {
        "Action": EVERY_ACTION, "Condition": condition, "Effect": "Allow", "Resource": "*",
    }  # fmt: skip
    fields: dict[str, Json] = {
        "actions": [EVERY_ACTION],
        "native": {
            "text": msgspec.json.encode(statement, order="sorted").decode(),
            "version": "2012-10-17",
            "condition_keys": [ALLOWS],
        },
    }
    if apart := sorted(known):
        fields["except_resources"] = list[Json](resource_glob(arn) for arn in apart)
    _take(_UNKNOWN, fields, "policies of KMS keys", collector)
    return _KEYLESS, _UNKNOWN


def _take(key: str, fields: dict[str, Json], policy: str, collector: Collector) -> None:
    every: dict[str, Json] = {"effect": "allow", "resources": [resource_glob("*")], "fold": True}
    if not collector.has(key):
        collector.node(Node(key=key, fields={**every, **fields}, properties={"policy": policy}))


def _speaks_of_keys(node: Node) -> bool:
    """True for an Allow that names an action of KMS, or leaves some of them in."""
    if node.fields.get("effect") == "deny":
        return False
    actions, left_out = (_texts(node.fields.get(name)) for name in ("actions", "except_actions"))
    if EVERY_ACTION in left_out:
        return False
    return any(matcher((each.partition(":")[0],))("kms") for each in actions)


def _texts(value: Json) -> tuple[str, ...]:
    return tuple(str(each).casefold() for each in value) if isinstance(value, list) else ()
