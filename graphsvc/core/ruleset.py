"""All packs in force together: what actions mean, which patterns an action can concern, settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import count

from graphsvc.core.dispatch import Candidates, find_candidates
from graphsvc.core.intent_template import intent_templates
from graphsvc.core.meaning import Meanings
from graphsvc.core.pattern import CompiledPattern, compile_pattern
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.pattern import Pattern
from graphsvc.core.protection import compile_protection
from graphsvc.core.provenance.table import compile_tables
from graphsvc.core.score import Weights, threshold_micros, weights_from
from graphsvc.core.trial import Declare, Shadow, Trial, compile_trials

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
        shadows: Mapping[str, Shadow] | None = None,
        trials: Sequence[Trial] = (),
    ) -> None:
        """shadows: what each pattern on trial stands for; these come last in `patterns`. trials: packs on trial."""
        self.policies = tuple(policies)
        self.on_trial = tuple(trial.policy for trial in trials)
        self.patterns = patterns
        self.shadows = dict(shadows or {})
        self.in_force = patterns[: len(patterns) - len(self.shadows)]
        self.version = _version(policies, self.shadows.values())
        self.protection = compile_protection(policies, observing=settings.observe)
        self.enforced = _strictest(
            [each for each in policies if each.pack.id not in self.protection.observed]
        )
        # Whether anything has to be told apart when a pattern completes.
        self.sorts = bool(self.shadows or self.protection.levels)
        self.by_id = {pattern.id: pattern for pattern in patterns}
        self.settings = settings
        self.provenance = compile_tables(policies)
        self.intents = intent_templates(policies)
        # Of two packs the later one's counts.
        self.signal_rules = {name: rule for policy in policies for name, rule in policy.signals.items()}
        self.weights = weights
        # What no pattern asks for need not be kept up to date.
        self.has_flow = any(pattern.relation == "flow" for pattern in patterns)
        self.has_data = any(pattern.scope == "data" for pattern in patterns)
        self.rights_patterns = tuple(
            (compiled, written.rights)
            for compiled, written in _written(policies, self.in_force)
            if written.rights
        )
        self.reach_patterns = tuple(
            (compiled, written.reach)
            for compiled, written in _written(policies, self.in_force)
            if written.reach
        )
        self.is_live = any(pattern.is_live for pattern in patterns)
        self.windows = _windows(patterns)
        # How long an action of one session can count in another.
        self.longest_ms = max(
            (pattern.within_ms or 0 for pattern in patterns if pattern.scope != "session"), default=0
        )
        # Of plain patterns, whose relation says where their marks lie.
        self.flow_bits = sum(pattern.bits for pattern in patterns if pattern.relation == "flow")
        self.log_bits = sum(pattern.bits for pattern in patterns if pattern.relation == "log")
        self.flow_slots = frozenset(
            step.slot for pattern in patterns if pattern.relation == "flow" for step in pattern.steps
        )
        session = {pattern.harm for pattern in patterns if pattern.scope != "principal"}
        self.shares_harm = any(
            pattern.harm in session for pattern in patterns if pattern.scope == "principal"
        )
        # Patterns by class of harm: of each only the one that is furthest under way counts.
        harms: dict[int, list[CompiledPattern]] = {}
        for pattern in patterns:
            harms.setdefault(pattern.harm_number, []).append(pattern)
        self.harms = {harm: tuple(members) for harm, members in harms.items()}
        self.shared_harms = frozenset(harm for harm, members in harms.items() if len(members) > 1)
        self._memo: dict[str, Candidates] = {}
        self.declare = Meanings(policies).declare

    def candidates(self, action: str) -> Candidates:
        """What may concern the action."""
        found = self._memo.get(action)
        if found is None:
            if len(self._memo) >= _MEMO_LIMIT:
                self._memo.clear()
            found = find_candidates(action, self.declare(action), self.patterns)
            self._memo[action] = found
        return found


def compile_ruleset(policies: Sequence[Policy], trials: Sequence[Trial] = ()) -> Ruleset:
    """Compile loaded and checked packs; PolicyError when one asks for what this version cannot run.

    trials: packs that are judged beside those in force.
    """
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
    shadows: dict[str, Shadow] = {}
    if trials:

        def declares(trial: Policy) -> Declare:
            others = [policy for policy in ordered if policy.pack.id != trial.pack.id]
            return Meanings(
                sorted([*others, trial], key=lambda each: (each.pack.order, each.pack.id))
            ).declare

        more, shadows = compile_trials(
            trials,
            declares,
            Meanings(ordered).declare,
            weights,
            number=len(patterns),
            harm_number=len(harms),
            slots=slots,
            bits=bits,
        )
        patterns += more
    return Ruleset(ordered, tuple(patterns), _strictest(ordered), weights, shadows, trials)


def _version(policies: Sequence[Policy], shadows: Iterable[Shadow]) -> str:
    """A short digest of everything that can change an answer: the texts in force, and trials that take effect."""
    lines = [f"{each.pack.id} {each.pack.version} {each.source.sha256}" for each in policies]
    lines += sorted({f"~{each.pack} {each.version} {each.share_ppm}" for each in shadows if each.share_ppm})
    return sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()[:16]


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
        if pattern.unseen is not None:
            windows[pattern.unseen] = pattern.within_ms
        windows |= {guard.slot: guard.within_ms for guard in pattern.guards}
    return windows
