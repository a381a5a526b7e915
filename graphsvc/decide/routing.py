"""Who may answer a review: by the first route of the packs in force that fits the action that waits."""

from __future__ import annotations

from collections.abc import Iterator

from graphsvc.core.member import is_one_of
from graphsvc.core.policy.protection import ReviewRoute
from graphsvc.core.record import Decided
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.errors import NotAllowed

__all__ = ["NO_ROUTE", "check_approver", "route_of"]

NO_ROUTE = ReviewRoute()


def route_of(world: World, decided: Decided) -> ReviewRoute:
    """The route of a decision by the facts of its own moment; NO_ROUTE where no pack names one."""
    past = world.happened(decided.request.id)
    for route in world.ruleset.protection.routes:
        named = route.patterns is None or any(map(route.patterns, _rules(decided)))
        if named and past is not None and route.fits(past.event):
            return route.written
    return NO_ROUTE


def check_approver(world: World, decided: Decided, subject: str, now_ms: int) -> None:
    """NotAllowed when the route leaves somebody out; deputies are in once the review has waited long enough."""
    route = route_of(world, decided)
    waited_ms = now_ms - decided.at_ms
    if route.approvers is not None and not is_one_of(route.approvers, subject, world.estate):
        deputy = route.deputies is not None and is_one_of(route.deputies, subject, world.estate)
        if not deputy:
            raise NotAllowed("this review is routed to others; its route names who may answer")
        assert route.after_ms is not None
        if waited_ms < route.after_ms:
            wait_s = (route.after_ms - waited_ms + 999) // 1000
            raise NotAllowed(
                f"deputies may answer once the review has waited longer; try again in {wait_s} s"
            )
    if route.not_owner:
        resolve = world.estate.resolve
        owners = {resolve(owner)[1] for owner in _owners(world, decided)}
        if resolve(subject)[1] in owners:
            raise NotAllowed("whoever published or drafted the rule that escalated cannot review it here")


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
