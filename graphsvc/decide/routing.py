"""Who may answer a review: by the first route of the packs in force that fits the action, or the rights, that wait."""

from __future__ import annotations

from collections.abc import Iterator

from graphsvc.core.glob import is_literal, matcher
from graphsvc.core.governing import GrantAsked
from graphsvc.core.member import is_one_of
from graphsvc.core.overlap import overlap
from graphsvc.core.policy.condition import ResourceCondition
from graphsvc.core.policy.protection import ReviewRoute
from graphsvc.core.record import Decided
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.errors import NotAllowed

__all__ = ["NO_ROUTE", "check_approver", "check_route", "grant_route", "route_of"]

NO_ROUTE = ReviewRoute()


def route_of(world: World, decided: Decided) -> ReviewRoute:
    """The route of a decision by the facts of its own moment; NO_ROUTE where no pack names one."""
    past = world.happened(decided.request.id)
    for route in world.ruleset.protection.routes:
        named = route.patterns is None or any(map(route.patterns, _rules(decided)))
        if named and past is not None and route.fits(past.event):
            return route.written
    return NO_ROUTE


def grant_route(world: World, asked: GrantAsked) -> ReviewRoute:
    """The route of rights that are asked for: the first that is about anything they would reach; NO_ROUTE if none is.

    A route for some `patterns` is about rules that escalated, and is passed over.
    """
    for route in world.ruleset.protection.routes:
        if route.patterns is None and _concerns(route.written, asked, world):
            return route.written
    return NO_ROUTE


def check_approver(world: World, decided: Decided, subject: str, now_ms: int) -> None:
    """NotAllowed when the route leaves somebody out; deputies are in once the review has waited long enough."""
    route = route_of(world, decided)
    check_route(route, world, subject, now_ms - decided.at_ms)
    if route.not_owner:
        resolve = world.estate.resolve
        owners = {resolve(owner)[1] for owner in _owners(world, decided)}
        if resolve(subject)[1] in owners:
            raise NotAllowed("whoever published or drafted the rule that escalated cannot review it here")


def check_route(route: ReviewRoute, world: World, subject: str, waited_ms: int) -> None:
    """NotAllowed when a route names others; its deputies are in once something has waited long enough."""
    if route.approvers is None or is_one_of(route.approvers, subject, world.estate):
        return
    if route.deputies is None or not is_one_of(route.deputies, subject, world.estate):
        raise NotAllowed("this review is routed to others; its route names who may answer")
    assert route.after_ms is not None
    if waited_ms < route.after_ms:
        wait_s = (route.after_ms - waited_ms + 999) // 1000
        raise NotAllowed(f"deputies may answer once the review has waited longer; try again in {wait_s} s")


def _concerns(route: ReviewRoute, asked: GrantAsked, world: World) -> bool:
    if route.subject is not None and not is_one_of(route.subject, asked.identity, world.estate):
        return False
    if route.action and not any(overlap(each, glob) for each in route.action for glob in asked.actions):
        return False
    if route.effects and not _may_do(set(route.effects), asked, world):
        return False
    return route.resource is None or any(_may_reach(route.resource, glob, world) for glob in asked.resources)


def _may_do(effects: set[str], asked: GrantAsked, world: World) -> bool:
    """True when an action that is asked for has one of the effects, or may have: nothing is declared of it."""
    for glob in asked.actions:
        if is_literal(glob):
            declared = world.ruleset.declare(glob).effects
            if not declared or not effects.isdisjoint(declared):
                return True
        elif "*" in glob or "?" in glob:
            # It may stand for actions that nobody has declared.
            return True
    return False


def _may_reach(condition: ResourceCondition, glob: str, world: World) -> bool:
    """True when a resource that a glob names fits a condition; a glob with wildcards may reach any tier and label."""
    kind, _, name = glob.partition(":")
    if not is_literal(glob):
        kind, name = (kind, name) if ":" in glob else ("*", "*")
        return (not condition.type or any(overlap(each, kind) for each in condition.type)) and (
            not condition.id or any(overlap(each, name) for each in condition.id)
        )
    if condition.type and kind not in condition.type:
        return False
    if condition.id and not matcher(condition.id)(name):
        return False
    node = world.estate.node(f"resource:{glob}")
    if condition.tier and (node is None or node.tier not in condition.tier):
        return False
    wanted, labels = condition.labels, set(node.labels) if node is not None else set()
    return wanted is None or (
        (not wanted.any or not labels.isdisjoint(wanted.any))
        and labels.issuperset(wanted.all)
        and labels.isdisjoint(wanted.none)
    )


def _rules(decided: Decided) -> Iterator[str]:
    for reason in decided.reasons:
        if reason.verdict is Verdict.ESCALATE and reason.rule is not None:
            yield reason.rule


def _owners(world: World, decided: Decided) -> Iterator[str]:
    packs = {completion.pattern: completion.pack for completion in decided.completions}
    for rule in _rules(decided):
        pack = world.packs.get(packs.get(rule) or "")
        if pack is not None:
            yield from (name for name in (pack.by, pack.drafted_by) if name)
