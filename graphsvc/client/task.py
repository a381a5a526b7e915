"""A task in flight: a chain with who acts for whom, and its actions asked for, done, and reported.

    with Task(client, "task-7", subject="support-agent", on_behalf_of=["alice"]) as task:
        @task.guard("crm:Read", lambda number: f"record:{number}")
        def read_record(number): ...

The function runs only when its action is permitted. `Task` goes with `SyncClient`, `AsyncTask` with `Client`.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from graphsvc.client.client import Client
from graphsvc.client.error import CallFailed
from graphsvc.client.result import Decision
from graphsvc.client.sync import SyncClient
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput, GraphsvcError

__all__ = ["AsyncTask", "Denied", "Escalated", "Task"]

P = ParamSpec("P")
R = TypeVar("R")
_POLL_S = 0.5
Labels = Callable[[Any], Sequence[str]]
Named = str | Callable[..., str]


class Denied(GraphsvcError):  # named like its siblings
    """The action may not happen; decision: says why. The message names codes alone, for an agent may read it."""

    code = "denied"
    exit_code = 1

    def __init__(self, decision: Decision) -> None:
        codes = ", ".join(dict.fromkeys(reason.code for reason in decision.reasons)) or "no reason given"
        super().__init__(f"{decision.verdict.value}: {codes}")
        self.decision = decision


class Escalated(Denied):
    """The action waits for a person: `decision.review`. Once it is approved the same call goes through."""

    code = "escalated"


class _Task:
    """What both kinds share: requests with the task's own defaults."""

    def __init__(
        self, chain: str, *, subject: str | Mapping[str, Any], on_behalf_of: Sequence[str | Mapping[str, Any]] = (),
        session: str | None = None, parent_chain: str | None = None, intent: Mapping[str, Any] | None = None,
        wait_s: float = 0.0,
    ) -> None:  # fmt: skip
        self.chain = chain
        self.wait_s = wait_s
        self._first: dict[str, Any] = {
            name: value
            for name, value in (("session", session), ("parentChain", parent_chain), ("intent", intent))
            if value is not None
        }
        self._parties: dict[str, Any] = {"subject": _entity(subject, "agent")}
        if on_behalf_of:
            self._parties["onBehalfOf"] = [_entity(each, "human") for each in on_behalf_of]

    def request(
        self, action: str | Mapping[str, Any], resource: str | Mapping[str, Any], **more: Any
    ) -> dict[str, Any]:
        """A DecideInput. action: a name or `{name, properties}`; resource: `type:id` or `{type, id}`."""
        return {
            "chain": self.chain,
            **self._parties,
            # Said with every request; the service takes it from the first.
            **self._first,
            "action": {"name": action} if isinstance(action, str) else dict(action),
            "resource": _entity(resource, None),
            **more,
        }


class Task(_Task):
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
        self, action: str | Mapping[str, Any], resource: str | Mapping[str, Any], **more: Any
    ) -> Decision:
        """The permitted decision; Denied or Escalated otherwise. Waits for a review as `wait_s` says."""
        request = self.request(action, resource, **more)
        decision = self._client.decide(request)
        if decision.verdict is Verdict.ESCALATE and decision.review is not None and self.wait_s > 0:
            ends_s = time.monotonic() + self.wait_s
            while time.monotonic() < ends_s:
                review = self._client.review(decision.review.id)
                if review is None or review.status not in {"OPEN", "APPROVED"}:
                    break
                if review.status == "APPROVED":
                    decision = self._client.decide({**request, "review": decision.review.id})
                    break
                time.sleep(min(_POLL_S, max(0.0, ends_s - time.monotonic())))
        return _permitted(decision)

    def guard(
        self, action: str, resource: Named, *, labels: Labels | None = None, properties: Callable[..., Mapping[str, Any]] | None = None
    ) -> Callable[[Callable[P, R]], Callable[P, R]]:  # fmt: skip
        """Let a function run only when its action is permitted, and report what came of it.

        resource, properties: may be functions of the call's arguments; labels: of the result.
        """

        def wrap(function: Callable[P, R]) -> Callable[P, R]:
            @functools.wraps(function)
            def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                decision = self.decide(*_named(action, resource, properties, args, kwargs))
                try:
                    result = function(*args, **kwargs)
                except BaseException:
                    _forgive(lambda: self._client.report(decision.id, "FAILURE"))
                    raise
                found = list(labels(result)) if labels is not None else []
                self._client.report(decision.id, "SUCCESS", labels=found)
                return result

            return guarded

        return wrap


class AsyncTask(_Task):
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
        self, action: str | Mapping[str, Any], resource: str | Mapping[str, Any], **more: Any
    ) -> Decision:
        """The permitted decision; Denied or Escalated otherwise. Waits for a review as `wait_s` says."""
        request = self.request(action, resource, **more)
        decision = await self._client.decide(request)
        if decision.verdict is Verdict.ESCALATE and decision.review is not None and self.wait_s > 0:
            ends_s = time.monotonic() + self.wait_s
            while time.monotonic() < ends_s:
                review = await self._client.review(decision.review.id)
                if review is None or review.status not in {"OPEN", "APPROVED"}:
                    break
                if review.status == "APPROVED":
                    decision = await self._client.decide({**request, "review": decision.review.id})
                    break
                await asyncio.sleep(min(_POLL_S, max(0.0, ends_s - time.monotonic())))
        return _permitted(decision)

    def guard(
        self, action: str, resource: Named, *, labels: Labels | None = None, properties: Callable[..., Mapping[str, Any]] | None = None
    ) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:  # fmt: skip
        """Let a coroutine function run only when its action is permitted; see `Task.guard`."""

        def wrap(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
            @functools.wraps(function)
            async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
                decision = await self.decide(*_named(action, resource, properties, args, kwargs))
                try:
                    result = await function(*args, **kwargs)
                except BaseException:
                    await _forgive_async(self._client.report(decision.id, "FAILURE"))
                    raise
                found = list(labels(result)) if labels is not None else []
                await self._client.report(decision.id, "SUCCESS", labels=found)
                return result

            return guarded

        return wrap


def _named(
    action: str, resource: Named, properties: Callable[..., Mapping[str, Any]] | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Mapping[str, Any], str]:  # fmt: skip
    asked = {"name": action, **({"properties": dict(properties(*args, **kwargs))} if properties else {})}
    return asked, resource if isinstance(resource, str) else resource(*args, **kwargs)


def _permitted(decision: Decision) -> Decision:
    if decision.permitted:
        return decision
    raise (Escalated if decision.verdict is Verdict.ESCALATE else Denied)(decision)


def _entity(given: str | Mapping[str, Any], kind: str | None) -> dict[str, Any]:
    if not isinstance(given, str):
        return dict(given)
    if kind is not None:
        return {"type": kind, "id": given}
    named, colon, name = given.partition(":")
    if not (named and colon and name):
        raise BadInput(f"resource: `{given}` is no resource; write it as `type:id`", field="resource")
    return {"type": named, "id": name}


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
