"""The graph as the oracle reads it: plain sets of nodes and edges, searched naively."""

from collections.abc import Iterable

from tests.oracle.text import Json, Record


def _bare(reference: str) -> str:
    """The id without its node type: `identity:alice` is `alice`."""
    return reference.split(":", 1)[1] if ":" in reference else reference


class Estate:
    """Nodes and edges of the graph records; labels of a resource may change while a trace is read."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.identities: dict[str, Record] = {}
        self.resources: dict[tuple[str, str], Record] = {}
        self.labels: dict[tuple[str, str], frozenset[str]] = {}
        self.edges: set[tuple[str, str, str]] = set()
        for record in records:
            if "edge" in record:
                edge = record["edge"]
                self.edges.add((edge["type"], edge["from"], edge["to"]))
            elif record["node"]["type"] == "identity":
                self.identities[record["node"]["id"]] = record["node"]
            elif record["node"]["type"] == "resource":
                node = record["node"]
                resource = (node["resource_type"], node["id"])
                self.resources[resource] = node
                self.labels[resource] = frozenset(node.get("labels") or ())

    def kind(self, identity: str) -> str | None:
        """The stored kind of an identity, or None."""
        kind: str | None = self.identities.get(identity, {}).get("kind")
        return kind

    def groups(self, identity: str) -> frozenset[str]:
        """Ids of all groups that the identity belongs to, through any number of groups."""
        found: set[str] = set()
        waiting = [f"identity:{identity}"]
        while waiting:
            member = waiting.pop()
            for kind, source, target in self.edges:
                if kind == "MEMBER_OF" and source == member and target not in found:
                    found.add(target)
                    waiting.append(target)
        return frozenset(_bare(group) for group in found)

    def person(self, identity: str) -> str:
        """One name for all linked accounts of a person: the smallest id among them (rule R22)."""
        linked = {identity}
        while True:
            more = set(linked)
            for kind, source, target in self.edges:
                if kind == "LINKED_TO" and (_bare(source) in linked or _bare(target) in linked):
                    more |= {_bare(source), _bare(target)}
            if more == linked:
                return min(linked)
            linked = more

    def _names(self, reference: str) -> set[str]:
        """The texts by which an argument may name a node."""
        bare = _bare(reference)
        if reference.startswith("resource:") and ":" in bare:
            return {bare, bare.split(":", 1)[1]}
        return {bare}

    def standing(self, principals: Iterable[str], value: Json) -> str:
        """How well the principals know what `value` names: `owned`, `known` or `unknown`."""
        accounts = set(principals)
        accounts |= {identity for identity in self.identities if self.person(identity) in accounts}
        people = {f"identity:{account}" for account in accounts}
        groups = {f"group:{group}" for account in accounts for group in self.groups(account)}
        named = {(kind, source) for kind, source, target in self.edges if str(value) in self._names(target)}
        if any(kind == "OWNS" and source in people for kind, source in named):
            return "owned"
        if any(kind == "KNOWS" and source in people | groups for kind, source in named):
            return "known"
        return "unknown"
