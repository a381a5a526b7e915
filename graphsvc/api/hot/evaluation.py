"""Bare AuthZEN evaluations, read once and typed; the route answers all others, and whatever is wrong.

An evaluation changes nothing, so asking the route after this did is safe.
"""

from __future__ import annotations

import time

import msgspec
from msgspec import Raw, Struct

from graphsvc.api.authzen.evaluation import judge
from graphsvc.api.authzen.request import NO_CHAIN
from graphsvc.api.authzen.shape import Text
from graphsvc.api.context import Parts
from graphsvc.api.door import ASKING
from graphsvc.api.hot.envelope import NULL, check_names, free_json
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Caller
from graphsvc.errors import GraphsvcError

__all__ = ["evaluate_fast"]

_YES, _NO = b'{"decision":true}', b'{"decision":false}'
# Members that speak to the service and not to conditions.
_OURS = frozenset(("graphsvc", "approval"))


class _Entity(Struct, gc=False, forbid_unknown_fields=True):
    type: Text
    id: Text
    properties: Raw = NULL


class _Action(Struct, gc=False, forbid_unknown_fields=True):
    name: Text
    properties: Raw = NULL


class _Evaluation(Struct, gc=False, forbid_unknown_fields=True):
    subject: _Entity
    action: _Action
    resource: _Entity
    context: Raw = NULL


_decoder = msgspec.json.Decoder(_Evaluation)
# Members of a body without free JSON: three of its own, two each of subject and resource, one of the action.
_NAMES = 8


async def evaluate_fast(parts: Parts, caller: Caller, body: bytes) -> bytes | None:
    """The body of the answer; None: the route has to answer."""
    if not caller.roles & ASKING:
        return None
    began = time.perf_counter()
    try:
        request = _read(body)
        if request is None:
            return None
        parts.rate.charge(caller.subject)
        judged = await judge(parts, caller, request)
    except (GraphsvcError, msgspec.MsgspecError, ValueError, RecursionError):
        # ValueError: text that is no Unicode, JSON that is none.
        return None
    parts.metrics.evaluate_seconds.add(time.perf_counter() - began)
    return _YES if judged.verdict is Verdict.PERMIT else _NO


def _read(body: bytes) -> AccessRequest | None:
    asked = _decoder.decode(body)
    subject, action, resource = asked.subject, asked.action, asked.resource
    names = _NAMES
    free: list[dict[str, Json]] = []
    for given, level in (
        (subject.properties, 2), (action.properties, 2), (resource.properties, 2), (asked.context, 1),
    ):  # fmt: skip
        if given is NULL:
            free.append({})
            continue
        value, found = free_json(given, level)
        if value is not None and not isinstance(value, dict):
            return None
        names += found + 1
        free.append(value or {})
    context = free[3]
    if not _OURS.isdisjoint(context) or ":" in resource.type or ":" in subject.id or ":" in resource.id:
        return None
    check_names(body, names)
    return AccessRequest(
        id="",
        chain=NO_CHAIN,
        subject=Entity(subject.type, subject.id, free[0]),
        action=action.name,
        resource=Entity(resource.type, resource.id, free[2]),
        action_properties=free[1],
        context=context,
    )
