"""Toxic combinations: which identities hold rights that together give more, by which permissions, and what they give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from graphsvc.core.gain.closure import Firing
from graphsvc.core.verdict import SEVERITIES
from graphsvc.explore.estate_view import EstateView
from graphsvc.explore.support import HeldRight, supports

__all__ = ["Combination", "combinations", "given_identity", "gravest_first"]


@dataclass(frozen=True, slots=True)
class Combination:
    """One identity and one pattern. permissions: of its first binding. gives: what it gives; values: of how many.

    certainty: `unknown` when a condition that cannot be decided stands between.
    """

    identity: str
    pattern: str
    title: str
    severity: str
    permissions: tuple[HeldRight, ...]
    gives: str | None
    values: tuple[str, ...]
    certainty: str


def combinations(
    view: EstateView,
    identities: Iterable[str],
    *,
    pattern: str | None = None,
    min_severity: str = "low",
    everything: bool = False,
) -> Iterator[Combination]:
    """Combinations that identities hold by themselves, the gravest of each first.

    Holders of every right (`*` on `*`) are left out unless `everything`: they need no combination.
    """
    least = SEVERITIES.index(min_severity)
    for identity in identities:
        if not everything and view.has_everything(identity):
            continue
        sure, maybe = view.firings(identity)
        if not maybe:
            continue
        by_pattern: dict[int, list[tuple[Firing, bool]]] = {}
        for key, firing in sorted(maybe.items()):
            if given_identity(firing) == identity:
                # Everybody is themselves already.
                continue
            certain = key in sure and not sure[key].unknown
            by_pattern.setdefault(firing.rule.number, []).append((sure.get(key, firing), certain))
        found = []
        for firings in by_pattern.values():
            compiled = firings[0][0].rule.pattern
            if SEVERITIES.index(compiled.severity) >= least and pattern in (None, compiled.id):
                found.append(_combination(view, identity, firings))
        yield from gravest_first(found)


def gravest_first(found: Iterable[Combination]) -> list[Combination]:
    """Ranked: by severity, certain ones before those that may be, by rule; as they came within that."""
    return sorted(
        found, key=lambda each: (-SEVERITIES.index(each.severity), each.certainty != "yes", each.pattern)
    )


def _combination(view: EstateView, identity: str, firings: list[tuple[Firing, bool]]) -> Combination:
    # A certain one tells more than one that may be.
    firings.sort(key=lambda item: not item[1])
    firing, certain = firings[0]
    compiled = firing.rule.pattern
    gives, values = _given(firings)
    return Combination(
        identity=identity.removeprefix("identity:"),
        pattern=compiled.id,
        title=compiled.title,
        severity=compiled.severity,
        permissions=tuple(supports(view, identity, firing)),
        gives=gives,
        values=values,
        certainty="yes" if certain else "unknown",
    )


def given_identity(firing: Firing) -> str | None:
    """The key of the identity that a firing lets one become; None when it gives something else."""
    gives = firing.rule.gives
    if gives is None or gives.assume is None:
        return None
    name = gives.assume
    if not name.startswith("$"):
        return f"identity:{name}"
    return next(value for variable, value in firing.binding if variable == name[1:])


def _given(firings: list[tuple[Firing, bool]]) -> tuple[str | None, tuple[str, ...]]:
    gives = firings[0][0].rule.gives
    if gives is None:
        return None, ()
    if gives.admin:
        return "admin", ()
    if gives.assume is not None:
        values = (given_identity(firing) or "" for firing, _ in firings)
        return "assume", tuple(dict.fromkeys(value.removeprefix("identity:") for value in values))
    return f"right {gives.right}", (gives.on,) if gives.on is not None else ()
