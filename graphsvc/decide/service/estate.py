"""The permission graph: loaded by source, and read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from graphsvc.core.graph import Edge, Node
from graphsvc.core.record import GraphStaged
from graphsvc.decide import pap, reading
from graphsvc.decide.command import (
    Ack,
    Caller,
    IdentityView,
)
from graphsvc.decide.request_check import check_graph
from graphsvc.decide.service.base import UseCases

__all__ = ["Facts"]


class Facts(UseCases):
    """Loads facts of one source at once, and tells what is known of identities."""

    async def load_graph(
        self,
        caller: Caller,
        source: str,
        nodes: Sequence[Node],
        edges: Sequence[Edge],
        *,
        replace: bool,
        staged: Callable[[int], None] = lambda _count: None,
    ) -> Ack:
        """Facts of one source become visible at once, however many entries they take.

        staged: told how many facts each entry took. BadInput for a key that is too long.
        """
        check_graph(nodes, edges)
        load = self._ids()
        for stage in pap.stage_graph(load, nodes, edges):
            outcome = await self._run(stage)
            staged(
                sum(
                    len(part.nodes) + len(part.edges)
                    for part in outcome.records
                    if isinstance(part, GraphStaged)
                )
            )
        return self._ack(await self._run(pap.commit_graph(caller, load, source, replace=replace)))

    async def remove_source(self, caller: Caller, source: str) -> Ack:
        """All facts of a source are gone."""
        return self._ack(await self._run(pap.remove_source(caller, source)))

    def identity(self, identity: str) -> IdentityView | None:
        """One identity, None when the graph holds none of that id or alias."""
        return reading.identity(self.world, identity, self.sequencer.now_ms())

    def identities(
        self,
        *,
        after: str | None,
        limit: int,
        kind: str | None = None,
        status: str | None = None,
        text: str | None = None,
    ) -> list[str]:
        """Ids of known identities in order, after `after`; every condition given must hold.

        text: stands in id or name, whatever its case.
        """
        now_ms = self.sequencer.now_ms()
        return reading.identities(
            self.world, now_ms, after=after, limit=limit, kind=kind, status=status, text=text
        )

    def facts(self) -> tuple[list[Node], list[Edge]]:
        """The whole permission graph as merged facts, sorted by key."""
        return list(self.world.estate.nodes()), list(self.world.estate.edges())

    def source_facts(self, source: str) -> tuple[list[Node], list[Edge]]:
        """What one source asserts; nothing when there is none of that name."""
        nodes, edges = self.world.estate.facts().get(source, ({}, {}))
        return list(nodes.values()), list(edges.values())
