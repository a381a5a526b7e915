"""What can be changed about rules, reviews of more than one person, and emergencies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.change import Ack, PublishPolicyInput, PublishResult
from graphsvc.api.schema.failure import Conflict, InvalidRequest, NotAllowed, Unavailable, failed
from graphsvc.api.schema.review import Review, ReviewResult
from graphsvc.api.schema.rules import (
    BreakGlassInput,
    BreakGlassResult,
    Drafted,
    DraftResult,
    Emergency,
    Shadowed,
    ShadowInput,
    ShadowResult,
    pack_texts,
)
from graphsvc.api.schema.scalar import DateTime, raw_id
from graphsvc.api.whole import whole
from graphsvc.core.policy.load import load_policy
from graphsvc.decide import command
from graphsvc.errors import BadInput, GraphsvcError

__all__ = ["RulesMutation"]


@strawberry.type
class RulesMutation:
    """What can be changed about rules."""

    @guarded("Try a pack on live traffic, without effect or in a share of sessions.", as_data=True)
    async def shadow_policy(self, info: Info, input: ShadowInput) -> ShadowResult:  # noqa: A002  # the contract's name
        """Try a pack on live traffic."""
        context = info.context
        try:
            ack, unjudged = await whole(
                context.service.desk.shadow(
                    context.caller, input.yaml, input.file, input.canary, input.comment
                )
            )
        except GraphsvcError as error:
            return failed(error)
        return Shadowed.of(load_policy(input.yaml, input.file).pack.id, ack, unjudged)

    @guarded("End the trial of a pack.", as_data=True)
    async def end_trial(self, info: Info, pack: str, comment: str = "") -> PublishResult:
        """End the trial of a pack."""
        context = info.context
        return await _acknowledged(lambda: context.service.desk.end_trial(context.caller, pack, comment))

    @guarded("Hand packs in for somebody else to publish.", as_data=True)
    async def draft_policy(self, info: Info, input: PublishPolicyInput) -> DraftResult:  # noqa: A002
        """Hand packs in for somebody else to publish."""
        context = info.context
        try:
            packs = pack_texts(input.files, input.yaml, input.signature)
            ack, draft = await whole(context.service.desk.draft(context.caller, packs, input.comment))
        except GraphsvcError as error:
            return failed(error)
        return Drafted(draft=strawberry.ID(draft), revision=ack.revision, at=DateTime(ack.at_ms))

    @guarded("Put a draft into force; by a second person where settings ask for one.", as_data=True)
    async def publish_draft(self, info: Info, draft: strawberry.ID, comment: str = "") -> PublishResult:
        """Put a draft into force."""
        context = info.context
        return await _acknowledged(
            lambda: context.service.desk.publish_draft(context.caller, str(draft), comment)
        )

    @guarded("Take a draft back.", as_data=True)
    async def withdraw_draft(self, info: Info, draft: strawberry.ID, comment: str = "") -> PublishResult:
        """Take a draft back."""
        context = info.context
        return await _acknowledged(
            lambda: context.service.desk.withdraw_draft(context.caller, str(draft), comment)
        )

    @guarded("Nobody waits for the answer of a review any more.", as_data=True)
    async def withdraw_review(self, info: Info, id: strawberry.ID, reason: str) -> ReviewResult:  # noqa: A002
        """Nobody waits for the answer of a review any more."""
        context = info.context
        try:
            name = raw_id("review", id, "id")
            await whole(context.service.desk.withdraw_review(context.caller, name, reason))
            view = context.service.review(name)
        except GraphsvcError as error:
            return failed(error)
        return Review.of(view) if view is not None else failed(BadInput(f"no review `{name}`", field="id"))

    @guarded(
        "Declare an emergency: for a while an identity goes past rules as a pack's `break_glass` says; every action "
        "so permitted has to be reviewed afterwards.",
        as_data=True,
    )
    async def break_glass(self, info: Info, input: BreakGlassInput) -> BreakGlassResult:  # noqa: A002
        """Declare an emergency."""
        context = info.context
        try:
            identity = raw_id("identity", input.identity, "identity")
            chain = None if input.chain is None else raw_id("chain", input.chain, "chain")
            _, record = await whole(
                context.service.desk.break_glass(context.caller, identity, chain, input.reason)
            )
        except GraphsvcError as error:
            return failed(error)
        return Emergency.of(record)


async def _acknowledged(
    call: Callable[[], Awaitable[command.Ack]],
) -> Ack | InvalidRequest | NotAllowed | Conflict | Unavailable:
    try:
        return Ack.of(await whole(call()))
    except GraphsvcError as error:
        return failed(error)
