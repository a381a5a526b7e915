"""The REST routes as an OpenAPI 3.1 document, made from the shapes that they read and write.

`make schema` writes it to `openapi.json`; the service gives it out at `/openapi.json`.
"""

from __future__ import annotations

import json
import sys
from typing import Any, NamedTuple

import msgspec

from graphsvc import __version__
from graphsvc.api.authzen import shape
from graphsvc.api.authzen.access_request import PATH as REQUESTS
from graphsvc.api.authzen.metadata import WELL_KNOWN

__all__ = ["openapi", "openapi_text"]

_JSON = "application/json"
_PROBLEM = "application/problem+json"


class _Answer(NamedTuple):
    """One answer. shape: a struct, or several of which it is one; None = no schema. media: its type."""

    told: str
    shape: Any = None
    media: str = _JSON


class _Route(NamedTuple):
    """One route. asks: the struct of its body. is_open: whether it needs no token."""

    method: str
    path: str
    name: str
    told: str
    answers: dict[int, _Answer]
    asks: Any = None
    is_open: bool = False
    parameters: tuple[dict[str, Any], ...] = ()


_FAILED = {
    400: _Answer("What was sent is malformed; `field` names the place.", shape.FailureAnswer),
    401: _Answer("No valid token.", shape.FailureAnswer),
    403: _Answer("The token has not the role, or not the scope.", shape.FailureAnswer),
    413: _Answer("The body is too large.", shape.FailureAnswer),
    429: _Answer("The caller asks too much; see Retry-After.", shape.FailureAnswer),
    503: _Answer("The log cannot be read now.", shape.FailureAnswer),
}
_REFUSED = {
    400: _Answer("What was sent is malformed.", shape.ProblemAnswer, _PROBLEM),
    401: _FAILED[401],
    403: _Answer("The token has not the role.", shape.ProblemAnswer, _PROBLEM),
    404: _Answer("There is no such task for this caller.", shape.ProblemAnswer, _PROBLEM),
    409: _Answer(
        "The key was used for another request, or there is nothing to approve.", shape.ProblemAnswer, _PROBLEM
    ),
    410: _Answer("The denial has expired.", shape.ProblemAnswer, _PROBLEM),
}
_ORIGINAL = {"name": "original", "in": "path", "required": True, "schema": {"type": "string"}}


def _post(path: str, name: str, told: str, asks: Any, answers: Any) -> _Route:
    return _Route("post", path, name, told, {200: _Answer("The answer.", answers), **_FAILED}, asks)


