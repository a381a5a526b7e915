"""One permission node per statement of an identity policy; nothing a statement says is lost."""

from __future__ import annotations

from collections import Counter

import msgspec

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.aws.arn import resource_glob
from graphsvc.importers.aws.document import Statement, condition_keys, read_document, statements, texts
from graphsvc.importers.result import Collector

__all__ = ["names_of", "permission_node", "permissions"]


def permissions(document: Json, *, owner: str, name: str, place: str, collector: Collector) -> list[str]:
    """Take the permissions of one policy document and return their keys, in its order.

    owner: ARN of the managed policy, or of the identity or group that an inline policy belongs to;
    a permission's id is `<owner>#<name>/<Sid or index>`. Counts conditional, deny, not_action,
    not_resource and policy_variables. Conditions and policy variables are kept in `native`, where they are judged
    by what is known of whoever asks (`core.native`).
    """
    try:
        whole = read_document(document, place)
        found = statements(whole, place)
    except BadInput as error:
        collector.skip(place, str(error))
        collector.incomplete(f"`{owner}`: the document of policy `{name}` cannot be read")
        return []
    keys = []
    for index, (label, statement) in enumerate(zip(names_of(found), found, strict=True)):
        where = f"{place}.Statement[{index}]"
        try:
            node = permission_node(
                statement, f"{owner}#{name}/{label}", owner, name, where, version=whole.get("Version")
            )
        except BadInput as error:
            collector.skip(where, str(error))
            collector.incomplete(f"`{owner}`: statement {label} of policy `{name}` cannot be read")
            continue
        if collector.has(node.key):
            collector.skip(where, f"permission `{node.key}` is in the input already")
            continue
        collector.node(node)
        collector.counts.update(_traits(statement, node))
        keys.append(node.key)
    return keys


def names_of(found: list[Statement]) -> list[str]:
    """What names each statement in its document: its Sid where that is unique, else its index (from 0)."""
    sids = [str(statement.get("Sid") or "") for statement in found]
    often = Counter(sids)
    # A Sid of digits could be the index of another statement.
    return [
        sid if sid and often[sid] == 1 and not sid.isdigit() else str(index) for index, sid in enumerate(sids)
    ]


def permission_node(
    statement: Statement, node_id: str, owner: str, name: str, place: str, *, version: Json
) -> Node:
    """The permission of one statement. version: of its document's language; variables mean themselves before 2012-10-17.

    BadInput when the statement has no place in the grammar.
    """
    actions, except_actions = _pair(statement, "Action", "NotAction", place)
    resources, except_resources = _pair(statement, "Resource", "NotResource", place)
    # Another way to write everything.
    actions = ["*" if action == "*:*" else action for action in actions]
    fields: dict[str, Json] = {
        "effect": "deny" if statement["Effect"] == "Deny" else "allow",
        "actions": actions,
        "except_actions": except_actions,
        "resources": [resource_glob(str(item)) for item in resources],
        "except_resources": [resource_glob(str(item)) for item in except_resources],
        # IAM compares action names without regard to case.
        "fold": True,
        "native": {
            "text": msgspec.json.encode(statement, order="sorted").decode(),
            "version": version if isinstance(version, str) else "2008-10-17",
            "condition_keys": list[Json](condition_keys(statement, place)),
        },
    }
    properties: dict[str, Json] = {"policy": name, "owner": owner}
    if isinstance(sid := statement.get("Sid"), str) and sid:
        properties["sid"] = sid
    kept: dict[str, Json] = {key: value for key, value in fields.items() if value != []}
    return Node(key=f"permission:{node_id}", fields=kept, properties=properties)


def _pair(statement: Statement, name: str, negated: str, place: str) -> tuple[list[Json], list[Json]]:
    if (name in statement) == (negated in statement):
        raise BadInput(f"{place}: must have exactly one of `{name}` and `{negated}`", field=place)
    if name in statement:
        return list[Json](texts(statement, name, place)), []
    return ["*"], list[Json](texts(statement, negated, place))


def _traits(statement: Statement, node: Node) -> Counter[str]:
    resources = [*_listed(node, "resources"), *_listed(node, "except_resources")]
    return Counter(
        {
            "conditional": int("Condition" in statement),
            "deny": int(statement["Effect"] == "Deny"),
            "not_action": int("NotAction" in statement),
            "not_resource": int("NotResource" in statement),
            "policy_variables": int(any("${" in str(item) for item in resources)),
        }
    )


def _listed(node: Node, name: str) -> list[Json]:
    value = node.fields.get(name)
    return value if isinstance(value, list) else []
