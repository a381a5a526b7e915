"""GraphQL over server-sent events: one operation a request ("distinct connections"), resumable by `Last-Event-ID`.

Protocol: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md. Every event of a subscription carries the
cursor of its record as `id:`, so that a browser that lost the connection goes on where it was.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from strawberry.http import GraphQLHTTPResponse
from strawberry.http.streaming import SSETransport

__all__ = ["CURSOR", "LAST_EVENT_ID", "EventStream", "EventStreamResponse"]

LAST_EVENT_ID = "last-event-id"
# Where an answer carries its cursor until it is written; no name of GraphQL holds a space.
CURSOR = "event id"
# A reader that takes nothing for so long is cut off; it comes back with `Last-Event-ID`.
_SEND_WITHIN_S = 20.0


class EventStream(SSETransport):
    """Writes the cursor of an event as its id."""

    def encode_next(self, response: GraphQLHTTPResponse, encode_json: Callable[[object], str]) -> str:
        """One answer."""
        fields: dict[str, Any] = {**response}
        cursor = fields.pop(CURSOR, None)
        text = self.encode_event("next", encode_json(fields))
        return text if cursor is None else f"id: {cursor}\r\n{text}"


class EventStreamResponse(StreamingResponse):
    """Ends with the caller's token, and when the reader has stalled. expires_s: Unix time, None: never."""

    def __init__(
        self,
        content: AsyncIterator[str],
        *,
        status_code: int,
        headers: Mapping[str, str],
        expires_s: float | None,
    ) -> None:
        super().__init__(content, status_code=status_code, headers=headers)
        self._expires_s = expires_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the reader, the events or the token end."""

        async def patient(message: Any) -> None:
            async with asyncio.timeout(_SEND_WITHIN_S):
                await send(message)

        left_s = None if self._expires_s is None else max(0.0, self._expires_s - time.time())
        # Cut off without the last chunk: the reader sees that this was not the end.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(left_s):
                await super().__call__(scope, receive, patient)