_ROUTES = (
    _post("/access/v1/evaluation", "evaluate", "May this happen? Changes nothing.", shape.Evaluation, shape.Decision),
    _post(
        "/access/v1/evaluations", "evaluateMany", "Several evaluations; one answer if there are none.",
        shape.Evaluations, (shape.EvaluationsAnswer, shape.Decision),
    ),
    _post("/access/v1/search/subject", "searchSubjects", "Who may do this?", shape.SubjectSearch, shape.FoundEntities),
    _post("/access/v1/search/resource", "searchResources", "To what may it be done?", shape.ResourceSearch, shape.FoundEntities),
    _post("/access/v1/search/action", "searchActions", "What may be done?", shape.ActionSearch, shape.FoundActions),
    _Route(
        "post", REQUESTS, "requestAccess", "Ask people to approve what was escalated.",
        {201: _Answer("The request as it stands.", shape.TaskAnswer), **_REFUSED}, shape.AccessRequestBody,
        parameters=({"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}},),
    ),
    _Route(
        "get", f"{REQUESTS}/{{task}}", "seeAccessRequest", "How an access request stands.",
        {200: _Answer("The request as it stands.", shape.TaskAnswer), **{code: _REFUSED[code] for code in (401, 403, 404)}},
        parameters=({"name": "task", "in": "path", "required": True, "schema": {"type": "string"}},),
    ),
    _Route(
        "get", WELL_KNOWN, "metadata", "Where everything of AuthZEN is.",
        {200: _Answer("The endpoints."), 404: _Answer("No public address is set.", shape.FailureAnswer)}, is_open=True,
    ),
    _Route(
        "post", "/graphql", "graphql", "Any operation of schema.graphql; with Accept: text/event-stream as events.",
        {200: _Answer("The result."), **{code: _FAILED[code] for code in (400, 401, 413, 429)}}, dict[str, Any],
    ),
    _Route("get", "/livez", "live", "The process runs.", {200: _Answer("It does.")}, is_open=True),
    _Route(
        "get", "/readyz", "ready", "Decisions can be made.",
        {200: _Answer("They can."), 503: _Answer("They cannot; `message` says why.")}, is_open=True,
    ),
    _Route(
        "get", "/metrics", "metrics", "Figures in the Prometheus text format.",
        {200: _Answer("The figures.", media="text/plain"), 401: _FAILED[401], 403: _FAILED[403]},
    ),
    _Route("get", "/openapi.json", "openapi", "This document.", {200: _Answer("It."), 401: _FAILED[401]}),
    _Route(
        "post", "/ssf/events", "receiveEvent", "Takes a Security Event Token (RFC 8935), which is its own proof.",
        {202: _Answer("Taken."), 400: _Answer("Refused; `err` says why.")}, is_open=True,
    ),
    *(
        _Route(
            "get", path, name, "Envoy asks before a request to `original`; any method.",
            {
                200: _Answer("PERMIT.", media="text/plain"),
                403: _Answer("DENY or ESCALATE.", media="text/plain"),
                **{code: _FAILED[code] for code in (400, 401, 503)},
            },
            parameters=parameters,
        )
        for path, name, parameters in (
            ("/ext_authz", "checkRoot", ()), ("/ext_authz/{original}", "check", (_ORIGINAL,)),
        )
    ),
    _Route("post", "/mcp", "mcp", "Tools of the Model Context Protocol.", {200: _Answer("The answer."), 401: _FAILED[401]}),
)  # fmt: skip


def openapi() -> dict[str, Any]:
    """The document."""
    shapes = [each.asks for each in _ROUTES if each.asks is not None]
    shapes += [one for each in _ROUTES for answer in each.answers.values() for one in _shapes(answer)]
    found, components = msgspec.json.schema_components(shapes, ref_template="#/components/schemas/{name}")
    schemas = dict(zip(map(repr, shapes), found, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for each in _ROUTES:
        paths.setdefault(each.path, {})[each.method] = _operation(each, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "graphsvc",
            "version": __version__,
            "description": "The REST routes of a policy decision point that remembers. GraphQL is in schema.graphql.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def openapi_text() -> str:
    """The document as `openapi.json` holds it."""
    return json.dumps(openapi(), indent=2) + "\n"


def _operation(route: _Route, schemas: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"operationId": route.name, "summary": route.told}
    if route.parameters:
        made["parameters"] = list(route.parameters)
    if route.asks is not None:
        made["requestBody"] = {"required": True, "content": {_JSON: {"schema": schemas[repr(route.asks)]}}}
    made["responses"] = {
        str(code): {"description": answer.told, **_content(answer, schemas)}
        for code, answer in route.answers.items()
    }
    if route.is_open:
        made["security"] = []
    return made


def _shapes(answer: _Answer) -> tuple[Any, ...]:
    if answer.shape is None:
        return ()
    return answer.shape if isinstance(answer.shape, tuple) else (answer.shape,)


def _content(answer: _Answer, schemas: dict[str, Any]) -> dict[str, Any]:
    found = [schemas[repr(one)] for one in _shapes(answer)]
    if not found:
        return {}
    return {"content": {answer.media: {"schema": found[0] if len(found) == 1 else {"anyOf": found}}}}


if __name__ == "__main__":
    sys.stdout.write(openapi_text())
