"""Whether somebody may step into an identity by its trust: the trust itself, its conditions, and the rights besides.

In AWS a trust policy that names an identity of its own account is enough, unless something denies; across accounts the
identity needs `sts:AssumeRole` of its own as well, and so it does where a role trusts a whole account (what that gives is
a pattern, not a plain hop). Source: "Policy evaluation logic" of the AWS IAM user guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.json import encode

from graphsvc.core.graph import Edge
from graphsvc.core.native import Asked, compile_native
from graphsvc.core.value import Json
from graphsvc.explore.estate_view import EstateView

__all__ = ["ANYBODY", "trusted"]

# A trust policy's `*`.
ANYBODY: Final = "identity:*"
_ASSUME: Final = "sts:AssumeRole"
_NO: Final[tuple[bool, tuple[str, ...]]] = (False, ())


def trusted(view: EstateView, identity: str, edge: Edge) -> tuple[bool | None, tuple[str, ...]]:
    """Whether the edge lets an identity step over; None with what that depends on."""
    statements = edge.properties.get("statements")
    if not isinstance(statements, list):
        unknown = bool(edge.properties.get("conditional") or edge.properties.get("condition"))
        return (None, ("condition of its trust",)) if unknown else (True, ())
    place = f"resource:aws:{edge.end.removeprefix('identity:')}"
    asked = Asked(view.estate, identity, place)
    answers = [_statement(each, asked) for each in statements if isinstance(each, dict)]
    if edge.start == ANYBODY or _account(identity) != _account(edge.end):
        mine = view.rights.check(identity, _ASSUME, place)
        if not mine.allowed:
            if mine.code != "condition_unknown":
                return _NO
            answers = [(None if answer else answer, (*names, *mine.missing)) for answer, names in answers]
    elif _is_denied(view, identity, place):
        return _NO
    denied = _denials(view, edge, asked)
    if denied[0] is False:
        return _NO
    if any(answer for answer, _ in answers):
        return (True, ()) if denied[0] else denied
    missing = tuple(dict.fromkeys(name for answer, names in answers if answer is None for name in names))
    return (None, missing) if missing else _NO


def _statement(statement: Mapping[str, Json], asked: Asked) -> tuple[bool | None, tuple[str, ...]]:
    if "session_name" in statement:
        return None, ("sts:RoleSessionName",)
    condition = statement.get("condition")
    if condition is None:
        return True, ()
    text = encode({"Condition": condition}).decode()
    test = compile_native({"text": text, "version": statement.get("version", "2012-10-17")})
    return test.judge(asked) if test is not None else (True, ())


def _is_denied(view: EstateView, identity: str, place: str) -> bool:
    right = view.rights.check(identity, _ASSUME, place)
    return right.code == "denied_explicitly" or right.capped


def _denials(view: EstateView, edge: Edge, asked: Asked) -> tuple[bool | None, tuple[str, ...]]:
    """False when a Deny of the trust policy surely forbids it; None when one may."""
    if edge.properties.get("deny_statements") is not True:
        return True, ()
    node = view.estate.node(edge.end)
    document = node.properties.get("trust_policy") if node is not None else None
    found = document.get("Statement") if isinstance(document, dict) else None
    missing: list[str] = []
    for each in found if isinstance(found, list) else [found]:
        if not isinstance(each, dict) or each.get("Effect") != "Deny":
            continue
        if "NotPrincipal" in each or not _concerns(each.get("Principal"), asked.identity):
            if "NotPrincipal" in each:
                missing.append("NotPrincipal of its trust policy")
            continue
        answer, names = _statement({"condition": each["Condition"]} if "Condition" in each else {}, asked)
        if answer:
            return _NO
        if answer is None:
            missing += names
    return (None, tuple(missing)) if missing else (True, ())


def _concerns(principal: Json, identity: str) -> bool:
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    names = named if isinstance(named, list) else [named]
    arn = identity.removeprefix("identity:")
    account = _account(identity)
    return any(
        each in ("*", arn, account) or (str(each).endswith(":root") and _account(str(each)) == account)
        for each in names
    )


def _account(key: str) -> str | None:
    parts = key.removeprefix("identity:").split(":", 5)
    return parts[4] if len(parts) == 6 and parts[0] == "arn" else None
