"""Which parts of which patterns an action can concern, worked out once per action name.

What an action's name and effects decide is decided here, so is where each key value comes from; what its labels
decide is decided once per set of labels. What is left is asked of every event: the tests of an `Offer`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from graphsvc.core.event import Declaration, Event
from graphsvc.core.part import (
    CAUSAL,
    CAUSAL_DATA,
    FLOW,
    FLOW_DATA,
    LOG,
    Concerned,
    Counter,
    Cut,
    Guard,
    Lookup,
    Offer,
    Part,
    Places,
    Reset,
    Tree,
    Values,
)
from graphsvc.core.pattern import (
    CompiledCount,
    CompiledGuard,
    CompiledPattern,
    CompiledReset,
    CompiledStep,
    Matcher,
)
from graphsvc.core.policy.expression import Path
from graphsvc.core.value import key_text

__all__ = ["Candidates", "find_candidates"]

_MEMO_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Candidates:
    """Everything that an action's name and effects fit. paths: the key expressions, by place.

    keyed: parts of steps with a key that the action must not leave out (rule R18), by pattern. asked: labels that
    conditions of the parts mention.
    """

    declaration: Declaration
    paths: tuple[Path, ...]
    every: Concerned
    keyed: tuple[tuple[CompiledPattern, Part], ...]
    is_live: bool
    reads_labels: bool
    asked: frozenset[str]
    # By place among all trees: those that fit without any label; by label, places of those that ask for it.
    _bare: dict[int, Tree]
    _asking: dict[str, list[int]]
    _by_labels: dict[frozenset[str], Concerned] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """True when no pattern can care about the action."""
        every = self.every
        return not (every.trees or every.counters or every.guards or every.resets or every.cuts)

    def values(self, event: Event) -> Values:
        """The values of all key expressions for an event."""
        return [key_text(event.value(path)) for path in self.paths]

    def concerned(self, labels: frozenset[str]) -> Concerned:
        """The parts whose conditions on labels hold."""
        # Labels that no condition mentions would only multiply what is remembered.
        labels = labels & self.asked if labels else labels
        found = self._by_labels.get(labels)
        if found is None:
            if len(self._by_labels) >= _MEMO_LIMIT:
                self._by_labels.clear()
            found = self._by_labels[labels] = self._narrowed(labels)
        return found

    def tells_apart(self, some: frozenset[str], others: frozenset[str]) -> bool:
        """Whether it can matter which of two sets of labels the action has."""
        if self.is_live or self.reads_labels:
            return True
        return self.concerned(some) != self.concerned(others)

    def lacking(self, event: Event, values: Values) -> list[CompiledPattern]:
        """Patterns with a step that the action fits but for a key value it left out (rule R18)."""
        found: list[CompiledPattern] = []
        for pattern, part in self.keyed:
            if pattern in found or all(values[place] is not None for place in part.key):
                continue
            # Without a condition on the action itself, only an event that would otherwise match fits.
            if part.matcher.asks_action or part.matcher.fits_event(event):
                found.append(pattern)
        return found

    def _narrowed(self, labels: frozenset[str]) -> Concerned:
        every = self.every
        # A broad step is found in a hundred patterns, of which a label concerns two or three.
        fitting = self._bare.copy()
        for label in labels:
            for place in self._asking.get(label, ()):
                tree = _pruned(every.trees[place], labels)
                if tree is not None:
                    fitting[place] = tree
                else:
                    fitting.pop(place, None)
        return Concerned(
            tuple([fitting[place] for place in sorted(fitting)]),
            _fitting(every.counters, labels),
            _fitting(every.guards, labels),
            _fitting(every.resets, labels),
            _fitting(every.cuts, labels),
        )


class _HasMatcher(Protocol):
    @property
    def matcher(self) -> Matcher: ...


_P = TypeVar("_P", bound=_HasMatcher)


def _pruned(tree: Tree, labels: frozenset[str]) -> Tree | None:
    offers = _fitting(tree.offers, labels)
    return Tree(tree.pattern, offers, tree.track) if offers else None


def _fitting(parts: tuple[_P, ...], labels: frozenset[str]) -> tuple[_P, ...]:
    return tuple(
        part
        for part in parts
        if part.matcher.live or part.matcher.labels is None or part.matcher.labels(labels)
    )


def find_candidates(action: str, declaration: Declaration, patterns: Sequence[CompiledPattern]) -> Candidates:
    """Everything of these patterns that an action's name and effects fit."""
    return _Finder(action, declaration).found(patterns)


