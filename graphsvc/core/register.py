"""Max-min registers: whether an action completes a pattern, in time independent of history.

Theory of operation. For a place x and a step s, the register L_s(x) is the newest possible earliest
time among all matches of s's subtree at or before x. Subtrees of different children share only the
key, so the best choice for each child is independent; and a match that starts later is at least as
good for every future window test. Hence one number per (step, place, key) replaces the unbounded set
of partial matches, and the theorem holds: the rule below is true iff a match exists by definition.

    in[s]  = register of s before this action (of its chain's head, or of the scope in log order)
    if s matches and every child c has in[c]:  v = min(now, in[c] ...)
        if v >= now - window:  out[s] = max(in[s], v)
    complete iff some top s was set by this action and every other top has been set within the window

INVARIANT: children are tested on `in`, never on `out`: an action does not precede itself (R13).
INVARIANT: nothing here writes; what would change is returned as a delta.
Source: docs/semantics.md, "Registers". Counting keeps the N+1 newest distinct values, which decides
"more than N inside the window" exactly: if more than N are live, the N+1 newest are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import msgspec

from graphsvc.core.event import Event
from graphsvc.core.pattern import Binding, CompiledGuard, CompiledPattern, CompiledStep
from graphsvc.core.progress import advance_levels
from graphsvc.core.ruleset import Candidates
from graphsvc.core.state import Delta, Head, Progress, Register, StateView
from graphsvc.core.value import key_text

__all__ = ["Advance", "Match", "advance", "merge_heads", "scopes_of"]

Counted = tuple[str, int, str]  # value, time, action


class Match(msgspec.Struct, frozen=True, gc=False):
    """A completed pattern: the scope instance, the key, and one witness of every top.

    counted: for counting patterns the actions counted, oldest first, this one last.
    """

    pattern: CompiledPattern
    scope: str
    key: Binding
    tops: tuple[Register, ...] = ()
    counted: tuple[str, ...] = ()


class Advance(msgspec.Struct):
    """What an action would change and complete. head: registers after it, in happened-before order.

    levels: progress by scope for the patterns that moved.
    """

    head: Head
    delta: Delta = msgspec.field(default_factory=dict)
    matches: list[Match] = msgspec.field(default_factory=list)
    key_missing: list[CompiledPattern] = msgspec.field(default_factory=list)
    levels: dict[str, dict[str, tuple[int | None, ...]]] = msgspec.field(default_factory=dict)


def scopes_of(pattern: CompiledPattern, event: Event) -> tuple[str, ...]:
    """Names of the scope instances that the action belongs to for a pattern (rule R22)."""
    if pattern.scope == "session":
        return (f"s:{event.session}",)
    match pattern.principal:
        case "actor":
            return (f"p:{event.actor}",)
        case "root":
            return (f"p:{event.root}",)
    return tuple(f"p:{principal}" for principal in event.principals)


def merge_heads(heads: Iterable[Head]) -> Head:
    """Registers of a place with several predecessors: of each the newest start."""
    merged: dict[tuple[str, int, tuple[str, ...]], Register] = {}
    for head in heads:
        if not merged:
            merged = dict(head)
            continue
        for key, register in head.items():
            held = merged.get(key)
            if held is None or register.start_ms > held.start_ms:
                merged[key] = register
    return merged


def advance(event: Event, candidates: Candidates, head: Head, view: StateView) -> Advance:
    """Judge one action against every pattern that can concern it.

    head: registers of everything that happened before the action. view: state before it.
    """
    result = Advance(head)
    for pattern, steps in candidates.steps:
        _advance_tree(event, pattern, steps, head, view, result)
    for pattern in candidates.counts:
        _advance_count(event, pattern, view, result)
    for pattern, guard in candidates.guards:
        _advance_guard(event, pattern, guard, view, result)
    return result


def _advance_tree(
    event: Event,
    pattern: CompiledPattern,
    steps: tuple[CompiledStep, ...],
    head: Head,
    view: StateView,
    result: Advance,
) -> None:
    matched: list[tuple[CompiledStep, Binding]] = []
    for step in steps:
        binding = step.matcher.binding(event)
        if binding is not None:
            matched.append((step, binding))
        elif step.matcher.lacks_key(event) and pattern not in result.key_missing:
            result.key_missing.append(pattern)
    if not matched:
        return
    oldest_ms = event.at_ms - pattern.within_ms if pattern.within_ms is not None else None
    for scope in scopes_of(pattern, event):
        outs: dict[int, tuple[Register, Binding]] = {}
        for step, binding in matched:
            register = _reach(event, pattern, step, binding, scope, head, view)
            if register is not None and (oldest_ms is None or register.start_ms >= oldest_ms):
                outs[step.number] = (register, binding)
        if not outs:
            continue
        _complete(event, pattern, scope, outs, oldest_ms, view, result)
        _write(pattern, scope, outs, head, view, result)
        if pattern.counts_for_risk:
            _progress(pattern, scope, outs, head, view, result)


def _reach(
    event: Event,
    pattern: CompiledPattern,
    step: CompiledStep,
    binding: Binding,
    scope: str,
    head: Head,
    view: StateView,
) -> Register | None:
    start_ms = event.at_ms
    children: list[Register] = []
    for child, variables in step.children:
        register = _before(pattern, child, scope, tuple([binding[name] for name in variables]), head, view)
        if register is None:
            return None
        start_ms = min(start_ms, register.start_ms)
        children.append(register)
    return Register(start_ms, event.id, step.number, tuple(children))


def _before(
    pattern: CompiledPattern, step: int, scope: str, key: tuple[str, ...], head: Head, view: StateView
) -> Register | None:
    if pattern.relation == "log":
        return cast("Register | None", view.get(("l", pattern.id, step, scope, key)))
    return head.get((pattern.id, step, key))


def _complete(
    event: Event,
    pattern: CompiledPattern,
    scope: str,
    outs: Mapping[int, tuple[Register, Binding]],
    oldest_ms: int | None,
    view: StateView,
    result: Advance,
) -> None:
    for top in pattern.tops:
        if top not in outs:
            continue
        register, binding = outs[top]
        key = tuple([binding[name] for name in pattern.steps[top].key_out])
        witnesses = [register]
        for other in pattern.tops:
            if other == top:
                continue
            own = outs.get(other)
            if own is not None and tuple([own[1][name] for name in pattern.steps[other].key_out]) == key:
                witnesses.append(own[0])
                continue
            held = cast("Register | None", view.get(("t", pattern.id, other, scope, key)))
            if held is None or (oldest_ms is not None and held.start_ms < oldest_ms):
                break
            witnesses.append(held)
        else:
            if not _guarded(event, pattern, scope, binding, view):
                result.matches.append(Match(pattern, scope, binding, tuple(witnesses)))
                return


def _write(
    pattern: CompiledPattern,
    scope: str,
    outs: Mapping[int, tuple[Register, Binding]],
    head: Head,
    view: StateView,
    result: Advance,
) -> None:
    for number, (register, binding) in outs.items():
        step = pattern.steps[number]
        key = tuple([binding[name] for name in step.key_out])
        if step.successor < 0:
            if len(pattern.tops) > 1:
                cell = ("t", pattern.id, number, scope, key)
                held = cast("Register | None", view.get(cell))
                if held is None or register.start_ms > held.start_ms:
                    result.delta[cell] = register
            continue
        held = _before(pattern, number, scope, key, head, view)
        if held is not None and held.start_ms >= register.start_ms:
            continue
        if pattern.relation == "log":
            result.delta[("l", pattern.id, number, scope, key)] = register
        else:
            if result.head is head:
                result.head = dict(head)
            cast("dict[tuple[str, int, tuple[str, ...]], Register]", result.head)[pattern.id, number, key] = (
                register
            )


def _progress(
    pattern: CompiledPattern,
    scope: str,
    outs: Mapping[int, tuple[Register, Binding]],
    head: Head,
    view: StateView,
    result: Advance,
) -> None:
    bound: Binding = {}
    for _, binding in outs.values():
        bound |= binding
    reached: list[tuple[int, int]] = []
    for step in pattern.steps:
        own = outs.get(step.number)
        if own is not None:
            reached.append((own[0].start_ms, step.mask))
            continue
        if not all(name in bound for name in step.key_out):
            continue
        key = tuple([bound[name] for name in step.key_out])
        if step.successor >= 0:
            held = _before(pattern, step.number, scope, key, head, view)
        else:
            held = cast("Register | None", view.get(("t", pattern.id, step.number, scope, key)))
        if held is not None:
            reached.append((held.start_ms, step.mask))
    reached.sort(reverse=True)
    starts: list[int | None] = [None] * len(pattern.steps)
    mask = 0
    for start_ms, covered in reached:
        mask |= covered
        count = mask.bit_count()
        if starts[count - 1] is None:
            starts[count - 1] = start_ms
    _raise_levels(pattern, scope, starts, view, result)


def _advance_count(event: Event, pattern: CompiledPattern, view: StateView, result: Advance) -> None:
    count = pattern.count
    assert count is not None
    binding = count.matcher.binding(event)
    if binding is None:
        if count.matcher.lacks_key(event):
            result.key_missing.append(pattern)
        return
    key = tuple([binding[name] for name in sorted(binding)])
    value = None if count.distinct is None else key_text(event.value(count.distinct))
    # A value that is missing counts as a new one (R18); NUL keeps it apart from any real value.
    value = f"\0{event.id}" if value is None else value
    oldest_ms = event.at_ms - pattern.within_ms if pattern.within_ms is not None else None
    for scope in scopes_of(pattern, event):
        cell = ("n", pattern.id, scope, key)
        held = cast("tuple[Counted, ...]", view.get(cell) or ())
        live = [item for item in held if item[0] != value and (oldest_ms is None or item[1] >= oldest_ms)]
        live.append((value, event.at_ms, event.id))
        newest = tuple(live[-(count.more_than + 1) :])
        result.delta[cell] = newest
        complete = len(newest) > count.more_than
        if complete and not _guarded(event, pattern, scope, binding, view):
            result.matches.append(Match(pattern, scope, binding, counted=tuple(item[2] for item in newest)))
        if pattern.counts_for_risk:
            missing = count.more_than + 1 - len(newest)
            starts: list[int | None] = [None] * min(pattern.size, 64)
            if missing < len(starts):
                starts[len(starts) - 1 - missing] = newest[0][1]
            _raise_levels(pattern, scope, starts, view, result)


def _raise_levels(
    pattern: CompiledPattern, scope: str, starts: list[int | None], view: StateView, result: Advance
) -> None:
    progress = cast("Progress | None", view.get(("v", scope)))
    held = progress.levels.get(pattern.id) if progress is not None else None
    levels = advance_levels(held, starts)
    if levels != held:
        result.levels.setdefault(scope, {})[pattern.id] = levels


def _advance_guard(
    event: Event, pattern: CompiledPattern, guard: CompiledGuard, view: StateView, result: Advance
) -> None:
    binding = guard.matcher.binding(event)
    if binding is None:
        return
    key = tuple([binding[name] for name in guard.variables])
    if guard.by == "same":
        for scope in scopes_of(pattern, event):
            result.delta[("g", pattern.id, guard.number, scope, key)] = event.at_ms
        return
    # Whose it was decides later whether it counts, so the newest time of each root is kept.
    cell = ("g", pattern.id, guard.number, "", key)
    times = cast("Mapping[str, int]", view.get(cell) or {})
    result.delta[cell] = {**times, event.root: event.at_ms}


def _guarded(event: Event, pattern: CompiledPattern, scope: str, binding: Binding, view: StateView) -> bool:
    for guard in pattern.guards:
        key = tuple([binding[name] for name in guard.variables])
        oldest_ms = event.at_ms - guard.within_ms if guard.within_ms is not None else None
        if guard.by == "same":
            times = [cast("int | None", view.get(("g", pattern.id, guard.number, scope, key)))]
        else:
            by_root = cast("Mapping[str, int]", view.get(("g", pattern.id, guard.number, "", key)) or {})
            times = [
                at for root, at in by_root.items() if guard.by == "anyone" or root not in event.principals
            ]
        if any(at is not None and (oldest_ms is None or at >= oldest_ms) for at in times):
            return True
    return False
