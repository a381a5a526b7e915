"""Envoy's `ext_authz` filter over HTTP: the original method and path below `/ext_authz`, 200 lets it through, 403 does not.

Format: https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/ext_authz_filter (HTTP service).
Envoy adds its own token and says who asks in headers, which it has to take out of what clients send:

    authorization                  the token of the gateway, role pep
    x-graphsvc-subject             who acts: an id, or `type:id` of a type in `_KINDS`; required
    x-graphsvc-on-behalf-of        for whom, nearest first, separated by commas
    x-graphsvc-chain               the task in flight; else the trace id of `traceparent`, else one chain a subject
    x-graphsvc-session             of a chain's first request
    x-graphsvc-action              else `http:` and the method, such as `http:GET`
    x-graphsvc-resource            `type:id`; else `http:` with host and path
    x-graphsvc-review              an approved review
    x-request-id                   a request that Envoy sends again has the same answer
    x-envoy-expected-rq-timeout-ms how long it waits
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from graphsvc.api.context import Parts
from graphsvc.api.door import ENFORCING, admitted
from graphsvc.api.schema.scalar import raw_id
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Answer, DecideCommand
from graphsvc.errors import BadInput

__all__ = ["ext_authz_routes"]

_PATH = "/ext_authz"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
_KINDS = ("human", "user", "service", "agent", "workload", "device")
_TRACE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
_TIMEOUT = "x-envoy-expected-rq-timeout-ms"
_MAX_HEADER = 2_048

Endpoint = Callable[[Request], Awaitable[Response]]


def ext_authz_routes(parts: Parts, guarded: Callable[[Endpoint], Endpoint]) -> list[BaseRoute]:
    """The routes. guarded: makes errors into answers."""

    async def check(request: Request) -> Response:
        caller = admitted(parts, request, ENFORCING)
        command = _command(request)
        began = time.perf_counter()
        answer = await parts.service.decide(caller, command)
        parts.metrics.decide_seconds.add(time.perf_counter() - began)
        parts.metrics.verdicts[answer.verdict] += 1
        return _response(answer)

    endpoint = guarded(check)
    return [
        Route(_PATH, endpoint, methods=_METHODS),
        Route(f"{_PATH}/{{original:path}}", endpoint, methods=_METHODS),
    ]


def _command(request: Request) -> DecideCommand:
    given = request.headers
    subject = _identity(_header(request, "x-graphsvc-subject", needed=True), "x-graphsvc-subject")
    method, host = request.method, given.get("host", "")
    path = request.url.path.removeprefix(_PATH) or "/"
    named, waits_ms = _header(request, "x-graphsvc-resource"), _header(request, _TIMEOUT)
    properties = {"method": method, "host": host, "path": path}
    if request.url.query:
        properties["query"] = request.url.query
    return DecideCommand(
        deadline_ms=int(waits_ms) if waits_ms.isdecimal() and int(waits_ms) else None,
        key=f"envoy:{_header(request, 'x-request-id') or uuid.uuid4()}",
        request=AccessRequest(
            id="",
            chain=_chain(request, subject.id),
            session=_header(request, "x-graphsvc-session") or None,
            subject=subject,
            on_behalf_of=tuple(
                _identity(one.strip(), "x-graphsvc-on-behalf-of")
                for one in _header(request, "x-graphsvc-on-behalf-of").split(",")
                if one.strip()
            ),
            action=_header(request, "x-graphsvc-action") or f"http:{method}",
            action_properties={**properties},
            resource=_resource(named) if named else Entity("http", f"{host}{path}"),
            review=raw_id("review", review, "x-graphsvc-review")
            if (review := _header(request, "x-graphsvc-review"))
            else None,
        ),
    )


def _header(request: Request, name: str, *, needed: bool = False) -> str:
    values = request.headers.getlist(name)
    if len(values) > 1:
        # Two mean that a client sent one of its own.
        raise BadInput(
            f"{name}: sent {len(values)} times; the gateway has to remove what clients send", field=name
        )
    value = values[0].strip() if values else ""
    if needed and not value:
        raise BadInput(f"{name}: is missing; the gateway names who acts in it", field=name)
    if len(value) > _MAX_HEADER:
        raise BadInput(f"{name}: longer than {_MAX_HEADER} characters", field=name)
    return value


def _chain(request: Request, subject: str) -> str:
    named = _header(request, "x-graphsvc-chain")
    if named:
        return raw_id("chain", named, "x-graphsvc-chain")
    traced = _TRACE.fullmatch(_header(request, "traceparent"))
    return traced[1] if traced is not None else f"http:{subject}"


def _identity(given: str, field: str) -> Entity:
    kind, colon, name = given.partition(":")
    if colon and kind in _KINDS:
        return Entity(kind, raw_id("identity", name, field))
    return Entity("identity", raw_id("identity", given, field))


def _resource(given: str) -> Entity:
    kind, colon, name = given.removeprefix("resource:").partition(":")
    if not (kind and colon and name):
        raise BadInput(
            f"x-graphsvc-resource: `{given}` is no resource; write it as `type:id`",
            field="x-graphsvc-resource",
        )
    return Entity(kind, name)


def _response(answer: Answer) -> Response:
    decided = answer.decision
    headers = {"x-graphsvc-verdict": answer.verdict.value, "Cache-Control": "no-store"}
    if answer.recorded:
        headers["x-graphsvc-decision"] = f"decision:{decided.request.id}"
    else:
        headers["x-graphsvc-decision"] = "none"
    if answer.verdict is Verdict.PERMIT:
        return Response(status_code=200, headers=headers)
    if answer.verdict is Verdict.ESCALATE:
        headers["x-graphsvc-review"] = f"review:{decided.request.id}"
    # The body reaches whoever asked, perhaps an agent: it tells the codes, never the rules or the path.
    codes = list(dict.fromkeys(reason.code.value for reason in decided.reasons))
    body = {"verdict": answer.verdict.value, "codes": codes, "decision": headers["x-graphsvc-decision"]}
    return JSONResponse(body, status_code=403, headers=headers)
