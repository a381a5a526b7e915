"""All packs in force together: what actions mean, which patterns an action can concern, settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphsvc.core.event import Declaration
from graphsvc.core.glob import is_literal, literal_length, matches
from graphsvc.core.pattern import CompiledGuard, CompiledPattern, CompiledStep, compile_pattern
from graphsvc.core.policy.document import ActionDeclaration, Policy
from graphsvc.core.score import Weights, threshold_micros, weights_from

__all__ = ["Candidates", "Ruleset", "Settings", "compile_ruleset"]

_ENTITLEMENT = ("off", "advisory", "required")
_MEMO_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of all packs, the strictest of each. thresholds in micros, None = no threshold."""

    escalate_at_micros: int | None = None
    deny_at_micros: int | None = None
    entitlement: str = "required"
    observe: bool = False


@dataclass(frozen=True, slots=True)
class Candidates:
    """Which parts of which patterns an action's name and effects fit."""

    declaration: Declaration
    steps: tuple[tuple[CompiledPattern, tuple[CompiledStep, ...]], ...]
    counts: tuple[CompiledPattern, ...]
    guards: tuple[tuple[CompiledPattern, CompiledGuard], ...]

    @property
    def is_empty(self) -> bool:
        """True when no pattern can care about the action."""
        return not (self.steps or self.counts or self.guards)


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
        self.weights = weights
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
            found = self._memo[action] = self._find(action)
        return found

    def _find(self, action: str) -> Candidates:
        declaration = self.declare(action)
        steps, counts, guards = [], [], []
        for pattern in self.patterns:
            fitting = tuple(step for step in pattern.steps if step.matcher.fits_action(action, declaration))
            if fitting:
                steps.append((pattern, fitting))
            if pattern.count is not None and pattern.count.matcher.fits_action(action, declaration):
                counts.append(pattern)
            guards += [
                (pattern, guard) for guard in pattern.guards if guard.matcher.fits_action(action, declaration)
            ]
        return Candidates(declaration, tuple(steps), tuple(counts), tuple(guards))


def compile_ruleset(policies: Sequence[Policy]) -> Ruleset:
    """Compile loaded and checked packs; PolicyError when one asks for what this version cannot run."""
    ordered = sorted(policies, key=lambda policy: (policy.pack.order, policy.pack.id))
    weights = weights_from(policy.score for policy in ordered)
    patterns = tuple(
        compile_pattern(policy, pattern, weights) for policy in ordered for pattern in policy.patterns
    )
    return Ruleset(ordered, patterns, _strictest(ordered), weights)


def _strictest(policies: Sequence[Policy]) -> Settings:
    escalate = [policy.settings.escalate_at for policy in policies if policy.settings.escalate_at is not None]
    deny = [policy.settings.deny_at for policy in policies if policy.settings.deny_at is not None]
    entitlement = [
        policy.settings.entitlement for policy in policies if policy.settings.entitlement is not None
    ]
    enforce = [policy.settings.enforce for policy in policies if policy.settings.enforce is not None]
    return Settings(
        escalate_at_micros=threshold_micros(min(escalate)) if escalate else None,
        deny_at_micros=threshold_micros(min(deny)) if deny else None,
        entitlement=max(entitlement, key=_ENTITLEMENT.index) if entitlement else "required",
        observe=bool(enforce) and "on" not in enforce,
    )


def _declaration(entry: ActionDeclaration) -> Declaration:
    return Declaration(
        effects=frozenset(entry.effects),
        result_labels=entry.result.labels,
        destinations=tuple(name for name, role in entry.arguments.items() if role == "destination"),
        roles=dict(entry.arguments),
    )
