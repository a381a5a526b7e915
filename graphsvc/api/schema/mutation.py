"""What can be decided and changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Protocol, TypeAlias

import strawberry

from graphsvc.api.context import Info, Parts
from graphsvc.api.role import guarded
from graphsvc.api.schema.change import (
    Ack,
    CancelResult,
    ChainInput,
    ChainResult,
    DeclareIntentInput,
    GraphResult,
    PublishPolicyInput,
    PublishResult,
    ReportInput,
    ReportResult,
    RollbackInput,
    SignalInput,
    SignalResult,
    SuspendInput,
    SuspendResult,
    TargetKind,
    UpsertGraphInput,
)  # fmt: skip
from graphsvc.api.schema.decision import DecideResult, Decision, answered
from graphsvc.api.schema.failure import Conflict, Failed, InvalidRequest, NotAllowed, Unavailable, failed
from graphsvc.api.schema.finding_register import FindingRegisterMutation
from graphsvc.api.schema.grant import Grant, Granted, GrantInput, GrantResult, Refused, Revoked, RevokeResult
from graphsvc.api.schema.grant_asking import GrantRequestMutation
from graphsvc.api.schema.mutation_rules import RulesMutation
from graphsvc.api.schema.request import DecideInput
from graphsvc.api.schema.review import Review, ReviewResult, ReviewScopeInput
from graphsvc.api.schema.rules import pack_texts
from graphsvc.api.schema.scalar import as_object, prefixed, raw_id
from graphsvc.api.whole import whole
from graphsvc.core.graph import facts_of
from graphsvc.decide import command
from graphsvc.decide.command import Answer, Caller, DecideCommand
from graphsvc.errors import BadInput, GrantRefused, GraphsvcError

__all__ = ["Asked", "Decided", "Mutation", "decide", "decide_many"]

Decided: TypeAlias = Answer | InvalidRequest | NotAllowed | Conflict
_Call: TypeAlias = Callable[[], Coroutine[object, object, command.Ack]]
_MAX_BATCH = 200


class Asked(Protocol):
    """An input that is a command, however it was read."""

    def as_command(self) -> DecideCommand:
        """The use case's command; BadInput names the field."""


