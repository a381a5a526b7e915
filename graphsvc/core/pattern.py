"""Patterns in the form the engine runs: steps by number, keys as expressions, parts found by index."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphsvc.core.condition import ActionTest, EventTest, compile_action_test, compile_event_tests
from graphsvc.core.event import Event
from graphsvc.core.policy.condition import EventCondition
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.expression import Path, parse_path
from graphsvc.core.policy.pattern import Pattern as PatternDocument
from graphsvc.core.score import Weights, micros_by_missing
from graphsvc.core.value import key_text
from graphsvc.errors import PolicyError

__all__ = [
    "Binding",
    "CompiledCount",
    "CompiledGuard",
    "CompiledPattern",
    "CompiledStep",
    "Matcher",
    "compile_pattern",
]

# Values of a step's key variables for one event, by variable.
Binding = dict[str, str]


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition with a key: whether an event matches, and with which key values."""

    fits_action: ActionTest
    tests: tuple[EventTest, ...]
    key: tuple[tuple[str, Path], ...]
    asks_action: bool

    def binding(self, event: Event) -> Binding | None:
        """Key values when every test holds and no key value is missing, else None (rule R18)."""
        for test in self.tests:
            if not test(event):
                return None
        return self.key_values(event)

    def key_values(self, event: Event) -> Binding | None:
        """Key values alone; None when one is missing."""
        binding: Binding = {}
        for variable, path in self.key:
            value = key_text(event.value(path))
            if value is None:
                return None
            binding[variable] = value
        return binding

    def lacks_key(self, event: Event) -> bool:
        """True when the action fits but a key value is missing, which must not be a way round (R18)."""
        if not self.key or self.key_values(event) is not None:
            return False
        # Without a condition on the action itself, only an event that would otherwise match fits.
        return self.asks_action or all(test(event) for test in self.tests)


@dataclass(frozen=True, slots=True)
class CompiledStep:
    """One step. key_out: variables its register is indexed by, those shared with its successor.

    children: (number, variables) of the steps that lead here. mask: bits of its whole subtree.
    """

    number: int
    name: str
    matcher: Matcher
    successor: int
    key_out: tuple[str, ...]
    children: tuple[tuple[int, tuple[str, ...]], ...]
    mask: int


@dataclass(frozen=True, slots=True)
class CompiledGuard:
    """G1. by: whose events count (rule R14). within_ms None: for ever."""

    number: int
    matcher: Matcher
    variables: tuple[str, ...]
    within_ms: int | None
    by: str


@dataclass(frozen=True, slots=True)
class CompiledCount:
    """Kind 5: more than `more_than` distinct values of `distinct` (None: every event is one)."""

    matcher: Matcher
    distinct: Path | None
    more_than: int


@dataclass(frozen=True, slots=True)
class CompiledPattern:
    """A pattern as the engine runs it. tops: numbers of its tops; micros: by number of steps missing."""

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
    steps: tuple[CompiledStep, ...] = ()
    tops: tuple[int, ...] = ()
    guards: tuple[CompiledGuard, ...] = ()
    count: CompiledCount | None = None
    micros: tuple[int, ...] = field(default=(0,))

    @property
    def size(self) -> int:
        """How many steps lead to harm; of a count one more than it tolerates."""
        return len(self.steps) if self.count is None else self.count.more_than + 1

    @property
    def counts_for_risk(self) -> bool:
        """A pattern that only watches does not raise the score."""
        return self.on_match != "monitor"


def compile_pattern(policy: Policy, pattern: PatternDocument, weights: Weights) -> CompiledPattern:
    """PolicyError (`not_supported`) names what of the pattern this version cannot run."""
    _refuse_unsupported(policy, pattern)
    names = {name: number for number, name in enumerate(pattern.steps)}
    steps = tuple(_compile_step(pattern, names, name) for name in pattern.steps)
    count = None
    if pattern.count is not None:
        counted = pattern.count
        distinct = parse_path(counted.distinct) if counted.distinct is not None else None
        count = CompiledCount(_matcher(counted.step), distinct, counted.more_than)
    guards = tuple(
        CompiledGuard(
            number, _matcher(guard), tuple(sorted(guard.key)), guard.within_ms, pattern.guard_by(guard)
        )
        for number, guard in enumerate(pattern.unless)
    )
    return CompiledPattern(
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
        tops=tuple(names[name] for name in pattern.tops),
        guards=guards,
        count=count,
        micros=micros_by_missing(weights, pattern.severity),
    )


def _compile_step(pattern: PatternDocument, names: dict[str, int], name: str) -> CompiledStep:
    step = pattern.steps[name]
    if step.then is not None:
        key_out = _shared(step, pattern.steps[step.then])
    else:
        # Tops of a virtual AND root meet on their whole key (rejection C3 sees that it is the same).
        key_out = tuple(sorted(step.key)) if len(pattern.tops) > 1 else ()
    children = tuple(
        (names[child], _shared(pattern.steps[child], step))
        for child in pattern.steps
        if pattern.steps[child].then == name
    )
    return CompiledStep(
        number=names[name],
        name=name,
        matcher=_matcher(step),
        successor=names[step.then] if step.then is not None else -1,
        key_out=key_out,
        children=children,
        mask=_subtree(pattern, names, name),
    )


def _subtree(pattern: PatternDocument, names: dict[str, int], name: str) -> int:
    mask = 1 << names[name]
    for child, step in pattern.steps.items():
        if step.then == name:
            mask |= _subtree(pattern, names, child)
    return mask


def _shared(step: EventCondition, successor: EventCondition) -> tuple[str, ...]:
    return tuple(sorted(set(step.key) & set(successor.key)))


def _matcher(condition: EventCondition) -> Matcher:
    return Matcher(
        fits_action=compile_action_test(condition),
        tests=compile_event_tests(condition),
        key=tuple((variable, parse_path(text)) for variable, text in sorted(condition.key.items())),
        asks_action=bool(condition.action or condition.effects),
    )


def _refuse_unsupported(policy: Policy, pattern: PatternDocument) -> None:
    conditions: list[EventCondition] = [*pattern.steps.values(), *pattern.unless]
    if pattern.count is not None:
        conditions.append(pattern.count.step)
    unsupported = {
        "rights": pattern.rights is not None,
        "reach": pattern.reach is not None,
        "scope": pattern.scope == "data",
        "relation": pattern.effective_relation == "flow",
        "without": bool(pattern.without),
        "sanitized_by": bool(pattern.sanitized_by),
        "distinct": bool(pattern.distinct),
        "steps": any(condition.when is not None or condition.at == "completion" for condition in conditions),
    }
    for part, used in unsupported.items():
        if used:
            line, column = policy.where(pattern.id, part)
            what = "`when` and `at: completion` in conditions" if part == "steps" else f"`{part}`"
            raise PolicyError(
                f"pattern `{pattern.id}`: {what} as used here is not run by this version; remove it or upgrade",
                file=policy.source.file,
                line=line,
                column=column,
                rule="not_supported",
            )
