"""Resources that lead on or are worth something, and which of them a permission is about; of the others there is no end."""

from __future__ import annotations

from graphsvc.core.estate import Estate
from graphsvc.core.memo import Memo
from graphsvc.core.permission import Permission

__all__ = ["PASSES", "Worth"]

# Edges from a resource to whom one becomes through it.
PASSES = {"HOLDS_CREDENTIAL": "credential", "RUNS_AS": "runs as"}


class Worth:
    """Looked up once, until the graph changes."""

    def __init__(self, estate: Estate) -> None:
        self._estate = estate
        self._version = -1
        self._inside: dict[str, list[str]] = {}
        self._about: Memo[Permission, tuple[str, ...]] = Memo()
        self.keys: tuple[str, ...] = ()

    def about(self, permission: Permission) -> tuple[str, ...]:
        """Those that a permission names, by key; see `Permission.names`."""
        self._follow()
        found = self._about.get(permission)
        if found is None:
            places = self._estate.places
            if permission.wild:
                named = [key for key in self.keys if permission.names(places(key))]
            else:
                within = {key for place in permission.exact for key in self._inside.get(place, ())}
                named = sorted(key for key in within if not permission.excepts(places(key)))
            found = self._about.put(permission, tuple(named))
        return found

    def _follow(self) -> None:
        estate = self._estate
        if self._version == estate.version:
            return
        changes = estate.changed_since(self._version) if self._version >= 0 else None
        self._version = estate.version
        if changes is not None and not any(key.startswith("resource:") for key in changes.nodes):
            kinds = {kind for kind, _, _ in changes.edges}
            if kinds.isdisjoint((*PASSES, "CONTAINS")):
                return
        self._about.clear()
        leading = {key for kind in PASSES for key in estate.starts(kind)}
        self.keys = tuple(
            node.key
            for node in estate.nodes()
            if node.kind == "resource" and (node.tier is not None or node.key in leading)
        )
        self._inside = {}
        for key in self.keys:
            for place in estate.ancestors(key):
                self._inside.setdefault(place, []).append(key)
