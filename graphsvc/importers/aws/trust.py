"""Trust policies of roles: who may assume a role, and under what conditions."""

from __future__ import annotations

from collections.abc import Mapping

from graphsvc.core.glob import matcher
from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.aws.arn import ACCOUNT_ID, account_arn, parse_arn
from graphsvc.importers.aws.document import (
    Statement,
    condition_keys,
    principals,
    statements,
    texts,
)
from graphsvc.importers.aws.permission import names_of
from graphsvc.importers.result import Collector

__all__ = ["trust"]

_ASSUME = ("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity")


def trust(
    document: dict[str, Json], *, role: str, place: str, known: Mapping[str, str], collector: Collector
) -> None:
    """Take the CAN_ASSUME edges that a role's trust policy gives.

    role: ARN of the role. known: ids of identities by ARN, unique id and assumed-role prefix.
    An edge's properties: `statements` (each with its actions and condition), `conditional` (none of
    them holds unconditionally) and `condition_keys`. A Deny gives no edge: it stays on the role
    (`trust_policy`) and makes every edge to the role conditional. Principals outside the dump become
    identities marked `external`.
    """
    try:
        found = statements(document, place)
    except BadInput as error:
        collector.skip(place, str(error))
        collector.incomplete(f"`{role}`: the trust policy cannot be read")
        return
    collector.counts["statements_trust"] += len(found)
    denied = any(statement["Effect"] == "Deny" for statement in found)
    edges: dict[str, list[dict[str, Json]]] = {}
    for index, (label, statement) in enumerate(zip(names_of(found), found, strict=True)):
        where = f"{place}.Statement[{index}]"
        collector.counts["trust_conditional"] += "Condition" in statement
        if statement["Effect"] == "Deny":
            collector.counts["trust_deny"] += 1
            continue
        try:
            _allow(
                statement,
                label=label,
                place=where,
                role=role,
                known=known,
                collector=collector,
                edges=edges,
            )
        except BadInput as error:
            collector.skip(where, str(error))
            collector.incomplete(f"`{role}`: statement {label} of the trust policy cannot be read")
    for start, given in edges.items():
        keys = sorted({str(key) for item in given for key in _keys(item)})
        conditional = denied or all(_keys(item) or "condition" in item for item in given)
        properties: dict[str, Json] = {
            "statements": list[Json](given),
            "conditional": conditional,
            "condition_keys": list[Json](keys),
        }
        if denied:
            properties["deny_statements"] = True
        collector.edge("CAN_ASSUME", start, f"identity:{role}", properties)


def _allow(
    statement: Statement,
    *,
    label: str,
    place: str,
    role: str,
    known: Mapping[str, str],
    collector: Collector,
    edges: dict[str, list[dict[str, Json]]],
) -> None:
    actions = [action.lower() for action in texts(statement, "Action", place)]
    excluded = texts(statement, "NotAction", place)
    covers = matcher(actions or ["*"], fold=True)
    spared = matcher(excluded, fold=True)
    if not any(covers(action) and not spared(action) for action in _ASSUME):
        collector.counts["trust_without_assume"] += 1
        return
    if "NotPrincipal" in statement:
        collector.incomplete(
            f"`{role}`: an Allow with `NotPrincipal` in the trust policy is kept, but not judged"
        )
        collector.counts["trust_not_principal"] += 1
        return
    for kind, name in principals(statement, "Principal", place):
        identity, session = _principal(kind, name, known, role, collector)
        keys = condition_keys(statement, place)
        entry: dict[str, Json] = {"statement": label, "actions": statement.get("Action")}
        if "Condition" in statement:
            entry["condition"] = statement["Condition"]
        if session is not None:
            # Not all sessions of that role, only the one of this name.
            entry["session_name"] = session
            keys = [*keys, "sts:RoleSessionName"]
        if keys:
            entry["condition_keys"] = list[Json](sorted(keys))
        edges.setdefault(f"identity:{identity}", []).append(entry)


def _principal(
    kind: str, name: str, known: Mapping[str, str], role: str, collector: Collector
) -> tuple[str, str | None]:
    """The identity that a principal names, and the session name when only one session is meant."""
    if kind != "AWS":
        _external(name, {"Service": "service", "Federated": "federated"}.get(kind, kind), collector)
        return name, None
    if ACCOUNT_ID.fullmatch(name):
        home = parse_arn(role)
        name = account_arn(name, home.partition if home else "aws")
    if name in known:
        return known[name], None
    arn = parse_arn(name)
    if arn and arn.service == "sts" and arn.resource.startswith("assumed-role/"):
        head, _, session = name.rpartition("/")
        if head in known:
            return known[head], session
    _external(name, _aws_type(name), collector)
    return name, None


def _aws_type(name: str) -> str:
    arn = parse_arn(name)
    if name == "*":
        return "anyone"
    if arn is None:
        return "unique_id"
    return "account" if arn.resource == "root" else arn.resource.partition("/")[0]


def _external(name: str, aws_type: str, collector: Collector) -> None:
    key = f"identity:{name}"
    if collector.has(key):
        return
    collector.counts["external_principals"] += 1
    fields: dict[str, Json] = {
        "kind": "human" if aws_type == "user" else "service",
        "status": "active",
        "name": name,
    }
    arn = parse_arn(name)
    if aws_type == "account" and arn:
        fields["aliases"] = [arn.account]
    collector.node(Node(key=key, fields=fields, properties={"aws_type": aws_type, "external": True}))


def _keys(entry: dict[str, Json]) -> list[Json]:
    value = entry.get("condition_keys")
    return value if isinstance(value, list) else []
