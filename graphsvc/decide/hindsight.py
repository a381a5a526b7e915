"""Questions about earlier states: rights and evaluations as of a revision, and what a completed path hung on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from graphsvc.core.estate import Estate
from graphsvc.core.near import nearest
from graphsvc.core.record import Decided
from graphsvc.core.request import AccessRequest
from graphsvc.core.rights import Rights
from graphsvc.core.state import Scope
from graphsvc.core.verdict import Completion
from graphsvc.core.world import World
from graphsvc.decide.command import Caller, Judged
from graphsvc.decide.overview import Overview, RightsView
from graphsvc.decide.past import Past, Read
from graphsvc.decide.values import Values
from graphsvc.errors import BadInput, NotAllowed
from graphsvc.explore.combined import of_combination
from graphsvc.explore.counterfactual import Counterfactual, counterfactual
from graphsvc.explore.neared import of_reach
from graphsvc.explore.removal import SessionHeld

__all__ = ["Hindsight"]

_BUDGET_S = 30.0


class Hindsight:
    """Asked by the adapters; changes nothing. Cost and errors: see `Past`."""

    def __init__(self, now: World, past: Past, read: Read, values: Callable[[], Values]) -> None:
        self._now = now
        self._past = past
        self._read = read
        self._values = values

    async def counterfactuals(self, decision: str) -> list[Counterfactual]:
        """For each completion of a decision what its path hung on, by the graph of each of its steps.

        What a session came to hold is told by the graph and the rules of the decision itself. BadInput when there is no such decision.
        """
        name = decision.removeprefix("decision:")
        last = await self._decided(name)
        if last is None:
            raise BadInput(f"id: no decision `{name}`", field="id")
        graphs: dict[str, tuple[Estate, Rights]] = {}
        decided: dict[str, Decided] = {}
        for step in {step.action for each in last.completions for step in each.path}:
            record = await self._decided(step)
            if record is not None:
                decided[step] = record
            world = await self._past.graph_at(self._now.seq_of(step))
            graphs[step] = world.estate, world.rights
        grants = self._now.grants
        found: list[Counterfactual] = []
        session: SessionHeld | None = None
        for each in last.completions:
            # No step that a rule file names has a blank in its name: this is what a session came to hold.
            if each.path and each.path[-1].step.startswith("holds "):
                session = session or await self._session_held(last)
                told = await asyncio.to_thread(_of_held, each, session, time.monotonic() + _BUDGET_S)
                if told is not None:
                    found.append(told)
                    continue
            found.append(counterfactual(each, decided, last, graphs.__getitem__, grants))
        return found

    async def _session_held(self, last: Decided) -> SessionHeld:
        """What the session of a decision held with it, by the world right before it."""
        seq = self._now.seq_of(last.request.id)
        world = await self._past.world_at(seq - 1)
        evaluation = world.evaluate(last.request, last.at_ms, seq=seq, exact=True)
        scope = world.facts().view.get(evaluation.scopes[0])
        before = scope.held if isinstance(scope, Scope) else ()
        known = {identity for identity, _ in before}
        after = [f"identity:{name}" for name in evaluation.held]
        brought = [(identity, last.request.id) for identity in after if identity not in known]
        acting = {identity.partition(":")[2] for identity in known} | {evaluation.event.who.ids[0]}
        granted = (each for name in sorted(acting) for each in world.grants.running(name, last.at_ms))
        return SessionHeld((*before, *brought), tuple(granted), world.ruleset, world.estate)

    async def _decided(self, name: str) -> Decided | None:
        """A decision, however old: what is not in memory any more is read from the log."""
        found = self._now.decided.get(name)
        seq = self._now.seq_of(name) if found is None else 0
        for event in await self._read(after=seq - 1, limit=1) if seq else ():
            if event.seq == seq and isinstance(event.record, Decided):
                found = event.record
        return found

    async def rights(
        self,
        identity: str,
        seq: int,
        *,
        action: str | None,
        resource: str | None,
        after: str | None,
        limit: int,
    ) -> RightsView | None:
        """What an identity could do by the graph of a number."""
        world = await self._past.graph_at(seq)
        overview = Overview(world, lambda: 0)
        return overview.rights(identity, action=action, resource=resource, after=after, limit=limit)

    async def evaluate(self, caller: Caller, request: AccessRequest, seq: int, revision: str) -> Judged:
        """What decide would have answered right after a number, at the time of its record."""
        if caller.roles == {"pep"}:
            raise NotAllowed("asOf: an enforcement point asks of now only; an analyst may ask of earlier")
        world = await self._past.world_at(seq)
        events = await self._read(after=seq - 1, limit=1) if seq else []
        request = self._values().kept(world, request)
        evaluation = world.evaluate(request, events[0].record.at_ms if events else 0)
        return Judged(
            verdict=evaluation.enforced,
            reasons=evaluation.reasons,
            completions=evaluation.completions,
            risk=evaluation.risk,
            near=partial(nearest, evaluation.scopes, world.facts(), evaluation.at_ms),
            revision=revision,
            stale=False,
        )


def _of_held(completion: Completion, session: SessionHeld, ends_s: float) -> Counterfactual | None:
    """What a completed combination, or coming near a tier, hung on; None when the rules have no such pattern."""
    name, is_over = completion.pattern, partial(_is_past, ends_s)
    if any(pattern.id == name for pattern, _ in session.ruleset.rights_patterns):
        return of_combination(completion, session, is_over=is_over)
    reach = (written for pattern, written in session.ruleset.reach_patterns if pattern.id == name)
    written = next(reach, None)
    return of_reach(completion, written, session, is_over=is_over) if written is not None else None


def _is_past(ends_s: float) -> bool:
    return time.monotonic() > ends_s
