"""Inputs of the changes that answer with a revision, and that answer."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

import strawberry

from graphsvc.api.schema.failure import Conflict, InvalidRequest, NotAllowed, Unavailable
from graphsvc.api.schema.request import IntentInput
from graphsvc.api.schema.scalar import JSON, DateTime
from graphsvc.core.duration import parse_duration
from graphsvc.decide import command
from graphsvc.errors import BadInput

__all__ = [
    "Ack", "CancelResult", "ChainInput", "ChainResult", "DeclareIntentInput", "GraphResult", "Outcome", "PolicyFileInput",
    "PublishPolicyInput", "PublishResult", "ReportInput", "ReportResult", "RollbackInput", "SignalInput", "SignalResult", "SuspendInput", "SuspendResult",
    "TargetKind", "UpsertGraphInput",
]  # fmt: skip


@strawberry.enum(description="What came of an action.")
class Outcome(StrEnum):
    """What came of an action."""

    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    UNKNOWN = "UNKNOWN"


@strawberry.enum(description="What can be suspended.")
class TargetKind(StrEnum):
    """What can be suspended."""

    identity = "identity"
    chain = "chain"
    session = "session"
    action = "action"
    pattern = "pattern"


@strawberry.input(description="What came of a permitted action.")
class ReportInput:
    """What came of a permitted action. tokens: salted hashes of values in the result."""

    decision: strawberry.ID
    outcome: Outcome
    labels: list[str] | None = None
    tokens: list[str] | None = None


@strawberry.input(description="A chain to open before its first action.")
class ChainInput:
    """A chain to open. shared_with: token subjects that may use it besides the opener."""

    id: strawberry.ID
    session: strawberry.ID | None = None
    parent_chain: strawberry.ID | None = None
    shared_with: list[str] | None = None
    intent: IntentInput | None = None


@strawberry.input(description="What a chain is for from now on.")
class DeclareIntentInput:
    """What a chain is for from now on, in place of what was declared before."""

    chain: strawberry.ID
    intent: IntentInput


@strawberry.input(description="A warning about an identity: it raises its risk, and fades.")
class SignalInput:
    """A warning. weight: above 0, at most 1; half_life: such as 1h; chain: a pep names the one it was seen in."""

    identity: strawberry.ID
    weight: float
    half_life: str
    cause: str
    chain: strawberry.ID | None = None

    def half_life_ms(self) -> int:
        """In milliseconds; BadInput when it is no duration."""
        try:
            return parse_duration(self.half_life)
        except ValueError as error:
            raise BadInput(f"halfLife: {error}", field="halfLife") from None


@strawberry.input(
    description="What to stop, from the answer's revision on. A chain takes those it spawned with it; of a suspended pattern nothing comes."
)
class SuspendInput:
    """What to stop. id: with or without its prefix; of an action a glob. until: null = until reinstated."""

    kind: TargetKind
    id: strawberry.ID
    reason: str
    until: DateTime | None = None


@strawberry.input(
    description="One policy file. signature: the note of `graphsvc policy sign`, where packs must be signed."
)
class PolicyFileInput:
    """One policy file. file: the name that errors show."""

    yaml: str
    file: str = "<policy>"
    signature: str = ""


@strawberry.input(description="Packs that come into force together.")
class PublishPolicyInput:
    """Packs that come into force together: `yaml` (with its `signature`) for one, `files` for several."""

    yaml: str | None = None
    files: list[PolicyFileInput] | None = None
    comment: str = ""
    signature: str = ""


@strawberry.input(description="A pack to put back to an earlier text. version: null = the one before.")
class RollbackInput:
    """A pack to put back."""

    pack: str
    version: str | None = None
    comment: str = ""


@strawberry.input(description="Facts of one source, as in graph files: `{node: ...}` or `{edge: ...}` each.")
class UpsertGraphInput:
    """Facts of one source. replace: what the source said before and does not say now is gone."""

    source: str
    records: list[JSON]
    replace: bool = False


@strawberry.type(description="The change is durable at `revision`.")
class Ack:
    """The change is durable at `revision`."""

    revision: str
    at: DateTime

    @staticmethod
    def of(ack: command.Ack) -> Ack:
        """From the use case's answer."""
        return Ack(revision=ack.revision, at=DateTime(ack.at_ms))


ReportResult: TypeAlias = Annotated[
    Ack | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("ReportResult")
]
CancelResult: TypeAlias = Annotated[
    Ack | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("CancelResult")
]
ChainResult: TypeAlias = Annotated[
    Ack | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("ChainResult")
]
SuspendResult: TypeAlias = Annotated[
    Ack | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("SuspendResult")
]
SignalResult: TypeAlias = Annotated[
    Ack | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("SignalResult")
]
PublishResult: TypeAlias = Annotated[
    Ack | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("PublishResult")
]
GraphResult: TypeAlias = Annotated[
    Ack | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("GraphResult")
]
