"""The rules beyond the schema for which a policy is refused: C1-C9 and the limits of R13-R17, R23, R25."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

from graphsvc.core.cel import ConditionError, compile_condition
from graphsvc.core.glob import is_literal, matches
from graphsvc.core.policy.condition import EventCondition
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.mention import foreign_steps, has_ordering
from graphsvc.core.policy.pattern import Pattern, RightsPattern
from graphsvc.core.policy.problem import suggest
from graphsvc.core.policy.tree import ROOT, cycle_from, path_between
from graphsvc.core.policy.where import BINDING, WhereError, parse_where
from graphsvc.errors import PolicyError

__all__ = ["EMITTED", "MAX_STEPS", "RESERVED", "check"]

MAX_STEPS: Final = 16
RESERVED: Final = ("review:", "grant:", "signal:")
# The events that the service itself writes into the log, the only ones in the reserved namespaces.
EMITTED: Final = ("review:Approve", "review:Reject", "grant:Create", "grant:Revoke", "signal:Receive")


class Inside(NamedTuple):
    """The last part of a place: a line and column within the text there, from 1."""

    line: int
    column: int


Problem: TypeAlias = tuple[str, tuple[Any, ...], str]
_EDGE: Final = "; name an edge of this pattern"
_FORMS: Final = ("steps", "count", "rights", "reach")
_TREE_ONLY: Final = ("relation", "sanitized_by", "without", "distinct")


def check(policy: Policy) -> list[PolicyError]:
    """Every rule that the policy breaks, in file order; `rule` is the code (`C1`, `R15`, `guard_key`, ...)."""
    found: list[PolicyError] = []
    source = policy.source
    seen: dict[str, int] = {}
    for index, pattern in enumerate(policy.patterns):
        line, _ = source.at("patterns", index, "id")
        mine: list[Problem] = []
        if pattern.id in seen:
            first = f"first in line {seen[pattern.id]}"
            mine.append(
                (f"the pattern id `{pattern.id}` is used twice, {first}; rename one", ("id",), "duplicate_id")
            )
        seen.setdefault(pattern.id, line)
        mine.extend(_pattern(pattern))
        for message, place, rule in mine:
            line, column = source.at("patterns", index, *place)
            if isinstance(place[-1], int) or place[-1] in {"id", "then"}:
                line, column = source.value_at("patterns", index, *place)
            elif isinstance(place[-1], Inside):
                *place_of_text, inside = place
                place = tuple(place_of_text)
                line, column = source.inside(
                    "patterns", index, *place, line=inside.line, column=inside.column
                )
            field = ".".join(str(part) for part in ("patterns", index, *place))
            found.append(
                PolicyError(message, file=source.file, line=line, column=column, rule=rule, field=field)
            )
    found.extend(_provenance(policy))
    return sorted(found, key=lambda problem: (problem.line, problem.column))


def _provenance(policy: Policy) -> Iterator[PolicyError]:
    """One cell must say one thing: no two rows for the same level and request."""
    if policy.provenance is None:
        return
    first: dict[tuple[str, int], int] = {}
    for index, row in enumerate(policy.provenance.table):
        line, column = policy.source.at("provenance", "table", index)
        for key in ((when, level) for when in row.when for level in row.level):
            if key in first:
                message = f"`{key[0]}` at level {key[1]} has a row already, in line {first[key]}; keep one"
                field = f"provenance.table.{index}"
                yield PolicyError(
                    message,
                    file=policy.source.file,
                    line=line,
                    column=column,
                    rule="provenance_row",
                    field=field,
                )
            else:
                first[key] = line


def _pattern(pattern: Pattern) -> Iterator[Problem]:
    yield from _forms(pattern)
    yield from _emitted(pattern)
    yield from _scope(pattern)
    yield from _conditions(pattern)
    if pattern.kind == "steps" and pattern.steps:
        forest = list(_forest(pattern))
        yield from forest
        yield from _mentions(pattern)
        yield from _sanitizers(pattern)
        if not forest:
            # Keys and edges mean something only in a forest.
            yield from _keys(pattern)
            yield from _resets(pattern)
            yield from _guard_keys(pattern, [set(pattern.steps[top].key) for top in pattern.tops])
    else:
        if pattern.rights is not None:
            yield from _rights(pattern.rights)
        bound = set(pattern.count.step.key) if pattern.count is not None else set()
        yield from _guard_keys(pattern, [bound])


def _forms(pattern: Pattern) -> Iterator[Problem]:
    given = [name for name in _FORMS if name in pattern.model_fields_set]
    if len(given) != 1:
        what = f"it has {' and '.join(f'`{name}`' for name in given)}" if given else "it has none"
        yield (
            f"the pattern `{pattern.id}` needs exactly one of `steps`, `count`, `rights`, `reach`; {what}",
            (given[1],) if given else ("id",),
            "kind",
        )
        return
    if given[0] == "steps":
        if not pattern.steps:
            yield f"the pattern `{pattern.id}` has no steps; name at least one", ("steps",), "kind"
        return
    of_graph = ("scope", "principal", "within_ms") if given[0] in {"rights", "reach"} else ()
    for name in (*_TREE_ONLY, *of_graph):
        if name in pattern.model_fields_set and getattr(pattern, name) != "session":
            name = name.removesuffix("_ms")
            yield f"`{name}` has no meaning beside `{given[0]}`; remove it", (name,), "kind"


def _forest(pattern: Pattern) -> Iterator[Problem]:
    steps = pattern.steps
    if len(steps) > MAX_STEPS:
        yield (
            f"the pattern `{pattern.id}` has {len(steps)} steps, more than {MAX_STEPS}; split it",
            ("steps",),
            "C8",
        )
    then = {name: step.then for name, step in steps.items()}
    told: set[str] = set()
    for name, following in then.items():
        if following is not None and following not in steps:
            near = suggest(following, steps) or f"; steps are {', '.join(f'`{each}`' for each in steps)}"
            yield f"`then` names `{following}`, which is no step{near}", ("steps", name, "then"), "C1"
        elif name not in told and (cycle := cycle_from(name, then)):
            told.update(cycle)
            way = " -> ".join(f"`{each}`" for each in (*cycle, name))
            yield f"steps lead in a circle, {way}; remove one `then`", ("steps", name, "then"), "C1"
    for index, name in enumerate(pattern.distinct):
        if name not in steps:
            near = suggest(name, steps)
            yield f"`distinct` names `{name}`, which is no step{near}", ("distinct", index), "R13"
    if pattern.distinct and len(set(pattern.distinct)) < 2:
        yield "`distinct` compares steps with each other; name at least two", ("distinct",), "R13"


def _rights(rights: RightsPattern) -> Iterator[Problem]:
    place = ("rights", "where") if rights.where is not None else ("rights",)
    spoken: frozenset[str] = frozenset()
    if rights.where is not None:
        try:
            spoken = parse_where(rights.where).variables
        except WhereError as error:
            yield f"`where` {error}", (*place, Inside(1, error.column)), "where"
            return
    held = {right.on[1:] for right in rights.all_of if right.on is not None and right.on.startswith("$")}
    for name in sorted(spoken - held):
        # A variable that no right is held on may take any value that the graph allows it.
        if not any(
            call.function in BINDING
            for call in parse_where(rights.where or "").calls
            if name in call.variables
        ):
            yield f"no right is held on `${name}`; add one to `all_of`, or remove it", place, "where"
    gives = rights.gives
    for part, text in (("assume", gives.assume), ("on", gives.on)) if gives is not None else ():
        if text is not None and text.startswith("$") and text[1:] not in held | spoken:
            known = ", ".join(f"`${name}`" for name in sorted(held | spoken)) or "none"
            yield (
                f"`gives` names `{text}`; use a variable of this pattern: {known}",
                ("rights", "gives", part),
                "rights",
            )


def _keys(pattern: Pattern) -> Iterator[Problem]:
    steps = pattern.steps
    then = {name: step.then for name, step in steps.items()}
    for variable in dict.fromkeys(variable for step in steps.values() for variable in step.key):
        users = [name for name, step in steps.items() if variable in step.key]
        for name in users[1:]:
            between = path_between(users[0], name, then)
            gap = next((each for each in between if each != ROOT and variable not in steps[each].key), None)
            if gap is not None:
                yield (
                    f"`{variable}` binds `{users[0]}` and `{name}`, but not `{gap}` between; add it to that key",
                    ("steps", name, "key", variable),
                    "C2",
                )
                break
    first, *others = pattern.tops
    for top in others:
        if set(steps[top].key) != set(steps[first].key):
            differing = ", ".join(f"`{name}`" for name in sorted(set(steps[top].key) ^ set(steps[first].key)))
            yield (
                f"the tops `{first}` and `{top}` must bind the same key variables; one lacks {differing}",
                ("steps", top, "key") if steps[top].key else ("steps", top),
                "C3",
            )


def _scope(pattern: Pattern) -> Iterator[Problem]:
    scope, relation = pattern.scope, pattern.relation
    if pattern.kind not in {"steps", "count"}:
        return
    if scope == "principal" and relation not in {None, "log"}:
        yield (
            f"`relation: {relation}` is not possible in principal scope; use `log` or remove it",
            ("relation",),
            "R25",
        )
    if scope == "data" and relation == "log":
        yield "`relation: log` is not possible in data scope; use `flow` or `causal`", ("relation",), "R25"
    if pattern.within_ms is None and scope != "session":
        rule = "R17" if pattern.kind == "count" else "R23" if scope == "data" else "C4"
        yield (
            f"scope `{scope}` reaches over sessions and needs a window; add `within`, such as 24h",
            ("scope",),
            rule,
        )
    if scope == "data" and pattern.kind == "count":
        yield "a count has no data flow; use scope `session` or `principal`", ("scope",), "R23"
    if scope == "data" and len(pattern.tops) > 1:
        tops = ", ".join(f"`{name}`" for name in pattern.tops)
        yield f"scope `data` needs a single top, but {tops} lead nowhere; add `then`", ("scope",), "R23"


def _guards(pattern: Pattern) -> Iterator[tuple[str, int, EventCondition]]:
    for index, guard in enumerate(pattern.unless):
        yield "unless", index, guard
    for index, sanitizer in enumerate(pattern.sanitized_by):
        yield "sanitized_by", index, sanitizer
    for index, reset in enumerate(pattern.without):
        yield "without", index, reset


def _emitted(pattern: Pattern) -> Iterator[Problem]:
    for part, index, condition in _guards(pattern):
        for at, action in enumerate(condition.action):
            if action.startswith(RESERVED) and not _is_emitted(action):
                near = suggest(action, EMITTED)
                yield (
                    f"nothing ever emits `{action}`; the service emits {', '.join(f'`{e}`' for e in EMITTED)}{near}",
                    (part, index, "action", at),
                    "C9",
                )


def _is_emitted(action: str) -> bool:
    return action in EMITTED if is_literal(action) else any(matches(action, event) for event in EMITTED)


def _asking(pattern: Pattern) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Every `when`, with its place."""
    conditions: list[tuple[tuple[str | int, ...], EventCondition]] = [
        (("steps", name), step) for name, step in pattern.steps.items()
    ]
    conditions += [((part, index), condition) for part, index, condition in _guards(pattern)]
    if pattern.count is not None:
        conditions.append((("count", "step"), pattern.count.step))
    for place, condition in conditions:
        if condition.when is not None:
            yield (*place, "when"), condition.when


