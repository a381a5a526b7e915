"""Questions about earlier states: rights and evaluations as of a revision, and what a completed path hung on."""

from __future__ import annotations

from graphsvc.core.estate import Estate
from graphsvc.core.near import nearest
from graphsvc.core.record import Decided
from graphsvc.core.request import AccessRequest
from graphsvc.core.rights import Rights
from graphsvc.core.world import World
from graphsvc.decide.command import Caller, Judged
from graphsvc.decide.overview import Overview, RightsView
from graphsvc.decide.past import Past, Read
from graphsvc.errors import BadInput, NotAllowed
from graphsvc.explore.counterfactual import Counterfactual, counterfactual

__all__ = ["Hindsight"]


class Hindsight:
    """Asked by the adapters; changes nothing. Cost and errors: see `Past`."""

    def __init__(self, now: World, past: Past, read: Read) -> None:
        self._now = now
        self._past = past
        self._read = read

    async def counterfactuals(self, decision: str) -> list[Counterfactual]:
        """For each completion of a decision what its path hung on, by the graph of each of its steps.

        BadInput when there is no such decision.
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
        return [counterfactual(each, decided, last, graphs.__getitem__, grants) for each in last.completions]

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
        evaluation = world.evaluate(request, events[0].record.at_ms if events else 0)
        return Judged(
            verdict=evaluation.enforced,
            reasons=evaluation.reasons,
            completions=evaluation.completions,
            risk=evaluation.risk,
            nearest=nearest(evaluation.scopes, world.facts(), evaluation.at_ms),
            revision=revision,
            stale=False,
        )