class _Finder:
    def __init__(self, action: str, declaration: Declaration) -> None:
        self.action = action
        self.declaration = declaration
        self.places: dict[Path, int] = {}

    def found(self, patterns: Sequence[CompiledPattern]) -> Candidates:
        trees, counters, guards, resets, cuts = [], [], [], [], []
        keyed: list[tuple[CompiledPattern, Part]] = []
        for pattern in patterns:
            offers = tuple(self._offer(pattern, step) for step in pattern.steps if self._fits(step.matcher))
            if offers:
                trees.append(Tree(pattern, offers, _track(pattern)))
            keyed += [(pattern, offer) for offer in offers if offer.key]
            if pattern.count is not None and self._fits(pattern.count.matcher):
                counters.append(self._counter(pattern, pattern.count))
                keyed += [(pattern, counters[-1])] if counters[-1].key else []
            guards += [
                Guard(guard.matcher, self._key(guard.matcher), pattern, guard)
                for guard in pattern.guards
                if self._fits(guard.matcher)
            ]
            resets += [self._reset(pattern, reset) for reset in pattern.resets if self._fits(reset.matcher)]
            cuts += [
                Cut(cut.matcher, self._key(cut.matcher), pattern, cut, self._named(cut.matcher))
                for cut in pattern.cuts
                if self._fits(cut.matcher)
            ]
        every = Concerned(tuple(trees), tuple(counters), tuple(guards), tuple(resets), tuple(cuts))
        offered: list[Part] = [offer for tree in trees for offer in tree.offers]
        matchers = [part.matcher for part in (*offered, *counters, *guards, *resets, *cuts)]
        bare = {place: _pruned(tree, frozenset()) for place, tree in enumerate(trees)}
        asking: dict[str, list[int]] = {}
        for place, tree in enumerate(trees):
            for label in frozenset().union(*(offer.matcher.asked for offer in tree.offers)):
                asking.setdefault(label, []).append(place)
        return Candidates(
            self.declaration,
            tuple(self.places),
            every,
            tuple(keyed),
            is_live=any(matcher.live for matcher in matchers),
            reads_labels=any(matcher.reads_labels for matcher in matchers),
            asked=frozenset().union(*(matcher.asked for matcher in matchers)),
            _bare={place: tree for place, tree in bare.items() if tree is not None},
            _asking=asking,
        )

    def _fits(self, matcher: Matcher) -> bool:
        return matcher.fits_action(self.action, self.declaration)

    def _place(self, path: Path) -> int:
        return self.places.setdefault(path, len(self.places))

    def _named(self, matcher: Matcher) -> tuple[tuple[str, int], ...]:
        return tuple((name, self._place(path)) for name, path in matcher.key)

    def _key(self, matcher: Matcher) -> Places:
        return tuple(place for _, place in self._named(matcher))

    def _offer(self, pattern: CompiledPattern, step: CompiledStep) -> Offer:
        named = self._named(step.matcher)
        place = dict(named)

        def at(slot: int, variables: Sequence[str]) -> Lookup:
            return slot, tuple(place[name] for name in variables)

        def resets(of: CompiledStep) -> tuple[Lookup, ...]:
            return tuple(at(reset.slot, reset.matcher.variables) for reset in of.resets)

        children = tuple(
            (at(pattern.steps[child].slot, variables), resets(pattern.steps[child]))
            for child, variables in step.children
        )
        return Offer(
            matcher=step.matcher,
            key=tuple(place.values()),
            step=step,
            named=named,
            own=at(step.slot, step.key_out),
            top=at(step.top_slot, step.key_out),
            children=children,
            resets=resets(step),
            guards=_guards(pattern, place) if step.successor < 0 else (),
        )

    def _reset(self, pattern: CompiledPattern, reset: CompiledReset) -> Reset:
        key = self._key(reset.matcher)
        return Reset(reset.matcher, key, pattern, (reset.slot, key))

    def _counter(self, pattern: CompiledPattern, count: CompiledCount) -> Counter:
        named = self._named(count.matcher)
        key = tuple(place for _, place in named)
        return Counter(
            count.matcher, key, pattern, count, named, (count.slot, key), _guards(pattern, dict(named))
        )


def _guards(pattern: CompiledPattern, place: dict[str, int]) -> tuple[tuple[CompiledGuard, Places], ...]:
    return tuple((guard, tuple(place[name] for name in guard.matcher.variables)) for guard in pattern.guards)


def _track(pattern: CompiledPattern) -> int:
    if pattern.relation == "log":
        return LOG
    if pattern.scope == "data":
        return FLOW_DATA if pattern.relation == "flow" else CAUSAL_DATA
    return FLOW if pattern.relation == "flow" else CAUSAL
