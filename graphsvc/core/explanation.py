"""A completed path told as a person would: from the facts alone, so that it can never say more than is true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

from graphsvc.core.advance import Match
from graphsvc.core.event import Event
from graphsvc.core.pattern import CompiledPattern
from graphsvc.core.state import Happened, Register
from graphsvc.core.verdict import Completion, PathStep

__all__ = ["explain", "path_step", "tell_path"]

# Verbs by effect, the strongest first: an action with several effects is told by its strongest.
_VERBS = (
    ("destroy", "destroy"), ("pay", "pay through"), ("account", "change the account"), ("grant", "give rights on"),
    ("assume", "assume"), ("send", "send through"), ("message", "message through"), ("execute", "run code on"),
    ("commit", "commit to"), ("fetch", "fetch from"), ("modify", "modify"), ("write", "write"), ("read", "read"),
)  # fmt: skip
_OUTWARD = frozenset({"send", "pay", "message", "fetch", "grant"})
_MAX_TOLD = 6


class _Step(msgspec.Struct, frozen=True, gc=False):
    register: Register
    happened: Happened | None  # None: the action being judged


def explain(match: Match, event: Event, find: Callable[[str], Happened | None]) -> Completion:
    """The completion of a match. find: an action's place in history by its id."""
    pattern = match.pattern
    if match.counted:
        path = _count_path(match, event, find)
        told = _tell_count(match, event)
    else:
        steps = _in_log_order(match, event, find)
        path = tuple(_path_step(pattern, step, event) for step in steps)
        told = tell_path([_phrase(pattern, step, event) for step in steps])
    return Completion(
        pattern=pattern.id,
        title=pattern.title,
        severity=pattern.severity,
        on_match=pattern.on_match,
        path=path,
        explanation=told,
        pack=pattern.pack,
        key=dict(match.key),
    )


def tell_path(phrases: Sequence[str]) -> str:
    """Phrases joined by arrows; a long path is shortened in the middle and says so."""
    if len(phrases) > _MAX_TOLD:
        left_out = len(phrases) - _MAX_TOLD
        phrases = [*phrases[: _MAX_TOLD - 2], f"({left_out} more steps)", *phrases[-2:]]
    return " -> ".join(phrases)


def _in_log_order(match: Match, event: Event, find: Callable[[str], Happened | None]) -> list[_Step]:
    # A tree: no step leads to two others, so none is met twice.
    registers = list(match.tops)
    for register in registers:
        registers.extend(register.children)
    # In a trace whose times go back an earlier action may be forgotten already; nothing can be told of it.
    steps = [
        _Step(register, happened)
        for register in registers
        if (happened := _before(register.action, event, find)) is not None or register.action == event.id
    ]
    steps.sort(key=lambda step: (step.happened is None, _place(step), step.register.step))
    return steps


def _place(step: _Step) -> tuple[int, int]:
    return (step.happened.seq, step.happened.event.index) if step.happened is not None else (0, 0)


def _path_step(pattern: CompiledPattern, step: _Step, event: Event) -> PathStep:
    happened = step.happened
    return path_step(
        pattern.steps[step.register.step].name, happened.event if happened is not None else event
    )


def path_step(name: str, event: Event) -> PathStep:
    """An action as the step of a path."""
    return PathStep(
        step=name,
        action=event.id,
        action_name=event.request.action,
        subject=event.subject,
        resource=event.resource,
        chain=event.chain,
        index=event.index,
        at_ms=event.at_ms,
    )


def _count_path(match: Match, event: Event, find: Callable[[str], Happened | None]) -> tuple[PathStep, ...]:
    # The first, the last and the judged action say enough; the number is in the sentence.
    chosen = match.counted if len(match.counted) <= _MAX_TOLD else (*match.counted[:2], *match.counted[-3:])
    found = [_before(action, event, find) for action in chosen]
    earlier = [happened.event for happened in found if happened is not None]
    return tuple(path_step("counted", each) for each in (*earlier, event))


def _before(action: str, event: Event, find: Callable[[str], Happened | None]) -> Happened | None:
    """An action of the path as it happened; None for the one that is judged, which may be in history by now."""
    return find(action) if action != event.id else None


def _tell_count(match: Match, event: Event) -> str:
    count = match.pattern.count
    assert count is not None
    what = "different values" if count.distinct is not None else "actions"
    window = f" within {_duration(match.pattern.within_ms)}" if match.pattern.within_ms is not None else ""
    return (
        f"{event.request.action} on {event.resource_type} {event.resource_id} is number {len(match.counted)} of "
        f"{what}{window}; more than {count.more_than} is not expected"
    )


def _phrase(pattern: CompiledPattern, step: _Step, event: Event) -> str:
    name = pattern.steps[step.register.step].name.replace("_", " ")
    if step.happened is None:
        effects, action = event.effects, event.request.action
        place = f"{event.resource_type} {event.resource_id}"
        verb = _verb(effects)
        outward = (
            " to an unknown destination" if effects & _OUTWARD and event.destination == "unknown" else ""
        )
        return f"now {verb} {place}{outward} ({action}: {name})"
    then = step.happened.event
    place = then.resource.replace(":", " ", 1)
    labels = ", ".join(sorted(then.labels)[:3])
    described = f"{labels} {place}" if labels else place
    if then.reviewed is not None:
        return f"approved by {then.subject} ({then.request.action}: {name})"
    where = f"step {then.index}" + (f" of chain {then.chain}" if then.chain != event.chain else "")
    return f"{_verb(then.effects)} {described} ({then.request.action}: {name}, {where})"


@lru_cache(maxsize=1_024)
def _verb(effects: frozenset[str]) -> str:
    return next((verb for effect, verb in _VERBS if effect in effects), "act on")


def _duration(duration_ms: int | None) -> str:
    seconds = (duration_ms or 0) // 1000
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
