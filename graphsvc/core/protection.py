"""How strictly rules are applied, and to whom: compiled from the packs in force, asked only when a rule spoke."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from msgspec.structs import replace as changed

from graphsvc.core.event import Event
from graphsvc.core.glob import matcher
from graphsvc.core.level import Levels, Test, compile_levels, compile_which, level_of
from graphsvc.core.pattern import Lacking
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.protection import BreakGlass, ReviewCap, ReviewRoute
from graphsvc.core.trial import Shadow, in_share
from graphsvc.core.verdict import Completion, ShadowVerdict, Verdict

__all__ = ["VERDICTS", "Cap", "Glass", "Protection", "Route", "compile_protection", "set_apart"]

VERDICTS = {"deny": Verdict.DENY, "escalate": Verdict.ESCALATE, "monitor": Verdict.PERMIT}


@dataclass(frozen=True, slots=True)
class Route:
    """Who answers reviews. name: pack and place, for people. See `policy.protection.ReviewRoute`."""

    pack: str
    fits: Test
    patterns: Callable[[str], bool] | None
    written: ReviewRoute


@dataclass(frozen=True, slots=True)
class Cap:
    """How many reviews may be opened within a time."""

    pack: str
    written: ReviewCap


@dataclass(frozen=True, slots=True)
class Glass:
    """Who may go past rules in an emergency."""

    pack: str
    acts: Callable[[str], bool] | None
    written: BreakGlass


@dataclass(frozen=True, slots=True)
class Protection:
    """levels: of a pattern, its own and then its pack's. observed: packs that are observed while others are enforced."""

    levels: dict[str, Levels]
    observed: frozenset[str]
    routes: tuple[Route, ...]
    caps: tuple[Cap, ...]
    glasses: dict[str, Glass]

    def level_of(self, pattern: str, on_match: str, event: Event) -> str:
        """What becomes of a pattern that an action completes."""
        return level_of(self.levels.get(pattern, ()), on_match, event)


def compile_protection(policies: Sequence[Policy], *, observing: bool) -> Protection:
    """Packs in pack order. observing: the whole service does, so no single pack has to."""
    levels: dict[str, Levels] = {}
    for policy in policies:
        general = compile_levels(policy.levels)
        for pattern in policy.patterns:
            found = (*compile_levels(pattern.levels), *general)
            if found:
                levels[pattern.id] = found
    observed = [] if observing else [each.pack.id for each in policies if each.settings.enforce == "observe"]
    return Protection(
        levels=levels,
        observed=frozenset(observed),
        routes=tuple(
            Route(
                policy.pack.id,
                compile_which(route),
                matcher(route.patterns) if route.patterns else None,
                route,
            )
            for policy in policies
            for route in policy.reviews
        ),
        caps=tuple(
            Cap(policy.pack.id, policy.settings.review_cap)
            for policy in policies
            if policy.settings.review_cap
        ),
        glasses={
            policy.pack.id: Glass(policy.pack.id, matcher(glass.action) if glass.action else None, glass)
            for policy in policies
            if (glass := policy.break_glass) is not None
        },
    )


def set_apart(
    completions: tuple[Completion, ...],
    lacking: Sequence[Lacking],
    event: Event,
    protection: Protection,
    shadows: dict[str, Shadow],
) -> tuple[tuple[Completion, ...], list[Lacking], tuple[ShadowVerdict, ...]]:
    """Completions and missing keys of rules in force, with their levels; and what rules on trial would have said.

    In the share of sessions in which a trial takes effect its completions are in both.
    """
    kept: list[Completion] = []
    told: list[ShadowVerdict] = []
    for completion in completions:
        shadow = shadows.get(completion.pattern)
        if shadow is None:
            level = protection.level_of(completion.pattern, completion.on_match, event)
            kept.append(changed(completion, on_match=level) if level != completion.on_match else completion)
            continue
        acts, level = (
            in_share(event.session, shadow.share_ppm),
            level_of(shadow.levels, shadow.on_match, event),
        )
        message = f"completes {completion.title}: {completion.explanation}"
        told.append(_shadow_verdict(shadow, level, message, acts=acts, completes=True))
        if acts:
            kept.append(changed(completion, on_match=level))
    missing: list[Lacking] = []
    for each in lacking:
        pattern = each.pattern
        shadow = shadows.get(pattern.id)
        if shadow is None:
            level = protection.level_of(pattern.id, pattern.on_match, event)
            missing.append(_at_level(each, level))
            continue
        acts, level = (
            in_share(event.session, shadow.share_ppm),
            level_of(shadow.levels, shadow.on_match, event),
        )
        message = each.told.replace(f"`{pattern.id}`", f"`{shadow.pattern}`")
        told.append(_shadow_verdict(shadow, level, message, acts=acts, completes=False))
        if acts:
            missing.append(_at_level(each, level))
    return tuple(kept), missing, tuple(told)


def _at_level(lacking: Lacking, level: str) -> Lacking:
    pattern = lacking.pattern
    return (
        lacking if level == pattern.on_match else Lacking(replace(pattern, on_match=level), lacking.earlier)
    )


def _shadow_verdict(
    shadow: Shadow, level: str, message: str, *, acts: bool, completes: bool
) -> ShadowVerdict:
    return ShadowVerdict(
        pack=shadow.pack,
        version=shadow.version,
        pattern=shadow.pattern,
        verdict=VERDICTS[level],
        message=message,
        enforced=acts,
        completes=completes,
    )
