"""Reviews in the fold: what an answer does to the state, and that an approval serves one action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from graphsvc.core.evaluate import evaluate
from graphsvc.core.record import Approved, Rejected
from graphsvc.core.request import AccessRequest
from graphsvc.core.review import review_of

if TYPE_CHECKING:
    from graphsvc.core.world import World

__all__ = ["approve", "review_used", "reviewed"]

_APPROVAL = "review:"


def approve(world: World, record: Approved, seq: int) -> None:
    """The approval covers the reasons listed (R12), and is an event in the reviewed session (R14)."""
    reviewed(world, record)
    past = world.happened(record.decision)
    if past is None:
        return
    request = AccessRequest(
        id=f"{_APPROVAL}{record.decision}:{seq}",
        chain="",
        subject=record.person,
        action="review:Approve",
        resource=past.event.request.resource,
    )
    world.approved.add(record.decision)
    approval = evaluate(request, record.at_ms, world.facts(), seq=seq, force=True, reviewed=past.event)
    world.happen(approval)
    world.named(approval)


def reviewed(world: World, record: Approved | Rejected) -> None:
    """An escalated decision has its answer."""
    decided = world.waiting.pop(record.decision, None)
    if decided is not None:
        world.reviews[record.decision] = review_of(decided, record)


def review_used(world: World, review: str, action: str) -> None:
    """An approved action was taken; the review serves no other."""
    held = world.reviews.get(review)
    if held is not None and held.used_by is None:
        world.reviews[review] = replace(held, used_by=action)
