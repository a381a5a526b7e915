"""Static questions of the graph as it is now, answered beside the decisions.

The graph is copied in slices between decisions, indexed in a thread, and kept until it or the packs change. One
question is worked on at a time; each has a time budget and says when it ran out.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from graphsvc.core.graph import Edge, Node
from graphsvc.core.packs import load_packs
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policy
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.sources import Sources
from graphsvc.core.world import World
from graphsvc.errors import Overloaded
from graphsvc.explore.choke import ChokePoints, choke_points
from graphsvc.explore.combination import Combination, combinations, gravest_first
from graphsvc.explore.cut import Cut, cut
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.finding import Finding, findings
from graphsvc.explore.naming import identity_named, wanted
from graphsvc.explore.path import Path, Reached, blast_radius, paths
from graphsvc.explore.register import Entry, stored_entries
from graphsvc.explore.way_graph import way_graph
from graphsvc.explore.what_if import Difference, asked_of
from graphsvc.packs import RIGHTS_PACKS, pack_file, pack_text

__all__ = ["Explored", "Explorer", "Picture"]

T = TypeVar("T")
_SLICE = 5_000
_BUDGET_S = 30.0
_MOST_WAITING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """The merged facts at one revision, sorted, and the packs in force. version: grows with every change of the graph."""

    version: int
    ruleset: Ruleset
    nodes: list[Node]
    edges: list[Edge]
    policies: tuple[Policy, ...]
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explored(Generic[T]):
    """An answer. truncated: a limit or the time ended it. packs: versions it was computed with."""

    found: T
    truncated: bool
    revision: str
    packs: dict[str, str]


class Explorer:
    """Asked by the adapters; changes nothing. revision: tells that of the world now."""

    def __init__(self, world: World, revision: Callable[[], str], *, budget_s: float = _BUDGET_S) -> None:
        self._world = world
        self._revision = revision
        self._budget_s = budget_s
        self._lock = asyncio.Lock()
        self._waiting = 0
        self._picture: Picture | None = None
        self._view: EstateView | None = None
        # All combinations of a view: pages of findings are asked for one after another.
        self._combined: tuple[EstateView, list[Combination]] | None = None

    async def picture(self) -> Picture:
        """The facts as they are now."""
        async with self._turn():
            return await self._taken()

    async def combinations(
        self, *, identity: str | None, pattern: str | None, min_severity: str, limit: int
    ) -> Explored[list[Combination]]:
        """Rights that identities hold and that together give more; with the shipped packs about rights."""

        def ask(view: EstateView, is_over: Callable[[], bool]) -> tuple[list[Combination], bool]:
            asked = [identity_named(view, identity)] if identity is not None else view.identities()
            found: list[Combination] = []
            for each in _each(view, asked, pattern, min_severity):
                if is_over() or (each is not None and len(found) >= limit):
                    return gravest_first(found), True
                if each is not None:
                    found.append(each)
            return gravest_first(found), False

        return await self._asked(ask)

    async def findings(self, register: Sequence[Entry], today: date) -> Explored[list[Finding]]:
        """The same, grouped and ranked, with who answers for each, as the service's register and the asker's own say."""
        stored = stored_entries(reversed(self._world.governance.registered.values()))

        def ask(view: EstateView, is_over: Callable[[], bool]) -> tuple[list[Finding], bool]:
            found, truncated = self._all(view, is_over)
            return findings(found, view.ruleset, register=register, stored=stored, today=today), truncated

        return await self._asked(ask)

    def _all(self, view: EstateView, is_over: Callable[[], bool]) -> tuple[list[Combination], bool]:
        if self._combined is not None and self._combined[0] is view:
            return self._combined[1], False
        found: list[Combination] = []
        for each in _each(view, view.identities(), None, "low"):
            if is_over():
                return found, True
            if each is not None:
                found.append(each)
        self._combined = view, found
        return found, False

    async def paths(self, start: str, to: str | None, *, max_hops: int, limit: int) -> Explored[list[Path]]:
        """The shortest way to each wanted node. to: an identity, a resource, `tier:NAME` or `admin`."""

        def ask(view: EstateView, _: Callable[[], bool]) -> tuple[list[Path], bool]:
            begin = identity_named(view, start, "from")
            return paths(view, begin, wanted(view, to), max_hops=max_hops, limit=limit)

        return await self._asked(ask)

    async def blast_radius(self, start: str, *, max_hops: int) -> Explored[tuple[str, Reached, EstateView]]:
        """Everything an identity can become or touch: its key, what was reached, and the view to name it by."""

        def ask(view: EstateView, _: Callable[[], bool]) -> tuple[tuple[str, Reached, EstateView], bool]:
            begin = identity_named(view, start, "from")
            reached = blast_radius(view, begin, max_hops=max_hops)
            return (begin, reached, view), reached.truncated

        return await self._asked(ask)

    async def what_if(self, add: list[Edge], remove: list[Edge]) -> Explored[Difference]:
        """Combinations that would appear and vanish with some edges more and some fewer."""
        async with self._turn():
            picture = await self._taken()
            view = await self._indexed(picture)
            # It is changed meanwhile and changed back: a question that is given up leaves none behind.
            self._view = None
            found = await asyncio.to_thread(asked_of, view, add=add, remove=remove)
            self._view = view
        return Explored(found=found, truncated=False, revision=picture.revision, packs=view.stamp())

    async def choke_points(self, to: str, *, start: str | None, limit: int) -> Explored[ChokePoints]:
        """What every way of many identities to something goes through. to: as of `paths`; start: only its ways."""

        def ask(view: EstateView, is_over: Callable[[], bool]) -> tuple[ChokePoints, bool]:
            starts = [identity_named(view, start, "from")] if start is not None else view.identities()
            found = choke_points(
                way_graph(view, starts, is_over=is_over), starts, wanted(view, to), limit=limit
            )
            return found, found.truncated

        return await self._asked(ask)

    async def cut(self, to: str, *, start: str | None, pinned: list[Edge]) -> Explored[Cut]:
        """The smallest set of grants whose removal leaves no way to something."""
        async with self._turn():
            picture = await self._taken()
            view, policies = await self._indexed(picture), _with_shipped(picture.policies)
            ends_s = time.monotonic() + self._budget_s
            found = await asyncio.to_thread(
                cut,
                picture.nodes,
                picture.edges,
                policies,
                lambda view: (
                    [identity_named(view, start, "from")] if start is not None else view.identities()
                ),
                lambda view: wanted(view, to),
                pinned=[(edge.type, edge.start, edge.end) for edge in pinned],
                is_over=lambda: time.monotonic() > ends_s,
                view=view,
            )
        packs = {each.pack.id: each.pack.version for each in policies}
        return Explored(found=found, truncated=found.truncated, revision=picture.revision, packs=packs)

    async def _asked(self, ask: Callable[[EstateView, Callable[[], bool]], tuple[T, bool]]) -> Explored[T]:
        async with self._turn():
            picture = await self._taken()
            view, ends_s = await self._indexed(picture), time.monotonic() + self._budget_s
            found, truncated = await asyncio.to_thread(ask, view, lambda: time.monotonic() > ends_s)
            return Explored(found=found, truncated=truncated, revision=picture.revision, packs=view.stamp())

    async def _indexed(self, picture: Picture) -> EstateView:
        if self._view is None:
            self._view = await asyncio.to_thread(
                view_of, picture.nodes, picture.edges, _with_shipped(picture.policies)
            )
        return self._view

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= _MOST_WAITING:
            raise Overloaded(f"{_MOST_WAITING} questions are waiting already; ask again later")
        self._waiting += 1
        try:
            async with self._lock:
                yield
        finally:
            self._waiting -= 1

    async def _taken(self) -> Picture:
        world, held = self._world, self._picture
        if held is not None and (held.version, held.ruleset) == (world.estate.version, world.ruleset):
            return held
        self._view = self._combined = None
        copied: tuple[list[Node], list[Edge]] | None = None
        while copied is None:
            version, ruleset, revision = world.estate.version, world.ruleset, self._revision()
            policies = load_packs(world.packs)
            copied = await _copied(world.estate)
        nodes, edges = await asyncio.to_thread(_sorted, *copied)
        self._picture = Picture(
            version=version, ruleset=ruleset, nodes=nodes, edges=edges, policies=policies, revision=revision
        )
        return self._picture


async def _copied(estate: Sources) -> tuple[list[Node], list[Edge]] | None:
    """All facts, unsorted, in slices that let decisions through; None when the graph changed meanwhile."""
    version = estate.version
    nodes, groups = estate.loose()
    edges: list[Edge] = []
    for begin in range(0, len(groups), _SLICE):
        if estate.version != version:
            return None
        for group in groups[begin : begin + _SLICE]:
            edges += group.values() if isinstance(group, dict) else (group,)
        await asyncio.sleep(0)
    return nodes, edges


def _sorted(nodes: list[Node], edges: list[Edge]) -> tuple[list[Node], list[Edge]]:
    nodes.sort(key=lambda node: node.key)
    edges.sort(key=lambda edge: (edge.type, edge.start, edge.end))
    return nodes, edges


def _with_shipped(policies: tuple[Policy, ...]) -> list[Policy]:
    known = {policy.pack.id for policy in policies}
    shipped = [load_policy(pack_text(name), pack_file(name)) for name in RIGHTS_PACKS]
    return [*policies, *(policy for policy in shipped if policy.pack.id not in known)]


def _each(
    view: EstateView, asked: list[str], pattern: str | None, min_severity: str
) -> Iterator[Combination | None]:
    """Combinations of one identity after the other; None between two, so that the time can be looked at."""
    for identity in asked:
        yield None
        yield from combinations(view, [identity], pattern=pattern, min_severity=min_severity)
