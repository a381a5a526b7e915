"""The register of findings: risks that somebody accepts for a while, and who answers for what by when."""

from __future__ import annotations

from datetime import date
from typing import Annotated, TypeAlias

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.change import Ack
from graphsvc.api.schema.failure import Conflict, InvalidRequest, NotAllowed, Unavailable, failed
from graphsvc.api.schema.scalar import DateTime, prefixed, raw_id
from graphsvc.api.whole import whole
from graphsvc.core.governing import FindingRegistered
from graphsvc.decide.registering import FindingWish
from graphsvc.errors import GraphsvcError

__all__ = ["FindingRegisterMutation", "FindingRegisterQuery"]


@strawberry.input(
    description="A risk to accept: of one finding by its fingerprint, or of all findings of patterns on identities (globs)."
)
class AcceptRiskInput:
    """A risk to accept. until: the last day on which it is accepted, at most a year off."""

    until: date
    reason: str
    fingerprint: strawberry.ID | None = None
    pattern: str = "*"
    identity: str = "*"

    def as_wish(self) -> FindingWish:
        """As the use case takes it."""
        return FindingWish(
            pattern=self.pattern, identity=_bare(self.identity), fingerprint=self.fingerprint, accepted_until=self.until,
            reason=self.reason,
        )  # fmt: skip


@strawberry.input(
    description="Who answers for a finding, or for all findings of patterns on identities (globs), and by when they are to be gone."
)
class AssignFindingInput:
    """Who answers, by when. Without a fingerprint it holds for all that fit."""

    owner: str = ""
    due: date | None = None
    fingerprint: strawberry.ID | None = None
    pattern: str = "*"
    identity: str = "*"
    comment: str = ""

    def as_wish(self) -> FindingWish:
        """As the use case takes it."""
        return FindingWish(
            pattern=self.pattern, identity=_bare(self.identity), fingerprint=self.fingerprint, owner=self.owner,
            due=self.due, reason=self.comment,
        )  # fmt: skip


@strawberry.type(
    description="What is agreed about findings of some patterns on some identities; of one finding where it names a fingerprint."
)
class RegisterEntry:
    """An entry. acceptedUntil: null = an owner or a day is named and nothing is accepted; lapsed: that day is over."""

    id: strawberry.ID
    pattern: str
    identity: str
    fingerprint: strawberry.ID | None
    owner: str
    due: date | None
    accepted_until: date | None
    lapsed: bool
    reason: str
    registered_by: str
    registered_at: DateTime

    @staticmethod
    def of(record: FindingRegistered, today: date) -> RegisterEntry:
        """From the record."""
        return RegisterEntry(
            id=prefixed("entry", record.id),
            pattern=record.pattern,
            identity=record.identity,
            fingerprint=None if record.fingerprint is None else strawberry.ID(record.fingerprint),
            owner=record.owner,
            due=record.due,
            accepted_until=record.accepted_until,
            lapsed=record.accepted_until is not None and record.accepted_until < today,
            reason=record.reason,
            registered_by=record.by,
            registered_at=DateTime(record.at_ms),
        )


RegisterResult: TypeAlias = Annotated[
    RegisterEntry | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("RegisterResult")
]
ReleaseResult: TypeAlias = Annotated[
    Ack | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("ReleaseResult")
]


@strawberry.type
class FindingRegisterQuery:
    """What can be asked of it."""

    @guarded("What is agreed about findings: accepted risks, lapsed ones too, and owners; newest first.")
    def finding_register(self, info: Info) -> list[RegisterEntry]:
        """What is agreed about findings."""
        service = info.context.service
        return [
            RegisterEntry.of(each, service.finding_register.today())
            for each in service.finding_register.entries()
        ]


@strawberry.type
class FindingRegisterMutation:
    """What can be changed in it."""

    @guarded("Accept the risk of findings up to and including a day.", as_data=True)
    async def accept_risk(self, info: Info, input: AcceptRiskInput) -> RegisterResult:  # noqa: A002  # as everywhere
        """Accept the risk of findings for a while."""
        return await _registered(info, input.as_wish())

    @guarded("Say who answers for findings, and by when they are to be gone.", as_data=True)
    async def assign_finding(self, info: Info, input: AssignFindingInput) -> RegisterResult:  # noqa: A002
        """Say who answers for findings."""
        return await _registered(info, input.as_wish())

    @guarded("Take an entry out of the register: an accepted risk is open again.", as_data=True)
    async def withdraw_entry(self, info: Info, id: strawberry.ID, reason: str) -> ReleaseResult:  # noqa: A002
        """Take an entry out of the register."""
        context = info.context
        try:
            entry = raw_id("entry", id, "id")
            return Ack.of(
                await whole(context.service.finding_register.release(context.caller, entry, reason))
            )
        except GraphsvcError as error:
            return failed(error)


async def _registered(info: Info, wish: FindingWish) -> RegisterResult:
    context = info.context
    try:
        _, record = await whole(context.service.finding_register.add(context.caller, wish))
    except GraphsvcError as error:
        return failed(error)
    return RegisterEntry.of(record, context.service.finding_register.today())


def _bare(identity: str) -> str:
    return identity.removeprefix("identity:")
