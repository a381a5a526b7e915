"""A task in flight: a chain with who acts for whom, and its actions asked for, done, and reported.

    with Task(client, "task-7", subject="support-agent", on_behalf_of=["alice"]) as task:
        @task.guard("crm:Read", lambda number: f"record:{number}")
        def read_record(number): ...

The function runs only when its action is permitted; so does a block: `with task.act("crm:Read", "record:7"): ...`. `Task` goes with `SyncClient`, `AsyncTask` with `Client`. With the
user's words and declarations of the tools, the task says where the values of a call came from:

    Task(client, "task-7", subject="support-agent", user_request="Pay bill.txt", tools=Tools.load("tools.json"))
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from graphsvc.client.client import Client
from graphsvc.client.error import CallFailed
from graphsvc.client.result import Decision
from graphsvc.client.sync import SyncClient
from graphsvc.client.terms import Act, Denied, Escalated, Named, Terms, digest, named
from graphsvc.core.verdict import Verdict
from graphsvc.errors import GraphsvcError

__all__ = ["Act", "AsyncTask", "Denied", "Escalated", "Task"]

P = ParamSpec("P")
R = TypeVar("R")
_POLL_S = 0.5
# Nobody can answer these any more: what was asked is asked anew.
_OVER = frozenset({"EXPIRED", "USED"})
Labels = Callable[[Any], Sequence[str]]


class Task(Terms):
    """A task over a `SyncClient`. wait_s: how long an escalated action waits for its review, 0 = not at all."""

    def __init__(self, client: SyncClient, chain: str, **options: Any) -> None:
        super().__init__(chain, **options)
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _forgive(lambda: self._client.close_chain(self.chain))

    def decide(
        self,
        action: str | Mapping[str, Any],
        resource: str | Mapping[str, Any],
        *,
        key: str | None = None,
        **more: Any,
    ) -> Decision:
        """The permitted decision; Denied or Escalated otherwise. Waits for a review as `wait_s` says.

        What was escalated and is asked again goes through once its review is approved, and stays refused once it is
        rejected. key: the caller's own id of this call: the same key is the same call, asked once.
        """
        request = self.request(action, resource, **more)
        name = digest(request)
        held = self._waiting.pop(name, None)
        decision = held or self._client.decide(self._keyed(request, key))
        ends_s = time.monotonic() + self.wait_s
        while decision.verdict is Verdict.ESCALATE and decision.review is not None:
            review = self._client.review(decision.review.id)
            status = review.status if review is not None else "EXPIRED"
            if status == "APPROVED":
                decision = self._client.decide(self._reviewed(request, decision.review.id, key))
                break
            if status in _OVER and held is not None:
                held, decision = None, self._client.decide(self._keyed(request, key))
                continue
            self._waiting[name] = decision
            if status == "REJECTED":
                raise Denied(decision)
            left_s = ends_s - time.monotonic()
            if status in _OVER or left_s <= 0:
                break
            time.sleep(min(_POLL_S, left_s))
        return self.settled(decision, action, more)

    def tell(
        self, decision: Decision, outcome: str, labels: Sequence[str] = (), tokens: Sequence[str] = ()
    ) -> None:
        """Report what came of a permitted action, if the service can be told."""
        _forgive(lambda: self._client.report(decision.id, outcome, labels=labels, tokens=tokens))

    def hand_over(self, subject: str | Mapping[str, Any], chain: str | None = None) -> Task:
        """A task of another agent, delegated from this one: same session, acting for whoever this one acts for."""
        named, options = self._handed_over(subject, chain)
        return Task(self._client, named, **options)

    @contextmanager
    def act(
        self, action: str | Mapping[str, Any], resource: str | Mapping[str, Any], **more: Any
    ) -> Iterator[Act]:
        """Do one action inside `with`: Denied or Escalated before it begins, and reported when it ends."""
        act = Act(self.decide(action, resource, **more))
        try:
            yield act
        except BaseException as error:
            told = self._brought(action, more, str(error), succeeded=False)
            self.tell(act.decision, "FAILURE", [*act.labels, *told.labels], told.tokens)
            raise
        told = self._brought(action, more, act.result)
        self._client.report(
            act.decision.id, "SUCCESS", labels=[*act.labels, *told.labels], tokens=told.tokens
        )

    def guard(
        self, action: str, resource: Named, *, labels: Labels | None = None, properties: Callable[..., Mapping[str, Any]] | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:  # fmt: skip
        """Let a function run only when its action is permitted, and report what came of it.

        resource, properties: may be functions of the call's arguments; labels: of the result.
        """

        def wrap(function: Callable[P, R]) -> Callable[P, R]:
            @functools.wraps(function)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                values = self.values(function, args, kwargs)
                decision = self.decide(*named(action, resource, properties, args, kwargs), **values)
                try:
                    result = function(*args, **kwargs)
                except BaseException as error:
                    told = self.note(action, values, str(error), succeeded=False)
                    self.tell(decision, "FAILURE", told.labels, told.tokens)
                    raise
                told = self.note(action, values, result)
                found = [*(labels(result) if labels is not None else ()), *told.labels]
                self._client.report(decision.id, "SUCCESS", labels=found, tokens=told.tokens)
                return result

            return guarded

        return wrap


class AsyncTask(Terms):
    """A task over a `Client`. wait_s: how long an escalated action waits for its review, 0 = not at all."""

    def __init__(self, client: Client, chain: str, **options: Any) -> None:
        super().__init__(chain, **options)
        self._client = client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await _forgive_async(self._client.close_chain(self.chain))

    async def decide(
        self,
        action: str | Mapping[str, Any],
        resource: str | Mapping[str, Any],
        *,
        key: str | None = None,
        **more: Any,
    ) -> Decision:
        """The permitted decision; Denied or Escalated otherwise; see `Task.decide`."""
        request = self.request(action, resource, **more)
        name = digest(request)
        held = self._waiting.pop(name, None)
        decision = held or await self._client.decide(self._keyed(request, key))
        ends_s = time.monotonic() + self.wait_s
        while decision.verdict is Verdict.ESCALATE and decision.review is not None:
            review = await self._client.review(decision.review.id)
            status = review.status if review is not None else "EXPIRED"
            if status == "APPROVED":
                decision = await self._client.decide(self._reviewed(request, decision.review.id, key))
                break
            if status in _OVER and held is not None:
                held, decision = None, await self._client.decide(self._keyed(request, key))
                continue
            self._waiting[name] = decision
            if status == "REJECTED":
                raise Denied(decision)
            left_s = ends_s - time.monotonic()
            if status in _OVER or left_s <= 0:
                break
            await asyncio.sleep(min(_POLL_S, left_s))
        return self.settled(decision, action, more)

    async def tell(
        self, decision: Decision, outcome: str, labels: Sequence[str] = (), tokens: Sequence[str] = ()
    ) -> None:
        """Report what came of a permitted action, if the service can be told."""
        await _forgive_async(self._client.report(decision.id, outcome, labels=labels, tokens=tokens))

    def hand_over(self, subject: str | Mapping[str, Any], chain: str | None = None) -> AsyncTask:
        """A task of another agent, delegated from this one: same session, acting for whoever this one acts for."""
        named, options = self._handed_over(subject, chain)
        return AsyncTask(self._client, named, **options)

    @asynccontextmanager
    async def act(
        self, action: str | Mapping[str, Any], resource: str | Mapping[str, Any], **more: Any
    ) -> AsyncIterator[Act]:
        """Do one action inside `async with`; see `Task.act`."""
        act = Act(await self.decide(action, resource, **more))
        try:
            yield act
        except BaseException as error:
            told = self._brought(action, more, str(error), succeeded=False)
            await self.tell(act.decision, "FAILURE", [*act.labels, *told.labels], told.tokens)
            raise
        told = self._brought(action, more, act.result)
        await self._client.report(
            act.decision.id, "SUCCESS", labels=[*act.labels, *told.labels], tokens=told.tokens
        )

    def guard(
        self, action: str, resource: Named, *, labels: Labels | None = None, properties: Callable[..., Mapping[str, Any]] | None = None
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:  # fmt: skip
        """Let a coroutine function run only when its action is permitted; see `Task.guard`."""

        def wrap(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
            @functools.wraps(function)
            async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                values = self.values(function, args, kwargs)
                decision = await self.decide(*named(action, resource, properties, args, kwargs), **values)
                try:
                    result = await function(*args, **kwargs)
                except BaseException as error:
                    told = self.note(action, values, str(error), succeeded=False)
                    await self.tell(decision, "FAILURE", told.labels, told.tokens)
                    raise
                told = self.note(action, values, result)
                found = [*(labels(result) if labels is not None else ()), *told.labels]
                await self._client.report(decision.id, "SUCCESS", labels=found, tokens=told.tokens)
                return result

            return guarded

        return wrap


def _forgive(call: Callable[[], object]) -> None:
    """What is told at the end is told if it can be; it must not hide what happened before."""
    try:
        call()
    except (GraphsvcError, CallFailed):
        return


async def _forgive_async(call: Awaitable[object]) -> None:
    try:
        await call
    except (GraphsvcError, CallFailed):
        return
