"""The permission graph as sources assert it, merged into one view.

Facts are kept per source. A node exists while a source asserts it; labels are united, the highest
tier wins, any other field is the later import's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from graphsvc.core.adjacency import Adjacency
from graphsvc.core.graph import TIERS, Edge, Node
from graphsvc.core.sharing import Sharing
from graphsvc.core.value import Json

__all__ = ["Changes", "EdgeKey", "Sources"]

EdgeKey = tuple[str, str, str]
# Beyond this many changed facts it is cheaper to work everything out again.
_MANY = 1_000
_JOURNAL = 256


@dataclass(frozen=True, slots=True)
class Changes:
    """Keys of nodes and edges that appeared, vanished or became something else."""

    nodes: frozenset[str]
    edges: frozenset[EdgeKey]


class Sources:
    """All facts; changed only by `load`, `remove` and `relabel`. version grows with every change."""

    def __init__(self) -> None:
        self.version = 0
        self._sources: dict[str, tuple[dict[str, Node], dict[EdgeKey, Edge]]] = {}
        self._nodes: dict[str, Node] = {}
        self._out = Adjacency(lambda edge: edge.end)
        self._in = Adjacency(lambda edge: edge.start)
        self._sharing = Sharing()
        self._relabelled: dict[str, tuple[str, ...]] = {}
        # The changes that led to each of the newest versions; None: too many to tell.
        self._journal: deque[Changes | None] = deque(maxlen=_JOURNAL)

    # -- changes ---------------------------------------------------------------------------------

    def load(
        self, source: str, nodes: Iterable[Node], edges: Iterable[Edge], *, replace: bool
    ) -> tuple[set[str], set[EdgeKey]]:
        """Make facts of a source visible; with `replace` its other facts go. Returns what was touched."""
        was_last = next(reversed(self._sources), source) == source
        # Inserted last: the order of sources is the order of their latest import.
        held_nodes, held_edges = self._sources.pop(source, ({}, {}))
        new_nodes: dict[str, Node] = {}
        for node in nodes:
            node = self._sharing.node(node, self._nodes)
            new_nodes[node.key] = node
        new_edges: dict[EdgeKey, Edge] = {}
        for edge in edges:
            edge = self._sharing.edge(edge, self._nodes, new_nodes)
            new_edges[edge.type, edge.start, edge.end] = edge
        touched_nodes = {key for key, node in new_nodes.items() if held_nodes.get(key) != node}
        touched_edges = {key for key, edge in new_edges.items() if held_edges.get(key) != edge}
        if replace:
            touched_nodes |= held_nodes.keys() - new_nodes.keys()
            touched_edges |= held_edges.keys() - new_edges.keys()
            held_nodes, held_edges = new_nodes, new_edges
        else:
            held_nodes.update(new_nodes)
            held_edges.update(new_edges)
        if not was_last:
            # The last word on what others assert too is this source's now.
            for other_nodes, other_edges in self._sources.values():
                touched_nodes |= held_nodes.keys() & other_nodes.keys()
                touched_edges |= held_edges.keys() & other_edges.keys()
        self._sources[source] = (held_nodes, held_edges)
        self._refresh(touched_nodes, touched_edges)
        return touched_nodes, touched_edges

    def amend(self, source: str, *, add: Iterable[Edge] = (), remove: Iterable[EdgeKey] = ()) -> None:
        """Some edges of a source more and some fewer; KeyError when it does not assert one that is to go."""
        _, held = self._sources[source]
        touched = set(remove)
        for key in touched:
            del held[key]
        for edge in add:
            edge = self._sharing.edge(edge, self._nodes)
            key = (edge.type, edge.start, edge.end)
            held[key] = edge
            touched.add(key)
        self._refresh(set(), touched)

    def remove(self, source: str) -> tuple[set[str], set[EdgeKey]]:
        """Forget a source; unknown sources are no error. Returns what was touched."""
        nodes, edges = self._sources.pop(source, ({}, {}))
        touched_nodes, touched_edges = set(nodes), set(edges)
        self._refresh(touched_nodes, touched_edges)
        return touched_nodes, touched_edges

    def relabel(self, key: str, labels: tuple[str, ...]) -> None:
        """The resource carries exactly these labels from now on, whatever sources say."""
        self._relabelled[key] = labels
        self._changed(Changes(frozenset((key,)), frozenset()))

    def changed_since(self, version: int) -> Changes | None:
        """What changed after a version; None when that was too much, or too long ago, to be told."""
        behind = self.version - version
        if behind > len(self._journal):
            return None
        steps = list(self._journal)[len(self._journal) - behind :]
        told = [step for step in steps if step is not None]
        if len(told) < behind:
            return None
        if behind == 1:
            return told[0]
        return Changes(
            frozenset().union(*(step.nodes for step in told)),
            frozenset().union(*(step.edges for step in told)),
        )

    def _refresh(self, nodes: set[str], edges: set[EdgeKey]) -> None:
        for key in nodes:
            merged = _merge([held[key] for held, _ in self._sources.values() if key in held])
            if merged is None:
                self._nodes.pop(key, None)
            else:
                self._nodes[key] = merged
        for edge_type, start, end in edges:
            asserted = [
                held[edge_type, start, end]
                for _, held in self._sources.values()
                if (edge_type, start, end) in held
            ]
            if asserted:
                self._out.put(asserted[-1].start, asserted[-1])
                self._in.put(asserted[-1].end, asserted[-1])
            else:
                self._out.drop(edge_type, start, end)
                self._in.drop(edge_type, end, start)
        few = len(nodes) + len(edges) <= _MANY
        self._changed(Changes(frozenset(nodes), frozenset(edges)) if few else None)

    def _changed(self, changes: Changes | None) -> None:
        self._journal.append(changes)
        self.version += 1

    # -- reading ---------------------------------------------------------------------------------

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of sources, the latest import last."""
        return tuple(self._sources)

    def facts(self) -> Mapping[str, tuple[Mapping[str, Node], Mapping[EdgeKey, Edge]]]:
        """What each source asserts, the latest import last."""
        return self._sources

    def relabelled(self) -> dict[str, tuple[str, ...]]:
        """Labels of resources that were set, whatever sources say."""
        return self._relabelled

    def node(self, key: str) -> Node | None:
        """The merged node, None when no source asserts it."""
        return self._nodes.get(key)

    def nodes(self) -> Iterator[Node]:
        """All merged nodes, sorted by key."""
        return (self._nodes[key] for key in sorted(self._nodes))

    def edges(self) -> Iterator[Edge]:
        """All merged edges, sorted by type and ends."""
        return iter(sorted(self._out, key=lambda edge: (edge.type, edge.start, edge.end)))

    def loose(self) -> tuple[list[Node], list[Edge | dict[str, Edge]]]:
        """All merged nodes, and the edges alone or in groups, in no order; groups change with the graph."""
        return list(self._nodes.values()), self._out.groups()

    def out(self, edge_type: str, start: str) -> Mapping[str, Edge]:
        """Edges of a type that leave a node, by their end."""
        return self._out.of(edge_type, start)

    def into(self, edge_type: str, end: str) -> Mapping[str, Edge]:
        """Edges of a type that reach a node, by their start."""
        return self._in.of(edge_type, end)

    def starts(self, edge_type: str) -> list[str]:
        """Nodes that edges of a type leave."""
        return self._out.nodes(edge_type)

    def ends(self, edge_type: str) -> list[str]:
        """Nodes that edges of a type reach."""
        return self._in.nodes(edge_type)

    def labels(self, key: str) -> tuple[str, ...]:
        """Labels of a resource now."""
        relabelled = self._relabelled.get(key)
        if relabelled is not None:
            return relabelled
        node = self._nodes.get(key)
        return node.labels if node is not None else ()


def _tier_rank(tier: str) -> float:
    return TIERS.index(tier) if tier in TIERS else 2.5


def _merge(asserted: list[Node]) -> Node | None:
    if len(asserted) < 2:
        return asserted[0] if asserted else None
    labels: dict[str, None] = {}
    fields: dict[str, Json] = {}
    properties: dict[str, Json] = {}
    for node in asserted:
        labels |= dict.fromkeys(node.labels)
        fields |= node.fields
        properties |= node.properties
    tiers = sorted(
        (node.tier for node in asserted if node.tier is not None), key=lambda tier: (_tier_rank(tier), tier)
    )
    tier = tiers[-1] if tiers else None
    return Node(
        key=asserted[-1].key, labels=tuple(sorted(labels)), tier=tier, fields=fields, properties=properties
    )
