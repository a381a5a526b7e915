"""The GraphQL endpoint: POST, answered at once or as an event stream, and graphql-transport-ws; nothing else.

Authenticated before it is parsed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast

import orjson
import strawberry
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult

from graphsvc.api.auth import Unauthenticated
from graphsvc.api.body import read_json
from graphsvc.api.context import Context, Parts
from graphsvc.api.event_stream import CURSOR, LAST_EVENT_ID, EventStream, EventStreamResponse
from graphsvc.api.media import GRAPHQL_RESPONSE, JSON, media_type
from graphsvc.errors import BadInput

__all__ = ["GraphqlEndpoint", "unauthenticated"]

_CONTEXT = "graphsvc.context"
# Told to a socket whose token has expired or was refused; clients ask for a new token and reconnect.
_FORBIDDEN = 4403
_MAX_SUBSCRIPTIONS = 100


class GraphqlEndpoint(GraphQL[Context, None]):
    """The endpoint as an ASGI application."""

    def __init__(self, schema: strawberry.Schema, parts: Parts) -> None:
        super().__init__(
            schema,
            graphql_ide="graphiql" if parts.development else None,
            allow_queries_via_get=False,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            max_subscriptions_per_connection=_MAX_SUBSCRIPTIONS,
        )
        self.stream_transport_classes_by_protocol = {GRAPHQL_SSE_PROTOCOL: EventStream}
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or one socket."""
        context = Context(parts=self._parts)
        scope[_CONTEXT] = context
        if scope["type"] == "websocket":
            try:
                await super().__call__(scope, receive, send)
            finally:
                if context.expiry is not None:
                    context.expiry.cancel()
            return
        page_wanted = scope["method"] == "GET" and self._parts.development
        if not page_wanted:
            if scope["method"] != "POST":
                refused = _error(405, "method_not_allowed", "use POST, or a graphql-transport-ws socket")
                await refused(scope, receive, send)
                return
            try:
                context.login = self._parts.auth.login(Request(scope).headers.get("authorization"))
            except Unauthenticated as error:
                self._parts.metrics.refused.labels("unauthenticated").inc()
                await unauthenticated(error)(scope, receive, send)
                return
            context.resume_after = Request(scope).headers.get(LAST_EVENT_ID)
        await super().__call__(scope, receive, send)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """The context made for this request; of a socket it carries the socket."""
        context: Context = request.scope[_CONTEXT]
        if isinstance(request, WebSocket):
            context.socket = request
        return context

    async def on_ws_connect(self, context: Context) -> Any:
        """Log the socket in by its `authorization` parameter, and close it when the token expires."""
        params = context.connection_params or {}
        given = params.get("authorization") or params.get("Authorization")
        try:
            context.login = self._parts.auth.login(given if isinstance(given, str) else None)
        except Unauthenticated as error:
            self._parts.metrics.refused.labels("unauthenticated").inc()
            raise ConnectionRejectionError from error
        if context.login.expires_s is not None:
            context.expiry = asyncio.create_task(_close_at(context, context.login.expires_s))
        return await super().on_ws_connect(context)

    def decode_json(self, data: str | bytes) -> object:
        """A JSON object; what is none raises json.JSONDecodeError, as the caller expects."""
        try:
            value = read_json(data)
        except BadInput as error:
            raise json.JSONDecodeError(str(error), "", 0) from None
        if not isinstance(value, dict):
            raise json.JSONDecodeError("must be an object", "", 0)
        return value

    def encode_json(self, data: object) -> str:
        """Values to JSON text; text and not bytes, because a socket would send bytes as binary frames."""
        return orjson.dumps(data).decode()

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """An answer; of an event it carries the cursor, which `EventStream` writes."""
        answer: dict[str, Any] = {**await super().process_result(request, result)}
        context: Context = request.scope[_CONTEXT]
        if context.cursor is not None:
            answer[CURSOR] = context.cursor
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            # Nothing was executed, so there is no data, not even null.
            answer.pop("data", None)
        return cast("GraphQLHTTPResponse", answer)

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """The answer as an event stream."""
        context: Context = request.scope[_CONTEXT]
        return EventStreamResponse(
            stream(),
            status_code=sub_response.status_code or 200,
            headers=headers,
            expires_s=context.login.expires_s if context.login is not None else None,
        )

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


def _named(media: str) -> str:
    return media if media == JSON else f"{media}; charset=utf-8"


def unauthenticated(error: Unauthenticated) -> Response:
    """401 that says what is wrong with the token."""
    return JSONResponse(
        {"error": {"code": error.code, "message": str(error)}},
        status_code=401,
        headers={"WWW-Authenticate": 'Bearer realm="graphsvc"'},
    )


def _error(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message}}, status_code=status)


async def _close_at(context: Context, expires_s: float) -> None:
    await asyncio.sleep(max(0.0, expires_s - time.time()))
    if context.socket is not None:
        # A socket that went away in the meantime needs no closing.
        with contextlib.suppress(RuntimeError, OSError):
            await context.socket.close(code=_FORBIDDEN, reason="the token has expired")
