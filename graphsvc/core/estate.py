"""The permission graph as one view over all sources, with the closures that questions are asked of.

Facts are kept per source. A node exists while a source asserts it; labels are united, the highest
tier wins, any other field is the later import's. Derived closures are computed when first asked for
and forgotten when the graph changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from graphsvc.core.graph import TIERS, Edge, Node
from graphsvc.core.value import Json

__all__ = ["EdgeKey", "Estate"]

EdgeKey = tuple[str, str, str]
_MEMO_LIMIT = 200_000
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_NONE: Mapping[str, Edge] = {}


class Estate:
    """All facts; changed only by `load`, `remove` and `relabel`. version grows with every change."""

    def __init__(self) -> None:
        self.version = 0
        self._sources: dict[str, tuple[dict[str, Node], dict[EdgeKey, Edge]]] = {}
        self._nodes: dict[str, Node] = {}
        self._out: dict[tuple[str, str], dict[str, Edge]] = {}
        self._in: dict[tuple[str, str], dict[str, Edge]] = {}
        self._relabelled: dict[str, tuple[str, ...]] = {}
        self._aliases: dict[str, str] | None = None
        self._holders: dict[str, tuple[str, ...]] = {}
        self._ancestors: dict[str, tuple[str, ...]] = {}
        self._places: dict[str, tuple[tuple[str, str], ...]] = {}
        self._persons: dict[str, str] = {}
        self._resolved: dict[str, tuple[str, str]] = {}
        # What `known` found of parties and targets; forgotten with every change, as all closures are.
        self.parties: dict[tuple[str, ...], object] = {}
        self.targets: dict[tuple[str, str], object] = {}

    # -- changes ---------------------------------------------------------------------------------

    def load(
        self, source: str, nodes: Iterable[Node], edges: Iterable[Edge], *, replace: bool
    ) -> tuple[set[str], set[EdgeKey]]:
        """Make facts of a source visible; with `replace` its other facts go. Returns what was touched."""
        held_nodes, held_edges = self._sources.pop(source, ({}, {}))
        new_nodes = {node.key: node for node in nodes}
        new_edges = {(edge.type, edge.start, edge.end): edge for edge in edges}
        touched_nodes, touched_edges = set(new_nodes), set(new_edges)
        if replace:
            touched_nodes |= held_nodes.keys()
            touched_edges |= held_edges.keys()
        else:
            new_nodes = held_nodes | new_nodes
            new_edges = held_edges | new_edges
        # Inserted last: the order of sources is the order of their latest import.
        self._sources[source] = (new_nodes, new_edges)
        self._refresh(touched_nodes, touched_edges)
        return touched_nodes, touched_edges

    def remove(self, source: str) -> tuple[set[str], set[EdgeKey]]:
        """Forget a source; unknown sources are no error. Returns what was touched."""
        nodes, edges = self._sources.pop(source, ({}, {}))
        self._refresh(set(nodes), set(edges))
        return set(nodes), set(edges)

    def relabel(self, key: str, labels: tuple[str, ...]) -> None:
        """The resource carries exactly these labels from now on, whatever sources say."""
        self._relabelled[key] = labels
        self.targets.clear()
        self.version += 1

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
                self._out.setdefault((edge_type, start), {})[end] = asserted[-1]
                self._in.setdefault((edge_type, end), {})[start] = asserted[-1]
            else:
                self._out.get((edge_type, start), {}).pop(end, None)
                self._in.get((edge_type, end), {}).pop(start, None)
        self._aliases = None
        self._holders.clear()
        self._ancestors.clear()
        self._places.clear()
        self._persons.clear()
        self._resolved.clear()
        self.parties.clear()
        self.targets.clear()
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
        found = [edge for ends in self._out.values() for edge in ends.values()]
        return iter(sorted(found, key=lambda edge: (edge.type, edge.start, edge.end)))

    def out(self, edge_type: str, start: str) -> Mapping[str, Edge]:
        """Edges of a type that leave a node, by their end."""
        return self._out.get((edge_type, start), _NONE)

    def into(self, edge_type: str, end: str) -> Mapping[str, Edge]:
        """Edges of a type that reach a node, by their start."""
        return self._in.get((edge_type, end), _NONE)

    def identity_key(self, identity: str) -> str | None:
        """The key of an identity named by id, prefixed id or alias; None when unknown."""
        key = identity if identity.startswith("identity:") else f"identity:{identity}"
        if key in self._nodes:
            return key
        if self._aliases is None:
            self._aliases = {}
            for node in self._nodes.values():
                names = node.fields.get("aliases") or node.properties.get("aliases")
                if node.kind == "identity" and isinstance(names, list):
                    self._aliases |= {name: node.key for name in names if isinstance(name, str)}
        return self._aliases.get(identity)

    def resolve(self, named: str) -> tuple[str, str]:
        """(id, person) of somebody named by id, prefixed id or alias; an unknown name is its own."""
        found = self._resolved.get(named)
        if found is None:
            key = self.identity_key(named)
            identity = key[9:] if key is not None else named.removeprefix("identity:")
            found = (identity, self.person(identity))
            self.remember(self._resolved, named, found)
        return found

    def remember(self, memo: dict[_Key, _Value], name: _Key, found: _Value) -> None:
        """Keep an answer until the graph changes; names that nobody knows must not fill the memory."""
        if len(memo) >= _MEMO_LIMIT:
            memo.clear()
        memo[name] = found

    def holders(self, key: str) -> tuple[str, ...]:
        """The node, every group it is in, and every role any of these has, transitively."""
        found = self._holders.get(key)
        if found is None:
            found = tuple(self._closure(key, ("MEMBER_OF", "HAS_ROLE", "INHERITS")))
            self.remember(self._holders, key, found)
        return found

    def ancestors(self, key: str) -> tuple[str, ...]:
        """The resource and everything that contains it, transitively."""
        found = self._ancestors.get(key)
        if found is None:
            seen = {key: None}
            queue = [key]
            for child in queue:
                for parent in self.into("CONTAINS", child):
                    if parent not in seen:
                        seen[parent] = None
                        queue.append(parent)
            found = tuple(seen)
            self.remember(self._ancestors, key, found)
        return found

    def places(self, key: str) -> tuple[tuple[str, str], ...]:
        """(key, `type:id`) of the resource and of everything that contains it."""
        found = self._places.get(key)
        if found is None:
            found = tuple((place, place.partition(":")[2]) for place in self.ancestors(key))
            self.remember(self._places, key, found)
        return found

    def person(self, identity: str) -> str:
        """One id for all linked accounts of somebody: the smallest of them (rule R22)."""
        found = self._persons.get(identity)
        if found is None:
            found = min(self.accounts(f"identity:{identity}")).removeprefix("identity:")
            self.remember(self._persons, identity, found)
        return found

    def accounts(self, key: str) -> tuple[str, ...]:
        """The identity and all accounts linked with it, transitively."""
        seen = {key: None}
        queue = [key]
        for one in queue:
            for other in (*self.out("LINKED_TO", one), *self.into("LINKED_TO", one)):
                if other not in seen:
                    seen[other] = None
                    queue.append(other)
        return tuple(seen)

    def labels(self, key: str) -> tuple[str, ...]:
        """Labels of a resource now."""
        relabelled = self._relabelled.get(key)
        if relabelled is not None:
            return relabelled
        node = self._nodes.get(key)
        return node.labels if node is not None else ()

    def leads(self, edge_type: str, starts: Iterable[str], value: str) -> bool:
        """True when an edge of the type leads from one of the nodes to one that `value` names (aliases too)."""
        alias = self.identity_key(value)
        return any(
            end == alias or _names(end, value) for start in starts for end in self.out(edge_type, start)
        )

    def _closure(self, key: str, edge_types: tuple[str, ...]) -> Iterator[str]:
        seen = {key}
        queue = [key]
        for node in queue:
            yield node
            for edge_type in edge_types:
                for end in self.out(edge_type, node):
                    if end not in seen:
                        seen.add(end)
                        queue.append(end)


def _names(key: str, value: str) -> bool:
    """A value names an identity by its id, a resource by its id or by `type:id`."""
    kind, _, rest = key.partition(":")
    return rest == value or (kind == "resource" and rest.partition(":")[2] == value)


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
