"""What every importer returns: facts of the graph, and a report that accounts for everything it read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from graphsvc.core.graph import Edge, Node
from graphsvc.core.sharing import Sharing
from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["Collector", "Imported", "Report", "Skip"]


class Skip(msgspec.Struct, frozen=True):
    """A part of the input that gave no fact. place: file and path, or file and line."""

    place: str
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What an import read and what became of it.

    counts: things counted, by name. skipped: malformed parts that were left out. notes: what was
    taken, but needs a reader's attention. incomplete: what the input refers to and does not hold;
    rights that depend on it are never taken as given.
    """

    counts: dict[str, int] = {}
    skipped: tuple[Skip, ...] = ()
    notes: tuple[str, ...] = ()
    incomplete: tuple[str, ...] = ()


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one source, sorted, without duplicates, and the report about them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    report: Report


class Collector:
    """Gathers facts and remarks while one input is read.

    strict: the first malformed part refuses the whole input; else it is skipped and reported.
    """

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.counts: Counter[str] = Counter()
        # Equal parts are kept once, here already: what is read of a large graph must fit beside what is known of it.
        self._sharing = Sharing()
        self._nodes: dict[str, Node] = {}
        self._edges: dict[tuple[str, str, str], Edge] = {}
        self._skipped: list[Skip] = []
        # Dictionaries keep the first occurrence and the order.
        self._notes: dict[str, None] = {}
        self._incomplete: dict[str, None] = {}

    def skip(self, place: str, reason: str) -> None:
        """Leave out the part at `place`; BadInput in strict mode."""
        if self.strict:
            fix = "" if "; " in reason else "; correct it, or import without it"
            raise BadInput(f"{place}: {reason}{fix}", field=place)
        self._skipped.append(Skip(place, reason))

    def note(self, text: str) -> None:
        """Remember a remark once."""
        self._notes.setdefault(text)

    def incomplete(self, text: str) -> None:
        """Remember once what the input lacks."""
        self._incomplete.setdefault(text)

    def nodes(self) -> list[Node]:
        """Nodes that were taken."""
        return list(self._nodes.values())

    def edges(self) -> list[Edge]:
        """Edges that were taken."""
        return list(self._edges.values())

    def has(self, key: str) -> bool:
        """True when a node of that key was taken."""
        return key in self._nodes

    def has_edge(self, edge_type: str, start: str, end: str) -> bool:
        """True when an edge of that type and these ends was taken."""
        return (edge_type, start, end) in self._edges

    def find(self, key: str) -> Node | None:
        """The node of that key, if one was taken."""
        return self._nodes.get(key)

    def node(self, node: Node) -> None:
        """Take a node; the first of a key stays, so callers look with `has` where it matters."""
        if node.key not in self._nodes:
            self._nodes[node.key] = self._sharing.node(node, self._nodes)

    def merge(self, node: Node) -> None:
        """Take a node, or what it adds to the one of its key: labels, a tier, properties."""
        known = self._nodes.get(node.key)
        if known is None:
            self._nodes[node.key] = node
            return
        self._nodes[node.key] = Node(
            key=node.key,
            labels=tuple(dict.fromkeys((*known.labels, *node.labels))),
            tier=known.tier or node.tier,
            fields={**node.fields, **known.fields},
            properties={**node.properties, **known.properties},
        )

    def edge(self, edge_type: str, start: str, end: str, properties: dict[str, Json] | None = None) -> None:
        """Take an edge; the first of its type and ends stays."""
        if (edge_type, start, end) not in self._edges:
            edge = Edge(type=edge_type, start=start, end=end, properties=properties or {})
            edge = self._sharing.edge(edge, self._nodes)
            self._edges[edge.type, edge.start, edge.end] = edge

    def finish(self, *, counted: Iterable[str] = (), before: Report | None = None) -> Imported:
        """The result, sorted.

        counted: names that appear in the counts even when they are zero. before: a report on the same
        input; its remarks come first.
        """
        before = before or Report()
        counts = {**dict.fromkeys(counted, 0), **self.counts}
        counts["nodes"], counts["edges"] = len(self._nodes), len(self._edges)
        report = Report(
            counts=dict(sorted(counts.items())),
            skipped=(*before.skipped, *self._skipped),
            notes=(*before.notes, *self._notes),
            incomplete=(*before.incomplete, *self._incomplete),
        )
        nodes = tuple(self._nodes[key] for key in sorted(self._nodes))
        edges = tuple(self._edges[key] for key in sorted(self._edges))
        return Imported(nodes=nodes, edges=edges, report=report)
