"""What every subscription is made of: which records it tells of, to whom, and what of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import strawberry

from graphsvc.api.context import Context
from graphsvc.api.role import is_allowed, refusal
from graphsvc.decide.command import LogEvent

__all__ = ["Gap", "Watching", "cursor_of", "watch"]


@strawberry.type(
    description="Records up to this cursor are left out; read them as pages, or watch again from the cursor before it."
)
class Gap:
    """Events were missed. missed: how many, null when it cannot be known."""

    cursor: str
    missed: int | None


class Watching:
    """One subscription as it was asked for. `api.live` reads it; the executor only asks that it can be iterated.

    path: the field, `Type.field`. after: the cursor to go on behind, None = from now on. pick: what is told of a
    record, None = nothing; for callers that see only their own, of their own records unless `everybody`.
    """

    def __init__(
        self, context: Context, path: str, after: str | None, pick: Callable[[LogEvent], Any], everybody: bool
    ) -> None:
        self.context = context
        self.path = path
        self.after = after
        self._pick = pick
        self._everybody = everybody

    def item(self, event: LogEvent) -> Any:
        """What is told of a record, None = nothing."""
        if self._everybody or self.context.reads_all or _is_own(self.context, event):
            return self._pick(event)
        return None

    def gap(self, seq: int, missed: int | None) -> Gap:
        """That records up to number `seq` are left out."""
        return Gap(cursor=cursor_of(self.context, seq), missed=missed)

    def __aiter__(self) -> AsyncIterator[Any]:
        raise TypeError("subscriptions are read in groups, by graphsvc.api.live")


def cursor_of(context: Context, seq: int) -> str:
    """Give it as `after` to go on behind record number `seq`."""
    return f"{context.service.revision().rpartition('.')[0]}.{seq}"


def watch(
    context: Context,
    path: str,
    after: str | None,
    pick: Callable[[LogEvent], Any],
    *,
    everybody: bool = False,
) -> Any:
    """A `Watching`, for a caller with a role for it. everybody: `pick` looks whose the records are itself."""
    if not is_allowed(context, path):
        raise refusal(path)
    return cast(Any, Watching(context, path, after, pick, everybody))


def _is_own(context: Context, event: LogEvent) -> bool:
    return getattr(event.record, "by", None) == context.caller.subject