@strawberry.type
class Mutation(FindingRegisterMutation, GrantRequestMutation, RulesMutation):
    """What can be decided and changed."""

    @guarded("May this identity do this now?", as_data=True)
    async def decide(self, info: Info, input: DecideInput) -> DecideResult:  # noqa: A002  # the contract's name
        """May this identity do this now?"""
        return _told(await decide(info.context.parts, info.context.caller, input))

    @guarded("Up to 200 requests in order, each judged after the ones before it.")
    async def decide_many(self, info: Info, inputs: list[DecideInput]) -> list[DecideResult]:
        """Up to 200 requests in order, each judged after the ones before it."""
        context = info.context
        return [_told(each) for each in await decide_many(context.parts, context.caller, inputs)]

    @guarded("What came of a permitted action.", as_data=True)
    async def report(self, info: Info, input: ReportInput) -> ReportResult:  # noqa: A002
        """What came of a permitted action."""
        context = info.context
        return await _acknowledged(
            lambda: context.service.report(
                context.caller,
                raw_id("decision", input.decision, "decision"),
                input.outcome.value,
                input.labels or (),
                input.tokens or (),
            )
        )

    @guarded("A permitted action did not happen.", as_data=True)
    async def cancel_decision(self, info: Info, id: strawberry.ID) -> CancelResult:  # noqa: A002
        """A permitted action did not happen."""
        context = info.context
        return await _acknowledged(
            lambda: context.service.cancel(context.caller, raw_id("decision", id, "id"))
        )

    @guarded("Open a chain before its first action.", as_data=True)
    async def open_chain(self, info: Info, input: ChainInput) -> ChainResult:  # noqa: A002
        """Open a chain before its first action."""
        context = info.context
        return await _acknowledged(
            lambda: context.service.open_chain(
                context.caller,
                raw_id("chain", input.id, "id"),
                session=None if input.session is None else raw_id("session", input.session, "session"),
                parent_chain=None
                if input.parent_chain is None
                else raw_id("chain", input.parent_chain, "parentChain"),
                shared_with=input.shared_with or (),
                intent=None if input.intent is None else input.intent.as_object(),
            )
        )

    @guarded(
        "Say what a chain is for from now on: its owner for the first time or narrower, an approver as wanted.",
        as_data=True,
    )
    async def declare_intent(self, info: Info, input: DeclareIntentInput) -> ChainResult:  # noqa: A002
        """Say what a chain is for from now on."""
        context = info.context

        def call() -> Coroutine[object, object, command.Ack]:
            chain = raw_id("chain", input.chain, "chain")
            return context.service.declare_intent(context.caller, chain, input.intent.as_object())

        return await _acknowledged(call)

    @guarded("The chain takes no further action.", as_data=True)
    async def close_chain(self, info: Info, id: strawberry.ID) -> ChainResult:  # noqa: A002
        """The chain takes no further action."""
        context = info.context
        return await _acknowledged(
            lambda: context.service.close_chain(context.caller, raw_id("chain", id, "id"))
        )

    @guarded("Give rights for a while.", as_data=True)
    async def grant(self, info: Info, input: GrantInput) -> GrantResult:  # noqa: A002
        """Give rights for a while."""
        context = info.context
        try:
            answer = await whole(
                context.service.grant(
                    context.caller,
                    identity=raw_id("identity", input.identity, "identity"),
                    actions=input.actions,
                    resources=input.resources,
                    expires_ms=input.expires_at,
                    not_before_ms=input.not_before,
                    uses=input.uses,
                    chain=None if input.chain is None else raw_id("chain", input.chain, "chain"),
                    purpose=input.purpose,
                    session=None if input.session is None else raw_id("session", input.session, "session"),
                )
            )
        except GrantRefused as refused:
            return Refused.of(refused)
        except GraphsvcError as error:
            return failed(error)
        return Granted(grant=Grant.of(answer.grant), revision=answer.revision)

    @guarded("End a grant; once this answers nobody is permitted by it.", as_data=True)
    async def revoke_grant(self, info: Info, id: strawberry.ID, reason: str) -> RevokeResult:  # noqa: A002
        """End a grant now."""
        context = info.context
        try:
            answer = await whole(
                context.service.revoke_grant(context.caller, raw_id("grant", id, "id"), reason)
            )
        except GraphsvcError as error:
            return failed(error)
        return Revoked(
            grant=Grant.of(answer.grant),
            revision=answer.revision,
            affected_chains=[prefixed("chain", chain) for chain in answer.affected_chains],
        )

    @guarded("Let an escalated request through once, exactly as it was asked.", as_data=True)
    async def approve_review(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002
        reason: str,
        scope: ReviewScopeInput | None = None,
    ) -> ReviewResult:
        """Let an escalated request through once."""
        context = info.context
        until_ms = None if scope is None else scope.expires_at
        try:
            properties = None if scope is None else as_object(scope.properties, "scope.properties")
            view = await whole(
                context.service.approve_review(
                    context.caller, raw_id("review", id, "id"), reason, until_ms, properties
                )
            )
        except GraphsvcError as error:
            return failed(error)
        return Review.of(view)

    @guarded("Refuse an escalated request.", as_data=True)
    async def reject_review(self, info: Info, id: strawberry.ID, reason: str) -> ReviewResult:  # noqa: A002
        """Refuse an escalated request."""
        context = info.context
        try:
            view = await whole(
                context.service.reject_review(context.caller, raw_id("review", id, "id"), reason)
            )
        except GraphsvcError as error:
            return failed(error)
        return Review.of(view)

    @guarded("Warn about an identity: its risk rises, and fades.", as_data=True)
    async def send_signal(self, info: Info, input: SignalInput) -> SignalResult:  # noqa: A002
        """Warn about an identity."""
        context = info.context

        def call() -> Coroutine[object, object, command.Ack]:
            chain = None if input.chain is None else raw_id("chain", input.chain, "chain")
            identity = raw_id("identity", input.identity, "identity")
            return context.service.send_signal(
                context.caller, identity, input.weight, input.half_life_ms(), input.cause, chain
            )

        return await _acknowledged(call)

    @guarded("Stop an identity, chain, session, action (a glob) or pattern, at once.", as_data=True)
    async def suspend(self, info: Info, input: SuspendInput) -> SuspendResult:  # noqa: A002
        """Stop something."""
        context = info.context

        def call() -> Coroutine[object, object, command.Ack]:
            target = raw_id(input.kind.value, input.id, "id")
            return context.service.suspend(
                context.caller, target, input.reason, input.until, input.kind.value
            )

        return await _acknowledged(call)

    @guarded("End a suspension.", as_data=True)
    async def reinstate(
        self,
        info: Info,
        id: strawberry.ID,  # noqa: A002
        kind: TargetKind = TargetKind.identity,
    ) -> SuspendResult:
        """End a suspension."""
        context = info.context

        def call() -> Coroutine[object, object, command.Ack]:
            return context.service.reinstate(context.caller, raw_id(kind.value, id, "id"), kind.value)

        return await _acknowledged(call)

    @guarded("Put packs into force, all or none.", as_data=True)
    async def publish_policy(self, info: Info, input: PublishPolicyInput) -> PublishResult:  # noqa: A002
        """Put packs into force, all or none."""
        context = info.context

        def call() -> Coroutine[object, object, command.Ack]:
            packs = pack_texts(input.files, input.yaml, input.signature)
            return context.service.desk.publish(context.caller, packs, input.comment)

        return await _acknowledged(call)

    @guarded("Put an earlier text of a pack into force again.", as_data=True)
    async def rollback_policy(self, info: Info, input: RollbackInput) -> PublishResult:  # noqa: A002
        """Put an earlier text of a pack into force again."""
        context = info.context
        return await _acknowledged(
            lambda: context.service.rollback_policy(context.caller, input.pack, input.version, input.comment)
        )

    @guarded("Facts of one source become visible at once.", as_data=True)
    async def upsert_graph(self, info: Info, input: UpsertGraphInput) -> GraphResult:  # noqa: A002
        """Facts of one source become visible at once."""
        context = info.context

        def call() -> Coroutine[object, object, command.Ack]:
            if not input.source:
                raise BadInput("source: must not be empty", field="source")
            nodes, edges = facts_of(input.records)
            return context.service.load_graph(
                context.caller, input.source, nodes, edges, replace=input.replace
            )

        return await _acknowledged(call)

    @guarded("All facts of a source are gone.", as_data=True)
    async def remove_source(self, info: Info, source: str) -> GraphResult:
        """All facts of a source are gone."""
        context = info.context
        return await _acknowledged(lambda: context.service.remove_source(context.caller, source))


