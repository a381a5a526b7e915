"""Rights given for a while, and what granting and revoking answer."""

from __future__ import annotations

from typing import Annotated, TypeAlias, cast

import strawberry

from graphsvc.api.schema.failure import Conflict, Failure, InvalidRequest, NotAllowed, Unavailable
from graphsvc.api.schema.scalar import DateTime, prefixed
from graphsvc.api.schema.verdict import Completion
from graphsvc.core import record
from graphsvc.core import signal as core_signal
from graphsvc.core import verdict as core
from graphsvc.core.score import as_score
from graphsvc.decide.grant_view import GrantStatus, GrantView
from graphsvc.errors import GrantRefused

__all__ = [
    "Grant",
    "GrantFilter",
    "GrantInput",
    "GrantResult",
    "GrantState",
    "GrantStatus",
    "Granted",
    "Refused",
    "RevokeResult",
    "Revoked",
    "Signal",
]


@strawberry.input(description="Rights for a while. actions and resources are globs; resources are `type:id`.")
class GrantInput:
    """Rights for a while."""

    identity: strawberry.ID
    actions: list[str]
    resources: list[str]
    expires_at: DateTime
    purpose: str
    not_before: DateTime | None = None
    uses: int | None = None
    chain: strawberry.ID | None = None
    session: strawberry.ID | None = strawberry.field(default=None, description="Only within that session.")


@strawberry.type(description="A situational grant.")
class Grant:
    """A situational grant."""

    id: strawberry.ID
    identity: strawberry.ID
    actions: list[str]
    resources: list[str]
    not_before: DateTime
    expires_at: DateTime
    uses: int | None
    chain: strawberry.ID | None
    session: strawberry.ID | None
    purpose: str
    granted_by: str

    @staticmethod
    def of(grant: record.Granted) -> Grant:
        """From the record."""
        return Grant(
            id=prefixed("grant", grant.id),
            identity=prefixed("identity", grant.identity),
            actions=list(grant.actions),
            resources=list(grant.resources),
            not_before=DateTime(grant.from_ms),
            expires_at=DateTime(grant.to_ms),
            uses=grant.uses,
            chain=None if grant.chain is None else prefixed("chain", grant.chain),
            session=None if grant.session is None else prefixed("session", grant.session),
            purpose=grant.purpose,
            granted_by=grant.by,
        )


strawberry.enum(GrantStatus, description="What a grant is worth now.")


@strawberry.type(description="A situational grant as it is now.")
class GrantState:
    """A situational grant as it is now. used: how many actions were permitted by it."""

    grant: Grant
    status: GrantStatus
    used: int
    revoked_at: DateTime | None

    @staticmethod
    def of(view: GrantView) -> GrantState:
        """From the use case's view."""
        return GrantState(
            grant=Grant.of(view.granted),
            status=view.status,
            used=view.used,
            revoked_at=DateTime(view.revoked_ms) if view.revoked_ms is not None else None,
        )


@strawberry.input(description="Every condition given must hold.")
class GrantFilter:
    """Every condition given must hold."""

    identity: strawberry.ID | None = None
    status: GrantStatus | None = None
    chain: strawberry.ID | None = strawberry.field(default=None, description="That it is limited to.")
    text: str | None = strawberry.field(
        default=None,
        description="Stands in its actions, resources, purpose or who gave it; case does not count.",
    )


@strawberry.type(description="A warning about an identity.")
class Signal:
    """A warning about an identity. share: what it adds to the risk now, 0 to 1."""

    at: DateTime
    weight: float
    half_life_ms: int
    cause: str
    share: float

    @staticmethod
    def of(signal: core_signal.Signal, now_ms: int) -> Signal:
        """From the core's value."""
        return Signal(
            at=DateTime(signal.at_ms),
            weight=signal.weight,
            half_life_ms=signal.half_life_ms,
            cause=signal.cause,
            share=as_score(signal.micros(now_ms)),
        )


@strawberry.type(description="The grant is durable at `revision`.")
class Granted:
    """The grant is durable at `revision`."""

    grant: Grant
    revision: str


@strawberry.type(description="The grant ended; from `revision` on nobody is permitted by it.")
class Revoked:
    """The grant ended. affected_chains: open chains in which it permitted something."""

    grant: Grant
    revision: str
    affected_chains: list[strawberry.ID]


@strawberry.type(description="The grant would complete patterns of rights; nothing was granted.")
class Refused(Failure):
    """The grant would complete patterns of rights. completions: which, and how."""

    completions: list[Completion] = strawberry.field(default_factory=list)

    @staticmethod
    def of(refused: GrantRefused) -> Refused:
        """From the error."""
        completions = [Completion.of(cast("core.Completion", each)) for each in refused.completions]
        return Refused(code=refused.code, message=str(refused), completions=completions)


GrantResult: TypeAlias = Annotated[
    Granted | Refused | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("GrantResult")
]
RevokeResult: TypeAlias = Annotated[
    Revoked | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("RevokeResult")
]
