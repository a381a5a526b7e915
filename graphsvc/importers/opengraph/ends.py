"""The ends of OpenGraph edges: a node by id, by name or by its properties."""

from __future__ import annotations

from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["Ends"]


class Ends:
    """The nodes of an input, to be found as edges name them."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._nodes: list[tuple[str, list[str], dict[str, Json]]] = []
        self._by_name: dict[str, list[int]] | None = None

    def has(self, node_id: str) -> bool:
        """True when a node of that id was added."""
        return node_id in self._keys

    def add(self, node_id: str, key: str, kinds: list[str], properties: dict[str, Json]) -> None:
        """Remember a node."""
        self._keys[node_id] = key
        self._nodes.append((key, kinds, properties))

    def find(self, end: Json, place: str) -> str | None:
        """The key of the node that an edge's end names, None when an id is not in the input.

        BadInput when the end is malformed, or a name or properties fit no node or several: the wrong
        one would give somebody another's rights.
        """
        if not isinstance(end, dict):
            raise BadInput(f"{place}: must be an object", field=place)
        how = end.get("match_by", "id")
        kind = end.get("kind")
        if how == "property":
            return self._only(self._matching(end.get("property_matchers"), place), kind, place)
        value = end.get("value")
        if how not in ("id", "name") or not isinstance(value, str) or not value:
            raise BadInput(f"{place}: must have a `value` and match by id, name or property", field=place)
        if how == "id":
            return self._keys.get(value)
        if self._by_name is None:
            self._by_name = {}
            for number, (_, _, properties) in enumerate(self._nodes):
                if isinstance(name := properties.get("name"), str):
                    self._by_name.setdefault(name, []).append(number)
        return self._only(self._by_name.get(value, []), kind, place)

    def _matching(self, matchers: Json, place: str) -> list[int]:
        if not isinstance(matchers, list) or not matchers:
            raise BadInput(f"{place}.property_matchers: must list at least one", field=place)
        wanted: list[tuple[str, Json]] = []
        for matcher in matchers:
            if not isinstance(matcher, dict) or matcher.get("operator") != "equals" or "key" not in matcher:
                raise BadInput(
                    f"{place}.property_matchers: each needs key, operator `equals`, value", field=place
                )
            wanted.append((str(matcher["key"]), matcher.get("value")))
        return [
            number
            for number, (_, _, properties) in enumerate(self._nodes)
            if all(_same(properties.get(name), value) for name, value in wanted)
        ]

    def _only(self, numbers: list[int], kind: Json, place: str) -> str:
        fitting = [number for number in numbers if kind is None or kind in self._nodes[number][1]]
        if len(fitting) != 1:
            told = "no node" if not fitting else f"{len(fitting)} nodes"
            raise BadInput(f"{place}: fits {told} of the input; match by id", field=place)
        return self._nodes[fitting[0]][0]


def _same(held: Json, wanted: Json) -> bool:
    return held == wanted and isinstance(held, bool) == isinstance(wanted, bool) and held is not None