async def decide(parts: Parts, caller: Caller, input: Asked) -> Decided:  # noqa: A002  # the contract's name
    """Decide, for a caller that may. The use case runs to its end even when the caller hangs up."""
    began = time.perf_counter()
    try:
        answer = await parts.service.decide(caller, input.as_command())
    except GraphsvcError as error:
        return _decide_failure(error)
    finally:
        parts.metrics.decide_seconds.add(time.perf_counter() - began)
    parts.metrics.verdicts[answer.verdict] += 1
    return answer


async def decide_many(parts: Parts, caller: Caller, inputs: Sequence[Asked]) -> list[Decided]:
    """Decide up to 200 in order, for a caller that may."""
    began = time.perf_counter()
    if len(inputs) > _MAX_BATCH:
        raise BadInput(f"inputs: {len(inputs)} requests; at most {_MAX_BATCH} at once", field="inputs")
    results: list[Decided | None] = [None] * len(inputs)
    commands: list[DecideCommand] = []
    places: list[int] = []
    for place, one in enumerate(inputs):
        try:
            commands.append(one.as_command())
            places.append(place)
        except GraphsvcError as error:
            results[place] = _decide_failure(error)
    if commands:
        answers = await parts.service.decide_many(caller, commands)
        for place, answer in zip(places, answers, strict=True):
            if isinstance(answer, Answer):
                parts.metrics.verdicts[answer.verdict] += 1
                results[place] = answer
            else:
                results[place] = _decide_failure(answer)
    parts.metrics.decide_seconds.add(time.perf_counter() - began)
    return [result for result in results if result is not None]


async def _acknowledged(
    call: _Call,
) -> Ack | InvalidRequest | NotAllowed | Conflict | Unavailable:
    try:
        return Ack.of(await whole(call()))
    except GraphsvcError as error:
        return failed(error)


def _told(result: Decided) -> Decision | InvalidRequest | NotAllowed | Conflict:
    return answered(result) if isinstance(result, Answer) else result


def _decide_failure(error: GraphsvcError) -> InvalidRequest | NotAllowed | Conflict:
    failure: Failed = failed(error)
    if isinstance(failure, Unavailable):
        # The use case answers store trouble with DENY; what still comes here has no place in the union.
        raise error
    return failure
