"""The life of rules: trials, drafts and emergencies."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import strawberry

from graphsvc.api.schema.change import Ack, PolicyFileInput, TargetKind
from graphsvc.api.schema.failure import Conflict, InvalidRequest, NotAllowed, Unavailable
from graphsvc.api.schema.scalar import DateTime, prefixed
from graphsvc.core.governing import GlassBroken, PolicyDrafted
from graphsvc.core.record import Suspended
from graphsvc.decide.desk import TrialView
from graphsvc.decide.trying import PackText
from graphsvc.errors import BadInput

__all__ = [
    "BreakGlassInput", "BreakGlassResult", "DraftResult", "Drafted", "Emergency", "PolicyDraft", "PolicyTrial",
    "ShadowInput", "ShadowResult", "Shadowed", "Suspension", "pack_texts",
]  # fmt: skip

_PPM = 1_000_000


@strawberry.input(
    description="A pack to try. canary: the share of sessions in which it takes effect, 0 to 1."
)
class ShadowInput:
    """A pack to try."""

    yaml: str
    file: str = "<policy>"
    canary: float = 0.0
    comment: str = ""


@strawberry.type(description="A pack is on trial. unjudged: what of it a trial cannot judge, in words.")
class Shadowed:
    """A pack is on trial."""

    pack: str
    revision: str
    at: DateTime
    unjudged: list[str]

    @staticmethod
    def of(pack: str, ack: object, unjudged: list[str]) -> Shadowed:
        """From the use case's answer."""
        told = Ack.of(ack)  # type: ignore[arg-type]  # what the use case answers
        return Shadowed(pack=pack, revision=told.revision, at=told.at, unjudged=unjudged)


@strawberry.type(description="A pack on trial, and what came of it since it began.")
class PolicyTrial:
    """A pack on trial. spoke: decisions of which it said something; differs: those that it would have answered more severely."""

    pack: str
    version: str
    sha256: str
    since: DateTime
    by: str
    comment: str
    canary: float
    decisions: int
    spoke: int
    denies: int
    escalates: int
    differs: int
    unjudged: list[str]

    @staticmethod
    def of(view: TrialView) -> PolicyTrial:
        """From the use case's view."""
        record = view.record
        return PolicyTrial(
            pack=record.pack,
            version=record.version,
            sha256=record.sha256,
            since=DateTime(record.at_ms),
            by=record.by,
            comment=record.comment,
            canary=record.share_ppm / _PPM,
            decisions=view.decisions,
            spoke=view.spoke,
            denies=view.denies,
            escalates=view.escalates,
            differs=view.differs,
            unjudged=list(view.unjudged),
        )


@strawberry.type(description="Packs wait for somebody to publish them.")
class Drafted:
    """Packs wait for somebody to publish them."""

    draft: strawberry.ID
    revision: str
    at: DateTime


@strawberry.type(description="Packs that wait for somebody to publish them.")
class PolicyDraft:
    """Packs that wait. files, texts: as handed in, in the same order."""

    draft: strawberry.ID
    drafted_at: DateTime
    drafted_by: str
    comment: str
    files: list[str]
    texts: list[str]

    @staticmethod
    def of(record: PolicyDrafted) -> PolicyDraft:
        """From the record."""
        return PolicyDraft(
            draft=strawberry.ID(record.draft),
            drafted_at=DateTime(record.at_ms),
            drafted_by=record.by,
            comment=record.comment,
            files=[file for _, file, _ in record.packs],
            texts=[text for text, _, _ in record.packs],
        )


@strawberry.input(description="An emergency to declare. chain: only there; null = everywhere.")
class BreakGlassInput:
    """An emergency to declare."""

    identity: strawberry.ID
    reason: str
    chain: strawberry.ID | None = None


@strawberry.type(
    description="An emergency: for a while somebody goes past rules, and every such action is reviewed."
)
class Emergency:
    """An emergency. unreviewed: how many of its actions wait for their review."""

    id: strawberry.ID
    identity: strawberry.ID
    chain: strawberry.ID | None
    pack: str
    reason: str
    declared_at: DateTime
    declared_by: str
    until: DateTime
    unreviewed: int

    @staticmethod
    def of(record: GlassBroken, unreviewed: int = 0) -> Emergency:
        """From the record."""
        return Emergency(
            id=prefixed("glass", record.id),
            identity=prefixed("identity", record.identity),
            chain=prefixed("chain", record.chain) if record.chain is not None else None,
            pack=record.pack,
            reason=record.reason,
            declared_at=DateTime(record.at_ms),
            declared_by=record.by,
            until=DateTime(record.until_ms),
            unreviewed=unreviewed,
        )


@strawberry.type(
    description="Something that is suspended: by whom, why and until when; null = until reinstated."
)
class Suspension:
    """Something that is suspended. id: as `reinstate` takes it; of an action a glob."""

    kind: TargetKind
    id: strawberry.ID
    reason: str
    suspended_at: DateTime
    suspended_by: str
    until: DateTime | None

    @staticmethod
    def of(record: Suspended) -> Suspension:
        """From the record."""
        kind = TargetKind(record.target_kind)
        return Suspension(
            kind=kind,
            id=strawberry.ID(record.target)
            if kind is TargetKind.action
            else prefixed(kind.value, record.target),
            reason=record.reason,
            suspended_at=DateTime(record.at_ms),
            suspended_by=record.by,
            until=None if record.until_ms is None else DateTime(record.until_ms),
        )


def pack_texts(files: list[PolicyFileInput] | None, yaml: str | None, signature: str) -> list[PackText]:
    """Policy files as they were handed in; BadInput when there is none."""
    packs = [] if yaml is None else [PackText(yaml, "<policy>", signature)]
    packs += [PackText(each.yaml, each.file, each.signature) for each in files or ()]
    if not packs:
        raise BadInput("no policy: give `yaml` or `files`", field="yaml")
    return packs


ShadowResult: TypeAlias = Annotated[
    Shadowed | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("ShadowResult")
]
DraftResult: TypeAlias = Annotated[
    Drafted | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("DraftResult")
]
BreakGlassResult: TypeAlias = Annotated[
    Emergency | InvalidRequest | NotAllowed | Conflict | Unavailable, strawberry.union("BreakGlassResult")
]
