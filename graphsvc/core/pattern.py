"""Patterns in the form the engine runs: steps and guards by number, keys as expressions.

Everything that holds a value in the state gets a slot, a number that is its own in the whole rule set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from graphsvc.core.cel import Condition
from graphsvc.core.condition import (
    ActionTest,
    EventTest,
    LabelTest,
    compile_action_test,
    compile_event_tests,
    compile_label_test,
    compile_when,
    labels_asked,
)
from graphsvc.core.event import Event
from graphsvc.core.policy.condition import EventCondition
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.expression import Path, parse_path
from graphsvc.core.policy.pattern import Pattern as PatternDocument
from graphsvc.core.policy.pattern import Sanitizer
from graphsvc.core.score import Weights, micros_by_missing
from graphsvc.core.value import key_text

__all__ = [
    "CompiledCount",
    "CompiledCut",
    "CompiledGuard",
    "CompiledPattern",
    "CompiledReset",
    "CompiledStep",
    "Lacking",
    "Matcher",
    "compile_pattern",
]

_MOST_LEVELS = 21  # further from harm a pattern adds less than one millionth to the score


@dataclass(frozen=True, slots=True, eq=False)
class Matcher:
    """A condition with a key. labels: None when any labels fit; tests: what is left to ask of an event.

    live: judged with the facts of the completing action (`at: completion`), not with those of the event.
    reads_labels: a test looks at the event's labels too. asked: labels that `labels` mentions. when: the condition among the tests.
    """

    fits_action: ActionTest
    labels: LabelTest | None
    tests: tuple[EventTest, ...]
    key: tuple[tuple[str, Path], ...]
    asks_action: bool
    live: bool = False
    reads_labels: bool = False
    asked: frozenset[str] = frozenset()
    when: Condition | None = None

    def holds(self, event: Event) -> bool:
        """Whether the event fits the condition, its key aside; in full, for events seldom asked about."""
        return self.fits_action(event.request.action, event.declaration) and self.fits_event(event)

    def fits_event(self, event: Event) -> bool:
        """The same of an event whose action fits."""
        return (self.labels is None or self.labels(event.labels)) and all(test(event) for test in self.tests)

    def key_values(self, event: Event) -> dict[str, str] | None:
        """Its key values by variable; None when one is missing (rule R18)."""
        found = {variable: key_text(event.value(path)) for variable, path in self.key}
        values = {variable: value for variable, value in found.items() if value is not None}
        return values if len(values) == len(found) else None

    @property
    def variables(self) -> tuple[str, ...]:
        """The key variables, sorted."""
        return tuple(name for name, _ in self.key)


@dataclass(frozen=True, slots=True, eq=False)
class CompiledStep:
    """One step. slot: of its register; top_slot: of a top beside others, where all chains see it.

    key_out: variables its register is indexed by, those shared with its successor. children: (number,
    variables) of the steps that lead here. mask: bits of its whole subtree. resets: of the edge to its successor.
    bit: of a pattern without windows, keys and cuts, all that is to know of its register is whether there is one: then it has a
    bit of its own in the rule set, else 0 (see `mark`). differs: it is one of the steps whose events must differ; room: how many such steps an event of its subtree
    could also serve, None when there are none in its subtree (rule R13).
    """

    number: int
    name: str
    slot: int
    top_slot: int
    matcher: Matcher
    successor: int
    key_out: tuple[str, ...]
    children: tuple[tuple[int, tuple[str, ...]], ...]
    mask: int
    resets: tuple[CompiledReset, ...]
    bit: int
    differs: bool
    room: int | None


@dataclass(frozen=True, slots=True, eq=False)
class CompiledGuard:
    """G1. by: whose events count (rule R14). within_ms None: for ever. approves: it may be an approval."""

    number: int
    slot: int
    matcher: Matcher
    within_ms: int | None
    by: str


@dataclass(frozen=True, slots=True, eq=False)
class CompiledCut:
    """G2: an event that cuts the paths leaving some steps (rule R15). steps: their numbers."""

    matcher: Matcher
    steps: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CompiledReset:
    """G3: an event that cuts the edge leaving a step (rule R16); it is counted, see `Register.epoch`."""

    slot: int
    matcher: Matcher


@dataclass(frozen=True, slots=True, eq=False)
class CompiledCount:
    """Kind 5: more than `more_than` distinct values of `distinct` (None: every event is one)."""

    slot: int
    matcher: Matcher
    distinct: Path | None
    more_than: int


@dataclass(frozen=True, slots=True, eq=False)
class CompiledPattern:
    """A pattern as the engine runs it. number: its place in the rule set; harm_number: of its class of harm.

    tops: numbers of its tops; micros: contribution to the score by number of steps missing. levels: how many degrees of
    nearness are told apart; counts_for_risk: one that only watches does not raise the score. bits: of all its steps, 0
    when it is not plain (see `mark`): that of step n is `1 << shift + n`. unseen: the slot for actions whose key was not
    kept (see `unseen`), below zero as those of the parts count from it; None when no part has a key.
    """

    number: int
    harm_number: int
    id: str
    title: str
    severity: str
    on_match: str
    harm: str
    pack: str
    version: str
    scope: str
    principal: str
    relation: str
    within_ms: int | None
    steps: tuple[CompiledStep, ...]
    tops: tuple[int, ...]
    guards: tuple[CompiledGuard, ...]
    cuts: tuple[CompiledCut, ...]
    resets: tuple[CompiledReset, ...]
    count: CompiledCount | None
    micros: tuple[int, ...]
    levels: int
    counts_for_risk: bool
    bits: int
    shift: int
    unseen: int | None

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """Of all its parts."""
        parts = (*self.steps, *self.guards, *self.cuts, *self.resets, *((self.count,) if self.count else ()))
        return tuple(part.matcher for part in parts)

    @property
    def is_live(self) -> bool:
        """A condition of it is judged at the completing action."""
        return any(matcher.live for matcher in self.matchers)


class Lacking(NamedTuple):
    """A pattern that cannot say whether it is completed: a key is missing (rule R18).

    earlier: not of the action that is judged, but of one before it of which it was not kept.
    """

    pattern: CompiledPattern
    earlier: bool

    @property
    def told(self) -> str:
        """Why, for people."""
        name = self.pattern.id
        if self.earlier:
            return f"an earlier action fits a step of `{name}`, but its key was not kept, for no rule read it then"
        return f"the action fits a step of `{name}` but lacks its key"


def compile_pattern(
    policy: Policy,
    pattern: PatternDocument,
    weights: Weights,
    *,
    number: int,
    harm_number: int,
    slots: Iterator[int],
    bits: Iterator[int],
) -> CompiledPattern:
    """slots, bits: where new slots and numbers of bits come from. PolicyError (`not_supported`) names what this version cannot run."""
    resets = tuple(CompiledReset(next(slots), _matcher(reset, on_error=False)) for reset in pattern.without)
    steps = _Steps(pattern, resets, slots, bits).compiled()
    count = None
    if pattern.count is not None:
        distinct = parse_path(pattern.count.distinct) if pattern.count.distinct is not None else None
        matcher = _matcher(pattern.count.step, on_error=True)
        count = CompiledCount(next(slots), matcher, distinct, pattern.count.more_than)
    guards = tuple(
        CompiledGuard(
            place, next(slots), _matcher(guard, on_error=False), guard.within_ms, pattern.guard_by(guard)
        )
        for place, guard in enumerate(pattern.unless)
    )
    size = len(steps) if count is None else count.more_than + 1
    return CompiledPattern(
        number=number,
        harm_number=harm_number,
        id=pattern.id,
        title=pattern.effective_title,
        severity=pattern.severity,
        on_match=pattern.on_match,
        harm=pattern.effective_harm,
        pack=policy.pack.id,
        version=policy.pack.version,
        scope=pattern.scope,
        principal=pattern.principal,
        relation=pattern.effective_relation,
        within_ms=pattern.within_ms,
        steps=steps,
        tops=tuple(step.number for step in steps if step.successor < 0),
        guards=guards,
        cuts=tuple(_cut(pattern, sanitizer) for sanitizer in pattern.sanitized_by),
        resets=resets,
        count=count,
        micros=micros_by_missing(weights, pattern.severity),
        levels=min(size, _MOST_LEVELS),
        counts_for_risk=pattern.on_match != "monitor",
        bits=sum(step.bit for step in steps),
        shift=steps[0].bit.bit_length() - 1 if steps and steps[0].bit else 0,
        unseen=-1 - number
        if any(each.matcher.key for each in (*steps, *((count,) if count else ())))
        else None,
    )


class _Steps:
    """Numbers, edges and subtrees of a pattern's steps."""

    def __init__(
        self,
        pattern: PatternDocument,
        resets: tuple[CompiledReset, ...],
        slots: Iterator[int],
        bits: Iterator[int],
    ) -> None:
        self.pattern = pattern
        self.bits = bits if _is_plain(pattern) else None
        self.steps = pattern.steps
        self.numbers = {name: number for number, name in enumerate(pattern.steps)}
        self.resets = resets
        self.slots = slots

    def compiled(self) -> tuple[CompiledStep, ...]:
        return tuple(self._step(name) for name in self.steps)

    def _step(self, name: str) -> CompiledStep:
        step, numbers = self.steps[name], self.numbers
        if step.then is not None:
            key_out = _shared(step, self.steps[step.then])
        else:
            # Tops of a virtual AND root meet on their whole key (rejection C3 sees that it is the same).
            key_out = tuple(sorted(step.key)) if len(self.pattern.tops) > 1 else ()
        inside = self._subtree(name)
        differing = set(self.pattern.distinct)
        room = None
        if differing & inside:
            # Events of later steps on the path lie later anyway.
            room = len(differing - inside - self._path(name))
        return CompiledStep(
            number=numbers[name],
            name=name,
            slot=next(self.slots),
            top_slot=next(self.slots),
            matcher=_matcher(step, on_error=True),
            successor=numbers[step.then] if step.then is not None else -1,
            key_out=key_out,
            children=tuple(
                (numbers[child], _shared(self.steps[child], step))
                for child in self.steps
                if self.steps[child].then == name
            ),
            mask=sum(1 << numbers[each] for each in inside),
            resets=tuple(
                compiled
                for reset, compiled in zip(self.pattern.without, self.resets, strict=True)
                if reset.between[0] == name
            ),
            bit=1 << next(self.bits) if self.bits is not None else 0,
            differs=name in differing,
            room=room,
        )

    def _subtree(self, name: str) -> set[str]:
        feeding = [child for child, step in self.steps.items() if step.then == name]
        return {name}.union(*(self._subtree(child) for child in feeding))

    def _path(self, name: str) -> set[str]:
        then = self.steps[name].then
        return {then} | self._path(then) if then is not None else set()


