"""Records as they become durable, for whoever may see them: what every subscription is made of."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import cast

import strawberry

from graphsvc.api.context import Context
from graphsvc.api.role import is_allowed, refusal
from graphsvc.decide.command import LogEvent

__all__ = ["Gap", "cursor_of", "watch"]


@strawberry.type(description="Events between this cursor and the one before it are lost; read them as pages.")
class Gap:
    """Events were missed. missed: how many records of any kind, null when it cannot be known."""

    cursor: str
    missed: int | None


def cursor_of(context: Context, seq: int) -> str:
    """Give it as `after` to go on behind record number `seq`."""
    return f"{context.service.revision().rpartition('.')[0]}.{seq}"


async def watch(
    context: Context, path: str, after: str | None, *, everybody: bool = False
) -> AsyncGenerator[LogEvent | Gap, None]:
    """Records the caller may see. everybody: of whomever, the caller looks whose they are.

    after: a cursor; None: where an event stream was told to go on, else from now on. The role is looked at again for
    every record: a token ends at its time. `context.cursor` follows what is yielded.
    """
    if not is_allowed(context, path):
        raise refusal(path)
    service = context.service
    after = after if after is not None else context.resume_after
    start = None
    if after is not None:
        start = service.cursor_seq(after)
        if start is None:
            context.cursor = service.revision()
            yield Gap(cursor=context.cursor, missed=None)
    position = start
    source: AsyncIterator[list[LogEvent]] = service.events(after=start)
    with context.parts.metrics.subscriptions.track_inprogress():
        async with aclosing(cast("AsyncGenerator[list[LogEvent], None]", source)) as batches:
            async for batch in batches:
                if position is not None and batch and batch[0].seq > position + 1:
                    missed = batch[0].seq - position - 1
                    context.cursor = cursor_of(context, batch[0].seq - 1)
                    yield Gap(cursor=context.cursor, missed=missed)
                for event in batch:
                    position = event.seq
                    if not is_allowed(context, path):
                        raise refusal(path)
                    if everybody or context.reads_all or _is_own(context, event):
                        context.cursor = cursor_of(context, event.seq)
                        yield event


def _is_own(context: Context, event: LogEvent) -> bool:
    return getattr(event.record, "by", None) == context.caller.subject
