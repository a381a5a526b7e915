"""The permission graph with the closures that questions are asked of.

A closure is worked out when it is first asked for. A change of the graph forgets those it concerns: what a new
membership means for a group's members, not what everybody else may do.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.memo import Memo
from graphsvc.core.sources import Changes, EdgeKey, Sources

__all__ = ["NESTED", "EdgeKey", "Estate"]

# What holds everything that its end holds.
NESTED = ("MEMBER_OF", "HAS_ROLE", "INHERITS")
# What `known` keeps of parties and targets depends on these and no others.
_STANDING = frozenset((*NESTED, "ACTS_FOR", "KNOWS", "OWNS", "LINKED_TO"))


class Estate(Sources):
    """All facts, and what follows from them."""

    def __init__(self) -> None:
        super().__init__()
        self._aliases: dict[str, str] | None = None
        self._named: dict[str, tuple[str, ...]] = {}
        self._ancestors: Memo[str, tuple[str, ...]] = Memo()
        # What a group or role is in or has directly: asked for again with each of its members.
        self._above: Memo[str, tuple[str, ...]] = Memo()
        self._persons: Memo[str, str] = Memo()
        self._resolved: Memo[str, tuple[str, str]] = Memo()
        # What `known` found of parties and targets; forgotten when the graph changes what it was found by.
        self.parties: Memo[tuple[str, ...], object] = Memo()
        self.targets: Memo[tuple[str, str], object] = Memo()

    def _changed(self, changes: Changes | None) -> None:
        super()._changed(changes)
        if changes is None:
            self._aliases = None
            self._ancestors.clear()
            self._above.clear()
            self._persons.clear()
            self._resolved.clear()
            self.parties.clear()
            self.targets.clear()
            return
        self._forget_nodes(changes.nodes)
        types = {edge_type for edge_type, _, _ in changes.edges}
        for edge_type, start, end in changes.edges:
            if edge_type in NESTED:
                self._above.forget(start)
            elif edge_type == "CONTAINS" and self.out("CONTAINS", end):
                self._ancestors.clear()
            elif edge_type == "CONTAINS":
                self._ancestors.forget(end)
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
                self.targets.forget((resource_type, resource_id))
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

    def aliases(self, key: str) -> tuple[str, ...]:
        """Other names of an identity, as its sources give them."""
        return self._alias_names(key)

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
            found = self._resolved.put(named, (identity, self.person(identity)))
        return found

    def holders(self, key: str) -> tuple[str, ...]:
        """The node, every group it is in, and every role any of these has, transitively."""
        seen = dict.fromkeys((key, *self._over(key)))
        queue = list(seen)[1:]
        known = self._above.get
        for node in queue:
            above = known(node)
            for other in above if above is not None else self._above.put(node, self._over(node)):
                if other not in seen:
                    seen[other] = None
                    queue.append(other)
        return tuple(seen)

    def _over(self, key: str) -> tuple[str, ...]:
        """What a node is in or has directly."""
        return tuple([end for kind in NESTED for end in self.out(kind, key)])

    def ancestors(self, key: str) -> tuple[str, ...]:
        """The resource and everything that contains it, transitively."""
        found = self._ancestors.get(key)
        if found is None:
            found = self._ancestors.put(key, self._spread(key, ("CONTAINS",), back=True))
        return found

    def places(self, key: str) -> tuple[tuple[str, str], ...]:
        """(key, `type:id`) of the resource and of everything that contains it."""
        return tuple([(place, place.partition(":")[2]) for place in self.ancestors(key)])

    def person(self, identity: str) -> str:
        """One id for all linked accounts of somebody: the smallest of them (rule R22)."""
        found = self._persons.get(identity)
        if found is None:
            person = min(self.accounts(f"identity:{identity}")).removeprefix("identity:")
            found = self._persons.put(identity, person)
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