def _is_plain(pattern: PatternDocument) -> bool:
    """True when a later register is never better than an earlier one, so that the first is enough."""
    return (
        pattern.scope == "session"
        and pattern.within_ms is None
        and len(pattern.tops) == 1
        and not (pattern.distinct or pattern.without or pattern.sanitized_by)
        and not any(step.key or step.at == "completion" for step in pattern.steps.values())
    )


def _cut(pattern: PatternDocument, sanitizer: Sanitizer) -> CompiledCut:
    # A subtree is cut when one of its steps cannot hold without the labels that go.
    needing = {
        name for name, step in pattern.steps.items() if not sanitizer.removes or _needs(step, sanitizer)
    }
    steps: set[int] = set()
    for number, name in enumerate(pattern.steps):
        inside = {name}
        while more := {child for child, step in pattern.steps.items() if step.then in inside} - inside:
            inside |= more
        if inside & needing:
            steps.add(number)
    return CompiledCut(_matcher(sanitizer, on_error=False), tuple(sorted(steps)))


def _needs(step: EventCondition, sanitizer: Sanitizer) -> bool:
    if step.labels is None:
        return False
    removed, any_of = set(sanitizer.removes), set(step.labels.any)
    return not removed.isdisjoint(step.labels.all) or (bool(any_of) and any_of <= removed)


def _shared(step: EventCondition, successor: EventCondition) -> tuple[str, ...]:
    return tuple(sorted(set(step.key) & set(successor.key)))


def _matcher(condition: EventCondition, *, on_error: bool) -> Matcher:
    when = compile_when(condition)
    return Matcher(
        fits_action=compile_action_test(condition),
        labels=compile_label_test(condition),
        tests=compile_event_tests(condition, when, on_error=on_error),
        key=tuple((variable, parse_path(text)) for variable, text in sorted(condition.key.items())),
        asks_action=bool(condition.action or condition.effects),
        live=condition.at == "completion",
        reads_labels=condition.when is not None and "labels" in condition.when,
        asked=labels_asked(condition),
        when=when,
    )
