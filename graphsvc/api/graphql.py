"""The GraphQL endpoint: POST, answered at once or as an event stream, and graphql-transport-ws; nothing else.

Authenticated before it is parsed.
"""

from __future__ import annotations

import json
from typing import Any, cast

import orjson
import strawberry
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.types import ExecutionResult

from graphsvc.api.auth import Unauthenticated, authorization_of
from graphsvc.api.body import read_json, read_object
from graphsvc.api.context import Context, Parts
from graphsvc.api.dashboard import ide_page
from graphsvc.api.failure import failure, failure_of
from graphsvc.api.live.hub import Hub
from graphsvc.api.live.socket import SocketFace
from graphsvc.api.live.stream import EVENT_STREAM, LAST_EVENT_ID, StreamFace
from graphsvc.api.media import GRAPHQL_RESPONSE, JSON, media_type
from graphsvc.api.schema.build import finish_error
from graphsvc.errors import BadInput

__all__ = ["GraphqlEndpoint", "unauthenticated"]

_CONTEXT = "graphsvc.context"


class _Refused(str):
    """Stands for a document that is not answered. errors: why."""

    errors: list[GraphQLError]
    __slots__ = ("errors",)


class GraphqlEndpoint(GraphQL[Context, None]):
    """The endpoint as an ASGI application. hub: reads its subscriptions."""

    def __init__(self, schema: strawberry.Schema, parts: Parts, hub: Hub) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=False,
            # Subscriptions are read by the hub, never by an executor for each.
            subscription_protocols=(),
        )
        self._parts = parts
        self._ide = ide_page() if parts.development else None
        self._sockets = SocketFace(parts, hub, self.execute)
        self._streams = StreamFace(hub, self.execute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        if scope["type"] == "websocket":
            await self._sockets(scope, receive, send)
            return
        context = Context(parts=self._parts)
        scope[_CONTEXT] = context
        request = Request(scope, receive)
        if self._ide is not None and scope["method"] == "GET" and not scope["query_string"]:
            await self._ide(scope, receive, send)
            return
        if scope["method"] != "POST":
            refused = failure(405, "method_not_allowed", "use POST, or a graphql-transport-ws socket")
            await refused(scope, receive, send)
            return
        try:
            context.login = self._parts.auth.login(authorization_of(request.headers))
        except Unauthenticated as error:
            self._parts.metrics.refused.labels("unauthenticated").inc()
            await unauthenticated(error)(scope, receive, send)
            return
        if EVENT_STREAM in request.headers.get("accept", "").lower():
            await self._stream(request, context, send)
            return
        await super().__call__(scope, receive, send)

    async def execute(
        self, text: str, variables: dict[str, Any], operation: str | None, context: Context
    ) -> dict[str, Any]:
        """Answer a query or a mutation; without `data` when nothing was executed."""
        result = await self.schema.execute(
            text, variable_values=variables, context_value=context, operation_name=operation
        )
        assert isinstance(result, ExecutionResult)
        return _answer(result)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """The context made for this request."""
        context: Context = request.scope[_CONTEXT]
        return context

    def decode_json(self, data: str | bytes) -> object:
        """A JSON object; what is none raises json.JSONDecodeError, as the caller expects."""
        try:
            value = read_json(data)
        except BadInput as error:
            raise json.JSONDecodeError(str(error), "", 0) from None
        if not isinstance(value, dict):
            raise json.JSONDecodeError("must be an object", "", 0)
        documents = self._parts.documents
        if "documentId" in value or documents.only:
            found = documents.resolve(value)
            if isinstance(found, list):
                value["query"] = _Refused("refused")
                value["query"].errors = found
            else:
                value["query"] = found
        return value

    def encode_json(self, data: object) -> str:
        """Values to JSON text."""
        return orjson.dumps(data).decode()

    async def execute_single(
        self,
        request: Request,
        request_adapter: Any,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        """The result of an operation; of a document that is not answered, why."""
        if isinstance(request_data.query, _Refused):
            for error in request_data.query.errors:
                finish_error(error)
            return ExecutionResult(data=None, errors=request_data.query.errors)
        return await super().execute_single(
            request, request_adapter, sub_response, context, root_value, request_data
        )

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """An answer."""
        return cast("GraphQLHTTPResponse", _answer(result))

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """The HTTP answer, in the form that the caller asked for."""
        media = sub_response.media_type or JSON
        was_executed = isinstance(response_data, list) or "data" in response_data
        status = 400 if media == GRAPHQL_RESPONSE and not was_executed else sub_response.status_code or 200
        # Named in full: without a charset a reader may take it for something else.
        return Response(
            orjson.dumps(response_data), status_code=status, headers={"Content-Type": _named(media)}
        )

    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """What the answer is made from: it knows the media type."""
        made = await super().get_sub_response(request)
        made.media_type = media_type(request.headers.get("accept"))
        return made

    async def _stream(self, request: Request, context: Context, send: Send) -> None:
        try:
            payload = read_object(await request.body(), request.headers.get("content-type"))
            if not isinstance(payload.get("variables") or {}, dict):
                raise BadInput("variables: must be an object", field="variables")
        except BadInput as error:
            await failure_of(error)(request.scope, request.receive, send)
            return
        context.resume_after = request.headers.get(LAST_EVENT_ID)
        await self._streams.answer(payload, context, request.scope, request.receive, send)


def _answer(result: ExecutionResult) -> dict[str, Any]:
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [error.formatted for error in result.errors]
        if result.data is None and all(error.path is None for error in result.errors):
            # Nothing was executed, so there is no data, not even null.
            del answer["data"]
    if result.extensions:
        answer["extensions"] = result.extensions
    return answer


def _named(media: str) -> str:
    return media if media == JSON else f"{media}; charset=utf-8"


def unauthenticated(error: Unauthenticated) -> Response:
    """401 that says what is wrong with the token."""
    return JSONResponse(
        {"error": {"code": error.code, "message": str(error)}},
        status_code=401,
        headers={"WWW-Authenticate": 'Bearer realm="graphsvc"'},
    )
