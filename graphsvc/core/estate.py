"""The permission graph with the closures that questions are asked of.

A closure is worked out when it is first asked for. A change of the graph forgets those it concerns: what a new
membership means for a group's members, not what everybody else may do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from graphsvc.core.sources import Changes, EdgeKey, Sources

__all__ = ["EdgeKey", "Estate"]

_MEMO_LIMIT = 200_000
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_NESTED = ("MEMBER_OF", "HAS_ROLE", "INHERITS")
# What `known` keeps of parties and targets depends on these and no others.
_STANDING = frozenset((*_NESTED, "ACTS_FOR", "KNOWS", "OWNS", "LINKED_TO"))


class Estate(Sources):
    """All facts, and what follows from them."""

    def __init__(self) -> None:
        super().__init__()
        self._aliases: dict[str, str] | None = None
        self._named: dict[str, tuple[str, ...]] = {}
        self._holders: dict[str, tuple[str, ...]] = {}
        self._ancestors: dict[str, tuple[str, ...]] = {}
        self._places: dict[str, tuple[tuple[str, str], ...]] = {}
        self._persons: dict[str, str] = {}
        self._resolved: dict[str, tuple[str, str]] = {}
        # What `known` found of parties and targets; forgotten when the graph changes what it was found by.
        self.parties: dict[tuple[str, ...], object] = {}
        self.targets: dict[tuple[str, str], object] = {}

    def _changed(self, changes: Changes | None) -> None:
        super()._changed(changes)
        if changes is None:
            self._aliases = None
            for memo in (self._holders, self._ancestors, self._places, self._persons, self._resolved):
                memo.clear()
            self.parties.clear()
            self.targets.clear()
            return
        self._forget_nodes(changes.nodes)
        types = {edge_type for edge_type, _, _ in changes.edges}
        if not types.isdisjoint(_NESTED):
            for edge_type, start, _ in changes.edges:
                if edge_type in _NESTED:
                    for member in self.members(start):
                        self._holders.pop(member, None)
        if "CONTAINS" in types:
            for edge_type, _, child in changes.edges:
                if edge_type == "CONTAINS":
                    for inside in self.contained(child):
                        self._ancestors.pop(inside, None)
                        self._places.pop(inside, None)
        if "LINKED_TO" in types:
            self._persons.clear()
            self._resolved.clear()
        if not types.isdisjoint(_STANDING):
            self.parties.clear()

    def _forget_nodes(self, nodes: Iterable[str]) -> None:
        identities = []
        for key in nodes:
            kind, _, rest = key.partition(":")
            if kind == "identity":
                identities.append(key)
            elif kind == "resource":
                resource_type, _, resource_id = rest.partition(":")
                self.targets.pop((resource_type, resource_id), None)
        if identities:
            # Who is known, by which alias: names that meant nobody may mean somebody now.
            self._follow_aliases(identities)
            self._resolved.clear()
            self.parties.clear()

    def _follow_aliases(self, identities: Iterable[str]) -> None:
        """New names are added; where one goes or is taken already, all are looked at again when asked for."""
        held = self._aliases
        for key in identities:
            if held is None:
                return
            names = self._alias_names(key)
            had = self._named.pop(key, ())
            if had and had != names:
                self._aliases = None
                return
            for name in names:
                if held.setdefault(name, key) != key:
                    self._aliases = None
                    return
            if names:
                self._named[key] = names

    def _alias_names(self, key: str) -> tuple[str, ...]:
        node = self._nodes.get(key)
        if node is None or node.kind != "identity":
            return ()
        names = node.fields.get("aliases") or node.properties.get("aliases")
        return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()

    def identity_key(self, identity: str) -> str | None:
        """The key of an identity named by id, prefixed id or alias; None when unknown."""
        key = identity if identity.startswith("identity:") else f"identity:{identity}"
        if key in self._nodes:
            return key
        if self._aliases is None:
            named = ((key, self._alias_names(key)) for key in self._nodes)
            self._named = {key: names for key, names in named if names}
            # A name that two claim is the first one's by key, in whatever order they came.
            self._aliases = {
                name: key for key in sorted(self._named, reverse=True) for name in self._named[key]
            }
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
            found = self._spread(key, _NESTED, back=False)
            self.remember(self._holders, key, found)
        return found

    def ancestors(self, key: str) -> tuple[str, ...]:
        """The resource and everything that contains it, transitively."""
        found = self._ancestors.get(key)
        if found is None:
            found = self._spread(key, ("CONTAINS",), back=True)
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

    def leads(self, edge_type: str, starts: Iterable[str], value: str) -> bool:
        """True when an edge of the type leads from one of the nodes to one that `value` names (aliases too)."""
        alias = self.identity_key(value)
        return any(
            end == alias or _names(end, value) for start in starts for end in self.out(edge_type, start)
        )

    def members(self, key: str) -> tuple[str, ...]:
        """The node, and everything that holds what it holds: members of a group, of groups in it, bearers of a role."""
        return self._spread(key, _NESTED, back=True)

    def contained(self, key: str) -> tuple[str, ...]:
        """The resource and everything it contains, transitively."""
        return self._spread(key, ("CONTAINS",), back=False)

    def _spread(self, key: str, edge_types: tuple[str, ...], *, back: bool) -> tuple[str, ...]:
        edges = self.into if back else self.out
        seen = {key: None}
        queue = [key]
        for node in queue:
            for edge_type in edge_types:
                for other in edges(edge_type, node):
                    if other not in seen:
                        seen[other] = None
                        queue.append(other)
        return tuple(seen)


def _names(key: str, value: str) -> bool:
    """A value names an identity by its id, a resource by its id or by `type:id`."""
    kind, _, rest = key.partition(":")
    return rest == value or (kind == "resource" and rest.partition(":")[2] == value)
