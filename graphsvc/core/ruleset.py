"""All packs in force together: what actions mean, which patterns an action can concern, settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from graphsvc.core.dispatch import Candidates, find_candidates
from graphsvc.core.event import Declaration
from graphsvc.core.glob import is_literal, literal_length, matches
from graphsvc.core.pattern import CompiledPattern, compile_pattern
from graphsvc.core.policy.document import ActionDeclaration, Policy
from graphsvc.core.policy.pattern import Pattern
from graphsvc.core.provenance.table import compile_tables
from graphsvc.core.score import Weights, threshold_micros, weights_from

__all__ = ["Ruleset", "Settings", "compile_ruleset"]

_ON_MATCH = ("monitor", "escalate", "deny")
_ENTITLEMENT = ("off", "advisory", "required")
_MEMO_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of all packs, the strictest of each. thresholds in micros, None = no threshold.

    outside_intent: monitor, escalate or deny an action outside its chain's declared intent.
    """

    escalate_at_micros: int | None = None
    deny_at_micros: int | None = None
    entitlement: str = "required"
    observe: bool = False
    outside_intent: str = "escalate"


class Ruleset:
    """Compiled packs. Answers per action name are remembered, as names repeat."""

    def __init__(
        self,
        policies: Sequence[Policy],
        patterns: tuple[CompiledPattern, ...],
        settings: Settings,
        weights: Weights,
    ) -> None:
        self.policies = tuple(policies)
        self.patterns = patterns
        self.by_id = {pattern.id: pattern for pattern in patterns}
        self.settings = settings
        self.provenance = compile_tables(policies)
        self.weights = weights
        # What no pattern asks for need not be kept up to date.
        self.has_flow = any(pattern.relation == "flow" for pattern in patterns)
        self.has_data = any(pattern.scope == "data" for pattern in patterns)
        self.rights_patterns = tuple(
            (compiled, written.rights) for compiled, written in _written(policies, patterns) if written.rights
        )
        self.reach_patterns = tuple(
            (compiled, written.reach) for compiled, written in _written(policies, patterns) if written.reach
        )
        self.is_live = any(pattern.is_live for pattern in patterns)
        self.windows = _windows(patterns)
        self.bits = {step.slot: step.bit for pattern in patterns for step in pattern.steps if step.bit}
        self.flow_slots = frozenset(
            step.slot for pattern in patterns if pattern.relation == "flow" for step in pattern.steps
        )
        session = {pattern.harm for pattern in patterns if pattern.scope != "principal"}
        self.shares_harm = any(
            pattern.harm in session for pattern in patterns if pattern.scope == "principal"
        )
        self._memo: dict[str, Candidates] = {}
        # Later packs before earlier ones, within a pack in file order: the first best match wins.
        self._declared = [
            (glob, _declaration(entry))
            for policy in reversed(policies)
            for glob, entry in policy.actions.items()
        ]
        self._exact = {glob: meaning for glob, meaning in reversed(self._declared) if is_literal(glob)}
        self._wild = [(glob, meaning) for glob, meaning in self._declared if not is_literal(glob)]
        self._wild.sort(key=lambda item: -literal_length(item[0]))

    def declare(self, action: str) -> Declaration:
        """Exactly one entry describes an action: the exact name, else the most literal glob (R20)."""
        found = self._exact.get(action)
        if found is not None:
            return found
        return next((meaning for glob, meaning in self._wild if matches(glob, action)), Declaration())

    def candidates(self, action: str) -> Candidates:
        """What may concern the action."""
        found = self._memo.get(action)
        if found is None:
            if len(self._memo) >= _MEMO_LIMIT:
                self._memo.clear()
            found = find_candidates(action, self.declare(action), self.patterns)
            self._memo[action] = found
        return found


def compile_ruleset(policies: Sequence[Policy]) -> Ruleset:
    """Compile loaded and checked packs; PolicyError when one asks for what this version cannot run."""
    ordered = sorted(policies, key=lambda policy: (policy.pack.order, policy.pack.id))
    weights = weights_from(policy.score.model_dump(exclude_none=True) for policy in ordered)
    slots, bits, harms = count(), count(), dict[str, int]()
    patterns: list[CompiledPattern] = []
    for policy in ordered:
        for pattern in policy.patterns:
            harm_number = harms.setdefault(pattern.effective_harm, len(harms))
            number = len(patterns)
            patterns.append(
                compile_pattern(
                    policy, pattern, weights, number=number, harm_number=harm_number, slots=slots, bits=bits
                )
            )
    return Ruleset(ordered, tuple(patterns), _strictest(ordered), weights)


def _strictest(policies: Sequence[Policy]) -> Settings:
    escalate = [policy.settings.escalate_at for policy in policies if policy.settings.escalate_at is not None]
    deny = [policy.settings.deny_at for policy in policies if policy.settings.deny_at is not None]
    entitlement = [
        policy.settings.entitlement for policy in policies if policy.settings.entitlement is not None
    ]
    enforce = [policy.settings.enforce for policy in policies if policy.settings.enforce is not None]
    outside = [
        policy.settings.outside_intent for policy in policies if policy.settings.outside_intent is not None
    ]
    return Settings(
        escalate_at_micros=threshold_micros(min(escalate)) if escalate else None,
        deny_at_micros=threshold_micros(min(deny)) if deny else None,
        entitlement=max(entitlement, key=_ENTITLEMENT.index) if entitlement else "required",
        observe=bool(enforce) and "on" not in enforce,
        outside_intent=max(outside, key=_ON_MATCH.index) if outside else "escalate",
    )


def _declaration(entry: ActionDeclaration) -> Declaration:
    return Declaration(
        effects=frozenset(entry.effects),
        result_labels=entry.result.labels,
        destinations=tuple(name for name, role in entry.arguments.items() if role == "destination"),
        roles=dict(entry.arguments),
        level=entry.level,
        effects_with_destination=frozenset(entry.effects_with_destination),
    )


def _written(
    policies: Sequence[Policy], patterns: Sequence[CompiledPattern]
) -> list[tuple[CompiledPattern, Pattern]]:
    """Each pattern with what was written; both are in pack order, then file order."""
    return list(zip(patterns, (pattern for policy in policies for pattern in policy.patterns), strict=True))


def _windows(patterns: Sequence[CompiledPattern]) -> dict[int, int | None]:
    """How long a value in a scope can count, by slot; None: for ever. Numbers of resets are not listed."""
    windows: dict[int, int | None] = {}
    for pattern in patterns:
        for step in pattern.steps:
            windows[step.slot] = windows[step.top_slot] = pattern.within_ms
        if pattern.count is not None:
            windows[pattern.count.slot] = pattern.within_ms
        windows |= {guard.slot: guard.within_ms for guard in pattern.guards}
    return windows
