"""Completions of rights and reach patterns, with how they came about told in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from graphsvc.core.event import Event
from graphsvc.core.explanation import path_step
from graphsvc.core.gain.closure import Firing
from graphsvc.core.gain.gains import Crossing, Gained
from graphsvc.core.state import Happened
from graphsvc.core.verdict import Completion, PathStep

__all__ = ["completion_of", "completions_of", "completions_of_grant", "tell_firing"]


def completions_of(
    gained: Gained, event: Event, find: Callable[[str], Happened | None]
) -> tuple[Completion, ...]:
    """One completion a pattern: of several firings the first, of a rule set's order and its values'."""
    path = _path(gained, event, find)
    holders = _list(identity for identity, _ in gained.held)
    found: dict[str, Completion] = {}
    for firing in gained.firings:
        found.setdefault(firing.rule.pattern.id, completion_of(firing, holders, path))
    for crossing in gained.crossings:
        found[crossing.pattern.id] = _crossed(crossing, path, holders)
    return tuple(found.values())


def completion_of(firing: Firing, holders: str, path: tuple[PathStep, ...] = ()) -> Completion:
    """The completion of a rights pattern. holders: who holds the rights, as told."""
    pattern = firing.rule.pattern
    return Completion(
        pattern=pattern.id,
        title=pattern.title,
        severity=pattern.severity,
        on_match=pattern.on_match,
        path=path,
        explanation=f"holding {holders}: {tell_firing(firing)}",
        pack=pattern.pack,
        key={name: _name(value) for name, value in firing.binding},
    )


def completions_of_grant(firings: Iterable[Firing], held: Iterable[str]) -> tuple[Completion, ...]:
    """What a grant would complete for those who hold it, patterns that only watch left out."""
    holders = _list(sorted(held))
    found: dict[str, Completion] = {}
    for firing in firings:
        if firing.rule.pattern.on_match != "monitor":
            found.setdefault(firing.rule.pattern.id, completion_of(firing, holders))
    return tuple(found.values())


def tell_firing(firing: Firing) -> str:
    """Which rights, on what, give what."""
    rule, binding = firing.rule, dict(firing.binding)
    pattern = rule.rights
    rights = [
        f"{right.right[0] if len(right.right) == 1 else ' or '.join(right.right)}"
        + (f" on `{_filled(right.on, binding)}`" if right.on is not None else "")
        for right in pattern.all_of
    ]
    told = " + ".join(rights)
    gives = rule.gives
    if gives is None:
        return f"{told} together"
    if gives.admin:
        return f"{told} give everything"
    if gives.assume is not None:
        return f"{told} let it act as `{_filled(gives.assume, binding)}`"
    on = f" on `{_filled(gives.on, binding)}`" if gives.on is not None else ""
    return f"{told} give {gives.right}{on}"


def _crossed(crossing: Crossing, path: tuple[PathStep, ...], holders: str) -> Completion:
    pattern = crossing.pattern
    steps = "1 hop" if crossing.hops == 1 else f"{crossing.hops} hops"
    return Completion(
        pattern=pattern.id,
        title=pattern.title,
        severity=pattern.severity,
        on_match=pattern.on_match,
        path=path,
        explanation=f"holding {holders}: {steps} from `{crossing.reach.tier}`",
        pack=pattern.pack,
    )


def _path(gained: Gained, event: Event, find: Callable[[str], Happened | None]) -> tuple[PathStep, ...]:
    """The actions that brought what is held, this one last."""
    steps: dict[str, PathStep] = {}
    for identity, action in gained.held:
        happened = find(action) if action != event.id else None
        if happened is not None:
            steps.setdefault(action, path_step(f"holds {_name(identity)}", happened.event))
    brought = [_name(identity) for identity, action in gained.held if action == event.id]
    return (*steps.values(), path_step(f"holds {', '.join(brought)}", event))


def _filled(text: str, binding: Mapping[str, str]) -> str:
    return _name(binding[text[1:]]) if text.startswith("$") else text


def _list(identities: Iterable[str]) -> str:
    return ", ".join(f"`{_name(identity)}`" for identity in identities)


def _name(key: str) -> str:
    return key.partition(":")[2]
