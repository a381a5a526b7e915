"""All subscriptions of one API: who asks the same is put together, and who reads nothing is cut off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias, cast

import orjson
from graphql import ExecutionResult, Executor, GraphQLError, GraphQLSchema, create_source_event_stream

from graphsvc.api.auth import Login
from graphsvc.api.context import READERS, Context, Parts
from graphsvc.api.live.document import Documents, Watched
from graphsvc.api.live.group import Group, Member
from graphsvc.api.schema.build import charge, finish_error
from graphsvc.api.schema.watching import Watching

__all__ = ["Hub", "Sender"]

# Events that wait for one subscriber.
BACKLOG = 256
# A reader that takes nothing for so long is cut off; it comes back with its cursor.
STALLED_S = 20.0
_LOOK_EVERY_S = 1.0

_Key: TypeAlias = tuple[str, str | None, bytes, frozenset[str], str | None]


class Sender:
    """One connection that events are sent over. since_s: since when nothing could be sent, None: nothing is to be."""

    __slots__ = ("_loop", "_sending", "since_s", "task")

    def __init__(self, task: asyncio.Task[Any]) -> None:
        self.task = task
        self.since_s: float | None = None
        self._sending = 0
        self._loop = asyncio.get_running_loop()

    def begin(self) -> None:
        """Something is being sent."""
        self._sending += 1
        if self.since_s is None:
            self.since_s = self._loop.time()

    def done(self) -> None:
        """It was sent: the reader reads."""
        self._sending -= 1
        self.since_s = self._loop.time() if self._sending else None

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Something is being sent."""
        self.begin()
        try:
            yield
        finally:
            self.done()


class Hub:
    """The groups, and the connections. max_senders: how many connections there may be at once."""

    def __init__(
        self,
        schema: GraphQLSchema,
        parts: Parts,
        *,
        backlog: int = BACKLOG,
        stalled_s: float = STALLED_S,
        max_senders: int = 10_000,
    ) -> None:
        self.documents = Documents(schema)
        self._schema = schema
        self._parts = parts
        self._backlog = backlog
        self._stalled_s = stalled_s
        self._max_senders = max_senders
        self._groups: dict[_Key, Group] = {}
        self._senders: set[Sender] = set()
        self._reaper: asyncio.Task[None] | None = None

    @property
    def groups(self) -> int:
        """How many different things are being watched."""
        return len(self._groups)

    @property
    def is_full(self) -> bool:
        """Whether no further connection is taken."""
        return len(self._senders) >= self._max_senders

    async def subscribe(
        self, watched: Watched, variables: dict[str, Any], context: Context
    ) -> Member | list[GraphQLError]:
        """Who reads the events, to be closed; or what is wrong, with codes."""
        assert context.login is not None
        try:
            charge(context, watched.document, watched.name, variables)
        except GraphQLError as refused:
            return [refused]
        found = await self._watching(watched, variables, context)
        if isinstance(found, list):
            for error in found:
                finish_error(error)
            return found
        # A reader that comes back names both, and saw more by then.
        after = found.after if context.resume_after is None else context.resume_after
        key = _key(watched, variables, context.login)
        group = self._groups.get(key)
        if group is None:
            # The group outlives the token of who came first; each member's own is looked at for every event.
            shared = Context(parts=self._parts, shared=context.login.caller)
            executor = self._executor(watched, variables, shared)
            watching = await self._watching(watched, variables, shared)
            if isinstance(watching, list) or isinstance(executor, list):
                return cast("list[GraphQLError]", watching)
            group = self._groups.get(key) or Group(
                self._parts.service,
                self._parts.metrics,
                self._parts.auth,
                watched,
                executor,
                watching,
                lambda: self._forget(key),
            )
            self._groups[key] = group
        return Member(group, context.login, after, self._backlog)

    @contextmanager
    def sending(self) -> Iterator[Sender]:
        """A connection of the running task, which is cancelled when it stalls."""
        task = asyncio.current_task()
        assert task is not None
        sender = Sender(task)
        self._senders.add(sender)
        if self._reaper is None:
            self._reaper = asyncio.create_task(self._reap(), name="stalled readers")
        with self._parts.metrics.connections.track_inprogress():
            try:
                yield sender
            finally:
                self._senders.discard(sender)
                if not self._senders and self._reaper is not None:
                    self._reaper.cancel()
                    self._reaper = None

    async def _watching(
        self, watched: Watched, variables: dict[str, Any], context: Context
    ) -> Watching | list[GraphQLError]:
        executor = self._executor(watched, variables, context)
        if isinstance(executor, list):
            return executor
        made = create_source_event_stream(executor)
        if executor.is_awaitable(made):
            made = await made
        if isinstance(made, ExecutionResult):
            return made.errors or []
        return cast("Watching", cast("AsyncIterable[Any]", made))

    def _executor(
        self, watched: Watched, variables: dict[str, Any], context: Context
    ) -> Executor[Any] | list[GraphQLError]:
        return Executor.build(
            self._schema,
            watched.document,
            context_value=context,
            raw_variable_values=variables,
            operation_name=watched.name,
        )

    def _forget(self, key: _Key) -> None:
        self._groups.pop(key, None)

    async def _reap(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(_LOOK_EVERY_S, self._stalled_s / 4))
            now_s = loop.time()
            for sender in tuple(self._senders):
                if sender.since_s is not None and now_s - sender.since_s > self._stalled_s:
                    self._parts.metrics.stalled.inc()
                    sender.task.cancel()


def _key(watched: Watched, variables: dict[str, Any], login: Login) -> _Key:
    told = {name: value for name, value in variables.items() if name != watched.resumes_by}
    caller = login.caller
    # Who reads everything sees what others with these roles see; the others only what is theirs.
    own = None if caller.roles & READERS else caller.subject
    return (
        watched.text,
        watched.name,
        orjson.dumps(told, option=orjson.OPT_SORT_KEYS),
        caller.roles,
        own,
    )
