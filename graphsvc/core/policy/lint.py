"""Findings about policies that load but probably do not say what their author meant; they never refuse."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from graphsvc.core.glob import is_literal, literal_length
from graphsvc.core.policy.check import EMITTED, RESERVED
from graphsvc.core.policy.condition import EventCondition, LabelCondition
from graphsvc.core.policy.cover import covers, overlaps
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.lint_provenance import provenance_findings
from graphsvc.core.policy.lint_shadow import shadowed_patterns
from graphsvc.core.policy.pattern import Guard, Pattern
from graphsvc.core.policy.problem import suggest

__all__ = ["CODES", "Finding", "lint"]

Severity: TypeAlias = Literal["warning", "info"]
Place: TypeAlias = tuple[str | int, ...]

CODES: Final = {
    "vacuous": "a condition that always or never holds",
    "shadowed_action": "an `actions` entry that another one always beats",
    "shadowed_pattern": "a pattern that another one covers, answering no less severely",
    "unknown_action": "an action that no `actions` entry describes",
    "unknown_label": "a label that nothing known produces",
    "inverted_guard": "a guard that the risky path itself satisfies",
    "self_approval": "a guard by which the acting person approves themselves",
    "standing_approval": "`unless` naming `review:Approve`: one approval serves many requests",
    "unknown_pattern": "a test that names a pattern which does not exist",
    "untested": "a pattern that no test completes",
    "provenance_gap": "a level and request for which the provenance table has no row, so it denies",
    "provenance_milder": "a cell that is milder for a worse fact, or for an effect that is harder to undo",
    "impossible_step": "a step that no identity of the graph may do (with a graph only)",
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Finding:
    """One finding; `code` is a key of CODES, line and column count from 1."""

    file: str
    line: int
    column: int
    code: str
    message: str
    severity: Severity = "warning"

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {self.message} [{self.code}]"


def lint(policies: Sequence[Policy]) -> list[Finding]:
    """All findings over the packs that are loaded together, ordered by file, line and column."""
    found: list[Finding] = []
    names = _Names.of(policies)
    for policy in policies:
        for message, place, code, severity in _policy(policy, names):
            line, column = policy.source.at(*place)
            found.append(
                Finding(
                    file=policy.source.file,
                    line=line,
                    column=column,
                    code=code,
                    message=message,
                    severity=severity,
                )
            )
    found.extend(_shadowed(policies))
    found.extend(_shadowed_patterns(policies))
    return sorted(set(found))


@dataclass(frozen=True, slots=True)
class _Names:
    """What the loaded packs know: action globs, labels that something produces, patterns, completed ones."""

    actions: frozenset[str]
    labels: frozenset[str]
    patterns: frozenset[str]
    completed: frozenset[str]

    @classmethod
    def of(cls, policies: Iterable[Policy]) -> _Names:
        actions: set[str] = set()
        labels: set[str] = set()
        patterns: set[str] = set()
        completed: set[str] = set()
        for policy in policies:
            actions.update(policy.actions)
            patterns.update(pattern.id for pattern in policy.patterns)
            for declaration in policy.actions.values():
                labels.update(declaration.result.labels)
            for test in policy.tests:
                for node in test.graph.nodes:
                    given = node.get("labels")
                    labels.update(str(label) for label in given) if isinstance(given, list) else None
                for event in test.trace:
                    labels.update(event.labels)
                    completed.update(event.completes or ())
        return cls(frozenset(actions), frozenset(labels), frozenset(patterns), frozenset(completed))


_Found: TypeAlias = tuple[str, Place, str, Severity]


def _policy(policy: Policy, names: _Names) -> Iterator[_Found]:
    settings = policy.settings
    if (
        settings.escalate_at is not None
        and settings.deny_at is not None
        and settings.escalate_at >= settings.deny_at
    ):
        yield (
            "`escalate_at` never acts, for `deny_at` is not above it; lower it",
            ("settings", "escalate_at"),
            "vacuous",
            "warning",
        )
    for message, place, code in provenance_findings(policy):
        yield message, place, code, "warning"
    for index, pattern in enumerate(policy.patterns):
        base: Place = ("patterns", index)
        for message, place, code, severity in _pattern(pattern, policy, names):
            yield message, (*base, *place), code, severity
    for index, test in enumerate(policy.tests):
        for at, event in enumerate(test.trace):
            for name in event.completes or ():
                if name not in names.patterns:
                    message = f"no loaded pack has a pattern `{name}`{suggest(name, names.patterns)}"
                    yield message, ("tests", index, "trace", at, "completes"), "unknown_pattern", "warning"


def _pattern(pattern: Pattern, policy: Policy, names: _Names) -> Iterator[_Found]:
    if pattern.id not in names.completed:
        yield (
            f"no test completes `{pattern.id}`; add one with `completes: [{pattern.id}]`",
            ("id",),
            "untested",
            # Packs of these are mostly asked by `explore`, where nothing completes.
            "warning" if pattern.kind in {"steps", "count"} else "info",
        )
    for place, condition in _conditions(pattern):
        yield from _vacuous(place, condition)
        yield from _effectless(place, condition, policy)
        yield from _unknown_actions(place, condition, names)
        yield from _unknown_labels(place, condition, names)
    for index, guard in enumerate(pattern.unless):
        yield from _guard(pattern, index, guard)
    for index, sanitizer in enumerate(pattern.sanitized_by):
        for label in sanitizer.removes:
            yield from _label(label, ("sanitized_by", index, "removes"), names)


def _conditions(pattern: Pattern) -> Iterator[tuple[Place, EventCondition]]:
    for name, step in pattern.steps.items():
        yield ("steps", name), step
    if pattern.count is not None:
        yield ("count", "step"), pattern.count.step
    for part, guards in (
        ("unless", pattern.unless),
        ("sanitized_by", pattern.sanitized_by),
        ("without", pattern.without),
    ):
        for index, guard in enumerate(guards):
            yield (part, index), guard


def _vacuous(place: Place, condition: EventCondition) -> Iterator[_Found]:
    if condition.is_unconditional:
        yield (
            "this matches every event; give it an action, effects or another condition",
            place,
            "vacuous",
            "warning",
        )
    resource = condition.resource.labels if condition.resource is not None else None
    for labels, where in ((condition.labels, ("labels",)), (resource, ("resource", "labels"))):
        if labels is not None and (reason := _never(labels)) is not None:
            yield reason, (*place, *where), "vacuous", "warning"


def _never(labels: LabelCondition) -> str | None:
    refused = set(labels.none)
    if both := sorted(refused & set(labels.all)):
        return f"this never holds: `{both[0]}` is in `all` and in `none`; remove one"
    if labels.any and refused >= set(labels.any):
        return "this never holds: every label of `any` is in `none`; remove one"
    return None


def _effectless(place: Place, condition: EventCondition, policy: Policy) -> Iterator[_Found]:
    """An action with a declaration of its own whose effects are none of those asked for."""
    if not condition.action or not condition.effects:
        return
    for action in condition.action:
        declared = policy.actions.get(action) if is_literal(action) else None
        if declared is None or set(declared.effects) & set(condition.effects):
            return
    wanted = ", ".join(f"`{effect}`" for effect in condition.effects)
    yield (
        f"this never holds: no action listed here has the effect {wanted}",
        (*place, "effects"),
        "vacuous",
        "warning",
    )


def _unknown_actions(place: Place, condition: EventCondition, names: _Names) -> Iterator[_Found]:
    if condition.effects:
        return
    known = names.actions | set(EMITTED)
    for at, action in enumerate(condition.action):
        if any(overlaps(action, declared) for declared in known):
            continue
        where = (*place, "action", at)
        if action.startswith(RESERVED):
            yield (
                f"the service never emits `{action}`{suggest(action, EMITTED)}",
                where,
                "unknown_action",
                "warning",
            )
            continue
        near = suggest(action, known)
        # A pack that declares nothing in this namespace most likely means to name actions only.
        namespace = action.partition(":")[0] + ":"
        is_likely_slip = bool(near) or any(name.startswith(namespace) for name in names.actions)
        message = f"no `actions` entry describes `{action}`, so it has no effects{near or '; declare it'}"
        yield message, where, "unknown_action", "warning" if is_likely_slip else "info"


def _unknown_labels(place: Place, condition: EventCondition, names: _Names) -> Iterator[_Found]:
    resource = condition.resource.labels if condition.resource is not None else None
    for labels, where in ((condition.labels, ("labels",)), (resource, ("resource", "labels"))):
        if labels is not None:
            for label in (*labels.any, *labels.all):
                yield from _label(label, (*place, *where), names)


def _label(label: str, place: Place, names: _Names) -> Iterator[_Found]:
    if label not in names.labels:
        near = suggest(label, names.labels) or "; resources or reports must carry it"
        yield f"no declaration and no test produces the label `{label}`{near}", place, "unknown_label", "info"


def _guard(pattern: Pattern, index: int, guard: Guard) -> Iterator[_Found]:
    by = pattern.guard_by(guard)
    approval = next((action for action in guard.action if overlaps(action, "review:Approve")), None)
    if approval is not None:
        lasting = "for ever" if guard.within_ms is None else "until `within` has passed"
        yield (
            f"a standing approval: one `review:Approve` lets every later request with this key pass {lasting}",
            ("unless", index),
            "standing_approval",
            "warning",
        )
        if by == "same" and pattern.scope == "principal":
            yield (
                "`by: same` lets the acting person approve themselves; use `by: other`",
                ("unless", index, "by"),
                "self_approval",
                "warning",
            )
    if by == "other":
        return
    steps = pattern.steps.items() if pattern.count is None else (("count", pattern.count.step),)
    for name, step in steps:
        if _satisfies(step, guard):
            yield (
                f"the step `{name}` itself satisfies this guard, so the path excuses itself; name another action",
                ("unless", index),
                "inverted_guard",
                "warning",
            )
            break


def _satisfies(step: EventCondition, guard: Guard) -> bool:
    """True when every action of the step is one that the guard accepts, and the guard asks nothing more."""
    asks_more = (
        guard.labels or guard.subject or guard.resource or guard.destination or guard.argument or guard.when
    )
    if asks_more or guard.effects or not guard.action:
        return False
    return bool(step.action) and all(
        any(covers(wide, action) for wide in guard.action) for action in step.action
    )


def _shadowed(policies: Sequence[Policy]) -> Iterator[Finding]:
    ordered = sorted(policies, key=lambda policy: (policy.pack.order, policy.pack.id))
    entries = [
        (pack, at, glob, policy)
        for pack, policy in enumerate(ordered)
        for at, glob in enumerate(policy.actions)
    ]
    for pack, at, glob, policy in entries:
        for other_pack, other_at, other, winner in entries:
            if (
                other_pack < pack
                or (other_pack == pack and other_at >= at)
                or (pack, at) == (other_pack, other_at)
            ):
                continue
            if _beats(other, glob):
                line, column = policy.source.at("actions", glob)
                theirs = winner.source.at("actions", other)[0]
                message = (
                    f"`{glob}` never describes an action: `{other}` in {winner.source.file}:{theirs} beats it"
                )
                yield Finding(
                    file=policy.source.file,
                    line=line,
                    column=column,
                    code="shadowed_action",
                    message=message,
                    # Over packs this is how a site's overlay works.
                    severity="warning" if pack == other_pack else "info",
                )
                break


def _shadowed_patterns(policies: Sequence[Policy]) -> Iterator[Finding]:
    for policy, place, theirs, other in shadowed_patterns(policies):
        line, column = policy.source.at("patterns", place)
        where = "" if theirs is policy else f" in {theirs.source.file}"
        yield Finding(
            file=policy.source.file,
            line=line,
            column=column,
            code="shadowed_pattern",
            message=f"whatever completes `{policy.patterns[place].id}` completes `{other.id}`{where}, which answers no less severely",
            severity="warning" if theirs is policy else "info",
        )


def _beats(other: str, glob: str) -> bool:
    """True when `other`, preferred at equal rank, describes every action that `glob` matches."""
    if other == glob:
        return True
    if is_literal(glob):
        return False
    return literal_length(other) >= literal_length(glob) and covers(other, glob)
