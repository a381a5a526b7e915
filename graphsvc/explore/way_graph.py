"""All ways from some identities on, for questions about all of them at once: through groups, roles and permissions.

What a hundred members of a group can do is written once, at the group, instead of a hundred times. That holds for identities
whose permissions simply allow: each adds what it says and takes nothing away. Hops of the others, and those for which rights of
several permissions are needed together, lead straight from the identity to their end, as `hops_of` finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from graphsvc.core.estate import NESTED
from graphsvc.core.gain.closure import Firing
from graphsvc.core.gain.holding import ANYTHING
from graphsvc.core.gain.rule import Rule
from graphsvc.core.policy.where import SELF
from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.path import ADMIN, Hop, Path, end_of, hops_of
from graphsvc.explore.trust import ANYBODY
from graphsvc.explore.worth import PASSES

__all__ = ["FIXED", "JOINT", "WayGraph", "way_graph"]

# Instead of the type of an edge: nothing that could be taken away, and more than one thing together.
FIXED = ""
JOINT = "*"
_RULE = "rule:"
_CARRIERS = ("group:", "role:", "permission:", _RULE)
_ASKED_EVERY = 256
# Functions of rules whose answer hangs on nothing that somebody was given.
_OF_THINGS = frozenset(
    {"runs_as", "holds_credential", "labelled", "exists", "managed_by", "is_a", "acts_in", "stands_for"}
)
_ANYTHING = frozenset((ANYTHING,))
Step = tuple[str, str]


@dataclass(slots=True)
class WayGraph:
    """names: keys of nodes by number; those of groups, roles and permissions are only carriers between the others.

    steps: by node where each leads, and the type of the edge it stands on, FIXED or JOINT; complete: False when the time
    ran out before all were found.
    """

    view: EstateView
    names: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    steps: list[list[tuple[int, str]]] = field(default_factory=list)
    complete: bool = True

    def number(self, key: str) -> int:
        """The number of a node, a new one if need be."""
        found = self.numbers.get(key)
        if found is None:
            found = self.numbers[key] = len(self.names)
            self.names.append(key)
        return found

    def is_carrier(self, number: int) -> bool:
        """True for a group, role, permission or rule, and for anybody: what a hop goes through, and no end of one."""
        key = self.names[number]
        return key.startswith(_CARRIERS) or key == ANYBODY

    def ends(self, number: int) -> Iterator[int]:
        """Where one hop leads from a node."""
        seen, queue = {number}, [number]
        for node in queue:
            for end, _ in self.steps[node]:
                if end not in seen:
                    seen.add(end)
                    if self.is_carrier(end):
                        queue.append(end)
                    else:
                        yield end

    def along(self, start: int, following: Mapping[int, int]) -> list[int]:
        """The nodes from one on, each followed by the next. following: by node the next."""
        way = [start]
        while way[-1] in following:
            way.append(following[way[-1]])
        return way

    def path(self, way: Iterable[int]) -> Path:
        """The hops of a way that is given with its carriers."""
        nodes = [each for each in way if not self.is_carrier(each)]
        return Path(tuple(self.hop(start, end) for start, end in pairwise(nodes)))

    def hop(self, start: int, end: int) -> Hop:
        """The hop between two nodes that are no carriers, a certain one if there is one."""
        found = [each for each in hops_of(self.view, self.names[start]) if each.end == self.names[end]]
        return min(found, key=lambda each: each.certainty != "yes")


def way_graph(
    view: EstateView, starts: Iterable[str], *, is_over: Callable[[], bool] = lambda: False
) -> WayGraph:
    """Every way that can be taken from the starts on. is_over: asked now and then whether to stop."""
    graph, steps = WayGraph(view), _Steps(view)
    for start in starts:
        graph.number(start)
    # Grows while it is gone through: each end that is new is looked at in its turn.
    for node in graph.names:
        if len(graph.steps) % _ASKED_EVERY == 0 and is_over():
            graph.complete = False
            graph.steps += [[] for _ in range(len(graph.names) - len(graph.steps))]
            break
        graph.steps.append([(graph.number(end), kind) for end, kind in steps.of(node)])
    return graph


class _Steps:
    def __init__(self, view: EstateView) -> None:
        self._view = view
        self._estate = view.estate
        self._single: dict[int, list[Rule]] = {}  # by their one atom
        for rule in view.maybe.rules:
            if rule.gives is not None and not _is_joint(rule):
                self._single.setdefault(rule.premises[0].atom, []).append(rule)
        # With its place among the rules where it gives all who hold its rights the same.
        self._joint = [
            (each.need, None if _is_personal(each) else place, each)
            for place, each in enumerate(view.maybe.rules)
            if each.gives is not None and _is_joint(each)
        ]
        self._joint_bits = 0
        for need, _, _ in self._joint:
            self._joint_bits |= need
        # Holders of trusts whose statements ask who steps over.
        self._asking = {
            start
            for start in view.estate.starts("CAN_ASSUME")
            if any("statements" in edge.properties for edge in view.estate.out("CAN_ASSUME", start).values())
        }
        self._anybody = bool(view.estate.out("CAN_ASSUME", ANYBODY))
        self._masks: dict[str, int] = {}

    def of(self, node: str) -> Iterator[Step]:
        if node.startswith("permission:"):
            yield from self._of_permission(node)
        elif node.startswith(_RULE):
            rule = self._view.maybe.rules[int(node.removeprefix(_RULE))]
            atoms = {each.atom: _ANYTHING for each in rule.premises}
            yield from self._gained(rule, self._view.maybe.fired(atoms, [rule]))
        elif node.startswith("resource:"):
            for kind in PASSES:
                yield from ((end, FIXED) for end in self._estate.out(kind, node))
        elif node.startswith(_CARRIERS) or node == ANYBODY:
            yield from self._held(node)
        elif node != ADMIN:
            if self._is_plain(node):
                yield from self._held(node)
                if self._anybody:
                    yield ANYBODY, FIXED
                yield from self._together(node)
            else:
                yield from ((hop.end, JOINT) for hop in hops_of(self._view, node))

    def _is_plain(self, identity: str) -> bool:
        """True when all it can do is the sum of what each of its permissions, groups and trusts says."""
        if not self._view.rights.is_plain(identity):
            return False
        return not self._asking or self._asking.isdisjoint((*self._estate.holders(identity), ANYBODY))

    def _held(self, holder: str) -> Iterator[Step]:
        for kind in (*NESTED, "GRANTED", "CAN_ASSUME"):
            for end in self._estate.out(kind, holder):
                yield end, kind

    def _of_permission(self, key: str) -> Iterator[Step]:
        permission = self._view.rights.permission(key)
        if permission is None or permission.deny:
            return
        if permission.is_whole:
            yield ADMIN, FIXED
        for end in self._view.worth.about(permission):
            yield end, FIXED
        atoms = self._view.maybe.given_by(permission)
        for atom in atoms:
            for rule in self._single.get(atom, ()):
                yield from self._gained(rule, self._view.maybe.fired(atoms, [rule]))

    def _gained(self, rule: Rule, firings: Iterable[Firing]) -> Iterator[Step]:
        # Where tests ask about trusts or memberships, these could be taken away as well.
        calls = (call for test in rule.tests for call in test.calls)
        kind = FIXED if all(call.function in _OF_THINGS for call in calls) else JOINT
        for firing in firings:
            end = end_of(firing)
            if end is not None:
                yield end, kind

    def _together(self, identity: str) -> Iterator[Step]:
        """What takes several rights, perhaps of several permissions, or asks who holds them."""
        if not self._joint:
            return
        lacking = ~self._mask(identity)
        rules = []
        for need, place, rule in self._joint:
            if not need & lacking:
                if place is None:
                    rules.append(rule)
                else:
                    yield f"{_RULE}{place}", JOINT
        if not rules:
            return
        atoms = self._view.maybe.atoms_of(identity)
        for firing in self._view.maybe.fired(atoms, rules, held=frozenset((identity,))):
            end = end_of(firing)
            if end is not None and end != identity:
                yield end, JOINT

    def _mask(self, identity: str) -> int:
        """Bits of the atoms that it holds, of those that rules need together."""
        mask = self._given(identity)
        for kind in NESTED:
            for end in self._estate.out(kind, identity):
                found = self._masks.get(end)
                if found is None:
                    found = 0
                    for holder in self._estate.holders(end):
                        found |= self._given(holder)
                    self._masks[end] = found
                mask |= found
        return mask

    def _given(self, holder: str) -> int:
        mask = 0
        for key in self._estate.out("GRANTED", holder):
            found = self._masks.get(key)
            if found is None:
                found = 0
                permission = self._view.rights.permission(key)
                if permission is not None:
                    for atom in self._view.maybe.given_by(permission):
                        found |= 1 << atom
                self._masks[key] = found
            mask |= found
        return mask & self._joint_bits


def _is_joint(rule: Rule) -> bool:
    return len(rule.premises) != 1 or SELF in rule.variables


def _is_personal(rule: Rule) -> bool:
    return SELF in rule.variables or any(each.variable is not None for each in rule.premises)
