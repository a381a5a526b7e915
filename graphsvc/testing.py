"""A policy decision point inside your tests: the real service over memory, no port, no token, a clock that you move.

    with LocalPdp("rules.yaml", graph=[{"node": {...}}]) as pdp:
        assert pdp.decide({...}).permitted
        with Task(pdp, "task-1", subject="bot") as task:      # your own guarded functions
            ...
        print(pdp.recorded("what my agent did"))              # a test for a rule file: `graphsvc policy test`

Needs `graphsvc[server]`.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import orjson
import strawberry

from graphsvc.api.auth import OpenDoor
from graphsvc.api.context import Context, Parts
from graphsvc.api.schema.build import build_schema
from graphsvc.client.result import Acknowledged, Decision
from graphsvc.client.sync import SyncClient
from graphsvc.client.tape import Tape
from graphsvc.client.transport import value_of
from graphsvc.core.duration import parse_duration
from graphsvc.core.graph import facts_of
from graphsvc.decide.command import Caller
from graphsvc.decide.service import GraphsvcService
from graphsvc.errors import BadInput, GraphsvcError
from graphsvc.store.memory import open_memory

__all__ = ["LocalPdp"]

T = TypeVar("T")
# Whoever reviews must not be who asked.
_TESTER = Caller(subject="tester", roles=frozenset({"admin"}))
_REVIEWER = Caller(subject="reviewer", roles=frozenset({"approver"}))


class LocalPdp(SyncClient):
    """Asked like a `SyncClient`. policies: files, or texts of YAML; graph: records of a graph file, or the file.

    Errors in policies and graph are raised on entering: PolicyError with line and column, BadInput with the field.
    """

    def __init__(
        self, *policies: str | Path, graph: Sequence[Mapping[str, Any]] | Path | None = None
    ) -> None:
        super().__init__(retries=0)
        self._texts = [_text(each) for each in policies]
        self._graph = graph
        self._ahead_ms = 0
        self._tape = Tape()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._service: GraphsvcService | None = None
        self._schema: strawberry.Schema | None = None

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="graphsvc-testing", daemon=True)
        self._thread.start()
        try:
            self._wait(self._start())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._stop()

    def advance(self, by: str) -> None:
        """Let time pass, such as `90s`, `1h` or `2d`; BadInput when that is no duration."""
        try:
            by_ms = parse_duration(by)
        except ValueError as error:
            raise BadInput(f"by: {error}", field="by") from None
        self._ahead_ms += by_ms
        self._tape.passed(by_ms)

    def approve(self, review: str, reason: str = "in a test") -> None:
        """Answer a review as somebody who had no part in it."""
        self._wait(self._running.approve_review(_REVIEWER, review.removeprefix("review:"), reason))
        self._tape.approved(review, _REVIEWER.subject)

    def reject(self, review: str, reason: str = "in a test") -> None:
        """Refuse a review as somebody who had no part in it."""
        self._wait(self._running.reject_review(_REVIEWER, review.removeprefix("review:"), reason))

    def decide(self, request: Mapping[str, Any]) -> Decision:
        """May this happen? See `SyncClient.decide`."""
        decision = super().decide(request)
        self._tape.asked(request, decision)
        return decision

    def decide_many(self, requests: Sequence[Mapping[str, Any]]) -> list[Decision | GraphsvcError]:
        """Several in order; see `SyncClient.decide_many`."""
        answers = super().decide_many(requests)
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, Decision):
                self._tape.asked(request, answer)
        return answers

    def report(
        self, decision: str, outcome: str = "SUCCESS", *, labels: Sequence[str] = (), tokens: Sequence[str] = ()
    ) -> Acknowledged:  # fmt: skip
        """What came of a permitted action; see `SyncClient.report`."""
        done = super().report(decision, outcome, labels=labels, tokens=tokens)
        self._tape.reported(decision, outcome, labels, tokens)
        return done

    def cancel_decision(self, decision: str) -> Acknowledged:
        """A permitted action did not happen; see `SyncClient.cancel_decision`."""
        done = super().cancel_decision(decision)
        self._tape.cancelled(decision)
        return done

    def recorded(self, name: str) -> str:
        """All that happened so far as one entry of `tests:` in a rule file, with the answers it got; YAML.

        Rules that answer otherwise one day then fail `graphsvc policy test`.
        """
        return self._tape.as_test(name, _records(self._graph))

    # -- inside ----------------------------------------------------------------------------------

    @property
    def _running(self) -> GraphsvcService:
        if self._service is None:
            raise BadInput("the PDP is not open; use it in `with LocalPdp(...) as pdp:`")
        return self._service

    def _once(self, body: bytes, ends_s: float) -> Any:
        del ends_s  # nothing lies between the caller and the service
        return value_of(200, self._wait(self._answer(body)), "the local PDP")

    async def _answer(self, body: bytes) -> bytes:
        asked = orjson.loads(body)
        service, schema = self._running, self._schema
        assert schema is not None
        auth = OpenDoor()
        context = Context(
            parts=Parts(service=service, history=service.store, auth=auth), login=auth.login(None)
        )
        result = await schema.execute(
            asked["query"], variable_values=asked["variables"], context_value=context
        )
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return orjson.dumps(answer)

    async def _start(self) -> None:
        numbers = itertools.count(1)
        store = await open_memory()
        service = GraphsvcService(
            store, clock=self._now_ms, ids=lambda: f"t{next(numbers):06d}", store_values="all"
        )
        await service.start()
        self._service, self._schema = service, build_schema()
        if self._texts:
            await service.publish_policy(_TESTER, self._texts, "for a test")
        nodes, edges = facts_of(_records(self._graph))
        if nodes or edges:
            await service.load_graph(_TESTER, "test", nodes, edges, replace=True)

    def _stop(self) -> None:
        if self._service is not None:
            service, self._service = self._service, None
            self._wait(service.close())
            self._wait(service.store.close())
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None

    def _now_ms(self) -> int:
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


def _text(policy: str | Path) -> tuple[str, str]:
    """(text, name): text of several lines is the policy itself."""
    if isinstance(policy, str) and "\n" in policy:
        return policy, "<policy>"
    return Path(policy).read_text(encoding="utf-8"), str(policy)


def _records(graph: Sequence[Mapping[str, Any]] | Path | None) -> list[Any]:
    if isinstance(graph, Path):
        return [orjson.loads(line) for line in graph.read_bytes().splitlines() if line.strip()]
    return list(graph or ())
