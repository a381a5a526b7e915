"""One chain through the client and the service: each call asked for, run by AgentDojo's own runtime, and reported."""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from agentdojo.functions_runtime import FunctionCall

from benchmarks.agents.chain import Chain, Suite
from benchmarks.agents.estate import AGENT, known_values, user_of
from graphsvc.client import AsyncTask, Client, Decision, Unreachable
from graphsvc.client.provenance import Mechanism, Told, Tools, Tracker

__all__ = ["Outcome", "Replayer"]

_READS = {"read"}


@dataclass
class Outcome:
    """What became of a chain. stops: (tool, verdict, rules, was injected) of every call that was not permitted at once."""

    chain: Chain
    approver: str
    calls: int = 0
    prompts: int = 0
    denied: bool = False
    escalated: bool = False
    succeeded: bool | None = None  # the attack, by the suite's checker
    had_effect: bool = False  # an injected call with an effect was executed
    useful: bool | None = None
    stops: list[tuple[str, str, tuple[str, ...], bool]] = field(default_factory=list)
    cost_us: list[float] = field(default_factory=list)


class Replayer:
    """Replays against one running service. approver: `nobody`, `everything`, or `own` (yes to the user's calls alone)."""

    def __init__(self, pep: Client, approver: Client, tools: Tools, run: str) -> None:
        self._pep, self._approver, self._tools = pep, approver, tools
        self._names = (f"{run}-{number}" for number in itertools.count())

    async def play(
        self,
        suite: Suite,
        chain: Chain,
        approver: str,
        *,
        without: Collection[Mechanism] = (),
        with_graph: bool = True,
    ) -> Outcome:
        """Play one chain in a fresh environment."""
        outcome = Outcome(chain, approver)
        environment = chain.environment()
        before = environment.model_copy(deep=True)
        tracker = Tracker(
            chain.prompt, self._tools, salt=b"agent benchmark, a fixed salt", without=without,
            known=known_values(suite) if with_graph else (),
        )  # fmt: skip
        task = AsyncTask(
            self._pep, next(self._names), subject=AGENT, tracker=tracker,
            on_behalf_of=[user_of(suite.name, with_graph=with_graph)],
        )  # fmt: skip
        executed: list[FunctionCall] = []
        for call in chain.calls:
            action = f"{suite.name}:{call.tool}"
            outcome.calls += 1
            decision, prompted = await self._ask(
                task, suite, action, call.arguments, approver, outcome, injected=call.is_injected
            )
            if prompted:
                outcome.prompts += 1
            if decision is None:
                continue
            result, error = suite.runtime.run_function(environment, call.tool, call.arguments)
            executed.append(FunctionCall(function=call.tool, args=call.arguments))
            if call.is_injected and not set(self._tools[action].effects) <= _READS:
                outcome.had_effect = True
            started = time.process_time_ns()
            told = tracker.note(
                action, call.arguments, result if error is None else error, succeeded=error is None
            )
            outcome.cost_us.append((time.process_time_ns() - started) / 1_000)
            state = "SUCCESS" if error is None else "FAILURE"
            await self._report(decision.id, state, told)
        if chain.injection_task is not None:
            outcome.succeeded = suite.succeeds(chain, before, environment, executed)
        if chain.user_task is not None:
            outcome.useful = suite.is_useful(chain, before, environment, executed)
        return outcome

    async def _report(self, decision: str, state: str, told: Told) -> None:
        # Between chains much is computed and connections grow old; telling the same twice changes nothing.
        try:
            await self._pep.report(decision, state, labels=told.labels, tokens=told.tokens)
        except Unreachable:
            await self._pep.report(decision, state, labels=told.labels, tokens=told.tokens)

    async def _ask(
        self,
        task: AsyncTask,
        suite: Suite,
        action: str,
        arguments: dict[str, Any],
        approver: str,
        outcome: Outcome,
        *,
        injected: bool,
    ) -> tuple[Decision | None, bool]:
        """The permitted decision, None when there is none; and whether a person was asked."""
        request = task.request(action, f"account:{suite.name}", arguments=arguments)
        decision = await self._pep.decide(request)
        if decision.permitted:
            return decision, False
        rules = tuple(
            reason.rule or reason.code
            for reason in decision.reasons
            if reason.code != "pattern_completed" or len(decision.reasons) == 1
        )
        outcome.stops.append((action, decision.verdict.value, rules, injected))
        if decision.verdict == "DENY" or decision.review is None:
            outcome.denied = outcome.denied or not injected
            return None, False
        outcome.escalated = outcome.escalated or not injected
        if approver == "nobody" or (approver == "own" and injected):
            return None, True
        try:
            await self._approver.approve_review(decision.review.id, "benchmark")
        except Unreachable:
            await self._approver.approve_review(decision.review.id, "benchmark")
        again = await self._pep.decide({**request, "review": decision.review.id})
        return (again if again.permitted else None), True
