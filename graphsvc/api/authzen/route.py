"""The routes of AuthZEN: who may ask, what is read, how it is answered."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from graphsvc.api.auth import ROLES, Unauthenticated
from graphsvc.api.authzen.access_request import PATH as REQUESTS
from graphsvc.api.authzen.access_request import get_task, make_request
from graphsvc.api.authzen.evaluation import evaluate_many, evaluate_one
from graphsvc.api.authzen.metadata import metadata_routes
from graphsvc.api.authzen.problem import Problem, problem_of
from graphsvc.api.authzen.search import search_actions, search_resources, search_subjects
from graphsvc.api.body import read_object
from graphsvc.api.context import Parts
from graphsvc.api.door import ASKING, ENFORCING, admitted, may_search
from graphsvc.api.failure import failure, failure_of, status_of
from graphsvc.api.graphql import unauthenticated
from graphsvc.decide.command import Caller
from graphsvc.errors import BadInput, GraphsvcError

__all__ = ["authzen_routes"]

Ask: TypeAlias = Callable[[Parts, Caller, dict[str, Any]], Awaitable[msgspec.Struct]]
Answer: TypeAlias = Callable[[Request], Awaitable[Response]]
_log = logging.getLogger("graphsvc.api")


def authzen_routes(parts: Parts) -> list[BaseRoute]:
    """All of them."""

    def post(path: str, ask: Ask, *, searches: bool = False) -> Route:
        async def answer(request: Request) -> Response:
            caller = admitted(parts, request, ASKING)
            if searches:
                may_search(caller)
            body = read_object(await request.body(), request.headers.get("content-type"))
            return _json(await ask(parts, caller, body))

        return Route(f"/access/v1/{path}", guarded(answer), methods=["POST"])

    async def request_access(request: Request) -> Response:
        caller = admitted(parts, request, ENFORCING)
        return await make_request(parts, caller, request)

    async def see_task(request: Request) -> Response:
        caller = admitted(parts, request, ROLES)
        return get_task(parts, caller, request.path_params["task"])

    return [
        post("evaluation", evaluate_one),
        post("evaluations", evaluate_many),
        post("search/subject", search_subjects, searches=True),
        post("search/resource", search_resources, searches=True),
        post("search/action", search_actions, searches=True),
        Route(REQUESTS, guarded(request_access, as_problem=True), methods=["POST"]),
        Route(f"{REQUESTS}/{{task}}", guarded(see_task, as_problem=True), methods=["GET"]),
        *metadata_routes(parts.public_url),
    ]


def guarded(answer: Answer, *, as_problem: bool = False) -> Answer:
    """The same route, whose errors are answers. as_problem: in the form of the access request profile."""

    async def endpoint(request: Request) -> Response:
        try:
            return await answer(request)
        except Unauthenticated as error:
            return unauthenticated(error)
        except Problem as error:
            return problem_of(error.status, error.kind, str(error))
        except GraphsvcError as error:
            if not as_problem:
                return failure_of(error)
            field = error.field if isinstance(error, BadInput) else None
            return problem_of(status_of(error), error.code, str(error), field=field)
        except Exception:  # noqa: BLE001  a defect is answered and logged, never a broken connection
            # What callers sent is in no log; the trace says where.
            _log.exception("call_failed", extra={"path": request.scope["route"].path})
            return failure(500, "internal", "unexpected error; the service's log tells more")

    return endpoint


def _json(value: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