def _conditions(pattern: Pattern) -> Iterator[Problem]:
    for place, text in _asking(pattern):
        if any(foreign_steps(text, pattern.steps)):
            continue
        try:
            compile_condition(text)
        except ConditionError as error:
            yield (
                f"`when` is not a condition: {error}",
                (*place, Inside(error.line, error.column)),
                "condition",
            )


def _mentions(pattern: Pattern) -> Iterator[Problem]:
    for place, text in _asking(pattern):
        for foreign in foreign_steps(text, pattern.steps):
            ordering = has_ordering(text)
            fix = (
                "only equality over steps can be tested; bind both to one key variable"
                if ordering
                else "a condition sees its own event only; bind both steps to one key variable"
            )
            yield f"`when` looks at the step `{foreign}`; {fix}", place, "C6" if ordering else "C7"


def _sanitizers(pattern: Pattern) -> Iterator[Problem]:
    if pattern.sanitized_by and pattern.effective_relation == "log":
        yield (
            "`sanitized_by` cuts flow paths and needs relation `flow` or `causal`, not `log`; use one, or remove it",
            ("sanitized_by",),
            "R15",
        )


def _resets(pattern: Pattern) -> Iterator[Problem]:
    steps = pattern.steps
    for index, reset in enumerate(pattern.without):
        start, end = reset.between
        if (unknown := next((name for name in reset.between if name not in steps), None)) is not None:
            near = suggest(unknown, steps) or _EDGE
            yield f"`between` names `{unknown}`, which is no step{near}", ("without", index, "between"), "R16"
        elif steps[start].then != end:
            turned = f"; turn it round: [{end}, {start}]" if steps[end].then == start else ""
            yield (
                f"`between` must name a step and the one it leads to, but `{start}` does not lead to `{end}`{turned or _EDGE}",
                ("without", index, "between"),
                "R16",
            )
        else:
            shared = set(steps[start].key) & set(steps[end].key)
            for variable in reset.key:
                if variable not in shared:
                    yield (
                        f"`{start}` and `{end}` do not both bind `{variable}`; use a shared key variable",
                        ("without", index, "key", variable),
                        "R16",
                    )


def _guard_keys(pattern: Pattern, bound: list[set[str]]) -> Iterator[Problem]:
    common = set.intersection(*bound)
    for index, guard in enumerate(pattern.unless):
        for variable in guard.key:
            if variable not in common:
                what = (
                    f"bound are {', '.join(f'`{n}`' for n in sorted(common))}" if common else "none is bound"
                )
                yield (
                    f"the guard's key variable `{variable}` is not bound where the pattern completes; {what}",
                    ("unless", index, "key", variable),
                    "guard_key",
                )
