"""Patterns of rights and of reach at run time: what an action lets its session hold, and what that completes.

A session holds the identities that acted in it, those that were assumed (an action with the effect `assume` on
an identity) and those whose credentials were read. What the first of them could do by itself is a finding about
the graph, never a verdict; what becomes possible by one more is a completion of the action that brought it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from graphsvc.core.estate import Estate
from graphsvc.core.event import Event
from graphsvc.core.gain.closure import Closure, Closures, Firing
from graphsvc.core.gain.holding import Holdings
from graphsvc.core.gain.reach import Reach
from graphsvc.core.gain.rule import compile_rules
from graphsvc.core.pattern import CompiledPattern
from graphsvc.core.policy.pattern import ReachPattern
from graphsvc.core.record import Granted
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset

__all__ = ["Crossing", "Gained", "Gains"]

_ASSUMES = "assume"
_READS = frozenset({"read", "fetch", "execute"})

HeldBy = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Crossing:
    """The session comes nearer to a tier than the pattern allows. hops: from what it holds now."""

    pattern: CompiledPattern
    reach: ReachPattern
    hops: int


@dataclass(frozen=True, slots=True)
class Gained:
    """held: identities with the action that brought each. firings, crossings: completed by this action."""

    held: HeldBy
    firings: tuple[Firing, ...] = ()
    crossings: tuple[Crossing, ...] = ()


class Gains:
    """The rights and reach patterns of a rule set over an estate."""

    def __init__(self, ruleset: Ruleset, estate: Estate, rights: Rights) -> None:
        rules, atoms = compile_rules(ruleset.rights_patterns)
        actions = [glob for policy in ruleset.policies for glob in policy.actions]
        self._estate = estate
        self._reaches = ruleset.reach_patterns
        holdings = Holdings(rules, atoms, estate, rights, actions)
        self.closures = Closures(rules, holdings, estate)
        self.reach = Reach(estate, rights, self.closures)

    def judge(self, event: Event, held: HeldBy, grants: Iterable[Granted] = ()) -> Gained:
        """held: of the session before the action. grants: situational ones in force for whoever it holds."""
        before = frozenset(identity for identity, _ in held)
        subject = event.who.keys[0]
        acting = before | {subject}
        brought = [key for key in self._brought(event) if key not in acting]
        if subject in before and not brought:
            return Gained(held)
        after = acting | set(brought)
        now = (*held, *((key, event.id) for key in (subject, *brought) if key not in before))
        granted = tuple(grants)
        known = [self.closure(each, granted) for each in (before, frozenset((subject,))) if each]
        firings = _new(self.closure(after, granted), known)
        return Gained(now, firings, tuple(self._crossed(before, subject, after)))

    def closure(self, held: frozenset[str], grants: Iterable[Granted] = ()) -> Closure:
        """What identities come to together. grants: situational ones, of whoever of them holds them."""
        found = self.closures.of(held)
        mine = [grant for grant in grants if f"identity:{grant.identity}" in held]
        return self.closures.with_rights(found, [(grant.actions, grant.resources) for grant in mine])

    def fired_by(self, grant: Granted, held: frozenset[str], others: Iterable[Granted]) -> tuple[Firing, ...]:
        """What one grant more lets identities do together. others: grants that they have already."""
        had = tuple(others)
        return _new(self.closure(held, (*had, grant)), [self.closure(held, had)])

    def _crossed(self, before: frozenset[str], subject: str, after: frozenset[str]) -> Iterator[Crossing]:
        for pattern, written in self._reaches:
            hops = self.reach.distance(after, written.tier, written.nearer_than)
            if hops is None:
                continue
            # Near at the start, by what the session held or its subject is: a finding, not a crossing.
            was = [held for held in (before, frozenset((subject,))) if held]
            if all(self.reach.distance(held, written.tier, written.nearer_than) is None for held in was):
                yield Crossing(pattern, written, hops)

    def _brought(self, event: Event) -> list[str]:
        estate, effects = self._estate, event.declaration.effects
        found: list[str] = []
        if _ASSUMES in effects:
            identity = estate.identity_key(event.what.id)
            if identity is not None:
                found.append(identity)
        if not _READS.isdisjoint(effects):
            found += estate.out("HOLDS_CREDENTIAL", event.what.key)
        return list(dict.fromkeys(found))


def _new(closure: Closure, known: Sequence[Closure]) -> tuple[Firing, ...]:
    """What fires that did not before; to whoever had everything nothing is new."""
    if any(each.admin for each in known):
        return ()
    return tuple(
        firing
        for key, firing in sorted(closure.firings.items())
        if not any(key in each.firings for each in known)
    )
