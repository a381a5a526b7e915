"""Who can become whom and touch what: shortest ways over assumed roles, credentials and combinations of rights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from graphsvc.core.gain.closure import Firing
from graphsvc.explore.combination import given_identity
from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.support import supports
from graphsvc.explore.trust import ANYBODY, trusted
from graphsvc.explore.worth import PASSES

__all__ = ["ADMIN", "Hop", "Path", "Reached", "blast_radius", "end_of", "hops_of", "paths"]

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Hop:
    """start, end: node keys, or `admin`. how: `assume`, `combination`, `right`, `credential`, `runs as`, `holds all`.

    by: what a hop of one edge or one permission stands on: the holder that may assume, the permission. Of a combination see `witness`.
    """

    start: str
    end: str
    how: str
    pattern: str | None = None
    rights: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    by: str | None = None

    @property
    def certainty(self) -> str:
        """`unknown` where a condition that nobody can decide stands between."""
        return "unknown" if self.conditions else "yes"


@dataclass(frozen=True, slots=True)
class Path:
    """Hops from one node to another, each beginning where the one before ends."""

    hops: tuple[Hop, ...]

    @property
    def start(self) -> str:
        """Where it begins."""
        return self.hops[0].start

    @property
    def end(self) -> str:
        """Where it leads."""
        return self.hops[-1].end


@dataclass(frozen=True, slots=True)
class Reached:
    """came: by node the hop that led there first, None for the start. truncated: a limit ended the search."""

    came: dict[str, Hop | None]
    truncated: bool

    def path_to(self, end: str) -> Path:
        """The shortest path to a node that was reached."""
        hops: list[Hop] = []
        hop = self.came[end]
        while hop is not None:
            hops.append(hop)
            hop = self.came[hop.start]
        return Path(tuple(reversed(hops)))


def blast_radius(view: EstateView, start: str, *, max_hops: int = 16, max_nodes: int = 100_000) -> Reached:
    """Everything an identity can become or touch. Certain hops are tried before those that may be."""
    came: dict[str, Hop | None] = {start: None}
    edge = [start]
    for _ in range(max_hops):
        following: list[str] = []
        for node in edge:
            for hop in sorted(hops_of(view, node), key=lambda each: each.certainty != "yes"):
                if hop.end not in came:
                    came[hop.end] = hop
                    following.append(hop.end)
        if len(came) > max_nodes:
            return Reached(came, truncated=True)
        if not following:
            return Reached(came, truncated=False)
        edge = following
    return Reached(came, truncated=any(_grows(view, node, came) for node in edge))


def paths(
    view: EstateView, start: str, wanted: Callable[[str], bool], *, max_hops: int = 16, limit: int = 100
) -> tuple[list[Path], bool]:
    """The shortest path to each wanted node, nearest first; and whether a limit was reached."""
    reached = blast_radius(view, start, max_hops=max_hops)
    ends = [node for node in reached.came if node != start and wanted(node)]
    found = sorted((reached.path_to(end) for end in ends), key=lambda path: (len(path.hops), path.end))
    return found[:limit], reached.truncated or len(found) > limit


def _grows(view: EstateView, node: str, came: dict[str, Hop | None]) -> bool:
    return any(hop.end not in came for hop in hops_of(view, node))


def hops_of(view: EstateView, node: str) -> Iterator[Hop]:
    """Where one step leads from a node: to identities, to every right, to resources that count (see `Worth`)."""
    if node == ADMIN:
        return
    if node.startswith("resource:"):
        for kind, how in PASSES.items():
            for end in view.estate.out(kind, node):
                yield Hop(node, end, how)
        return
    everything = view.everything(node)
    if everything is not None:
        yield Hop(node, ADMIN, "holds all", by=everything)
    yield from _assumed(view, node)
    yield from _combined(view, node)
    yield from _touched(view, node)


def _touched(view: EstateView, node: str) -> Iterator[Hop]:
    """Resources by a right on them, each by the first permission that gives one; by key."""
    held = view.rights.held(node)
    found: dict[str, Hop] = {}
    for permission in held.permissions:
        if permission.deny:
            continue
        for key in view.worth.about(permission):
            if key in found:
                continue
            if held.plain:
                if not permission.is_idle:
                    found[key] = Hop(node, key, "right", rights=permission.actions, by=permission.key)
                continue
            right = next((view.rights.check(node, name, key) for name in permission.actions), None)
            if right is not None and (right.allowed or right.code == "condition_unknown"):
                conditions = tuple(f"needs `{name}`" for name in right.missing) or (
                    () if right.allowed else ("needs its condition",)
                )
                found[key] = Hop(
                    node, key, "right", rights=permission.actions, conditions=conditions, by=right.rule
                )
    yield from (found[key] for key in sorted(found))


def _assumed(view: EstateView, node: str) -> Iterator[Hop]:
    for holder in (*view.estate.holders(node), ANYBODY):
        for end, edge in view.estate.out("CAN_ASSUME", holder).items():
            answer, missing = trusted(view, node, edge)
            if answer is False:
                continue
            conditions = tuple(f"needs `{name}`" for name in missing) if answer is None else ()
            yield Hop(node, end, "assume", conditions=conditions, by=holder)


def _combined(view: EstateView, node: str) -> Iterator[Hop]:
    sure, maybe = view.firings(node)
    for key, firing in sorted(maybe.items()):
        end = end_of(firing)
        if end is None or end == node:
            continue
        held = list(supports(view, node, firing))
        rights = [
            each.right if each.on is None else f"{each.right} on {each.on.partition(':')[2]}" for each in held
        ]
        conditions = [condition for each in held for condition in each.conditions]
        if key not in sure or sure[key].unknown:
            conditions = conditions or ["needs a fact that the graph does not hold"]
        else:
            conditions = []
        pattern = firing.rule.pattern.id
        yield Hop(node, end, "combination", pattern, tuple(rights), tuple(dict.fromkeys(conditions)))


def end_of(firing: Firing) -> str | None:
    """The node that a combination of rights leads to: an identity, or every right."""
    if firing.rule.gives is not None and firing.rule.gives.admin:
        return ADMIN
    return given_identity(firing)
