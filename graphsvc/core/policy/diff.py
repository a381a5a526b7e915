"""What would change when packs are published: by meaning, whatever the files look like."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphsvc.core.policy.document import Policy

__all__ = ["Change", "Field", "policy_changes"]


@dataclass(frozen=True, slots=True)
class Field:
    """A field that differs, as a path such as `steps.out.effects`; None where there is none."""

    path: str
    old: object
    new: object


@dataclass(frozen=True, slots=True)
class Change:
    """kind: added, removed or changed. what: pack, setting, action, pattern, score or protection. fields: of what changed."""

    kind: str
    what: str
    pack: str
    name: str
    fields: tuple[Field, ...] = field(default=())


def policy_changes(old: Sequence[Policy], new: Sequence[Policy]) -> list[Change]:
    """What publishing `new` changes of `old`, which is in force: packs of the same id are replaced, others stay."""
    held = {policy.pack.id: policy for policy in old}
    found: list[Change] = []
    for policy in sorted(new, key=lambda each: each.pack.id):
        name = policy.pack.id
        before = held.get(name)
        if before is None:
            found.append(Change("added", "pack", name, f"{name} {policy.pack.version}"))
        elif before.pack != policy.pack:
            found.append(_changed("pack", name, name, _plain(before.pack), _plain(policy.pack)))
        for what, parts in (
            ("setting", _settings),
            ("score", _score),
            ("action", _actions),
            ("pattern", _patterns),
            ("protection", _protection),
        ):
            found += _compared(what, name, parts(before) if before is not None else {}, parts(policy))
    return found


def _settings(policy: Policy) -> dict[str, Any]:
    return {name: value for name, value in _plain(policy.settings).items() if value is not None}


def _score(policy: Policy) -> dict[str, Any]:
    score = {name: value for name, value in _plain(policy.score).items() if value}
    return {**score, **{f"signals.{name}": _plain(value) for name, value in policy.signals.items()}}


def _actions(policy: Policy) -> dict[str, Any]:
    return {glob: _plain(declared) for glob, declared in policy.actions.items()}


def _patterns(policy: Policy) -> dict[str, Any]:
    return {pattern.id: _plain(pattern) for pattern in policy.patterns}


def _protection(policy: Policy) -> dict[str, Any]:
    whole = _plain(policy)
    return {
        name: {name: whole[name]}
        for name in ("levels", "reviews", "break_glass", "provenance", "intents")
        if whole.get(name)
    }


def _plain(model: Any) -> dict[str, Any]:
    return dict(model.model_dump(mode="json", by_alias=True, exclude_none=True))


def _compared(what: str, pack: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield Change("added", what, pack, name)
        elif name not in new:
            yield Change("removed", what, pack, name)
        elif old[name] != new[name]:
            yield _changed(what, pack, name, old[name], new[name])


def _changed(what: str, pack: str, name: str, old: Any, new: Any) -> Change:
    return Change("changed", what, pack, name, tuple(_fields("", old, new)))


def _fields(place: str, old: Any, new: Any) -> Iterator[Field]:
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                yield from _fields(f"{place}.{name}" if place else name, old.get(name), new.get(name))
    else:
        yield Field(place, old, new)
