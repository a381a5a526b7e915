"""What callers ask of the service and what they get: the use cases' vocabulary, free of wire formats."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from graphsvc.core.record import Decided, Granted, Record
from graphsvc.core.request import AccessRequest
from graphsvc.core.value import Json
from graphsvc.core.verdict import Completion, NearHarm, Reason, Risk, Verdict

__all__ = [
    "Ack",
    "Answer",
    "Caller",
    "ChainView",
    "DecideCommand",
    "GrantAnswer",
    "IdentityView",
    "Judged",
    "LogEvent",
    "PatternView",
    "RevokeAnswer",
    "SearchAnswer",
    "Searched",
]


Searched: TypeAlias = Literal["subject", "resource", "action"]


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, by its token. subjects: globs of identities it may speak for."""

    subject: str
    roles: frozenset[str]
    scopes: frozenset[str] = frozenset()
    subjects: tuple[str, ...] = ("*",)


class DecideCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A request for a decision; `request.id` is empty and given by the service.

    at_least: a revision the answer must be as fresh as. deadline_ms: from now; past it DENY.
    """

    key: str
    request: AccessRequest
    at_least: str | None = None
    deadline_ms: int | None = None


class Nearing(msgspec.Struct, frozen=True, kw_only=True):
    """near: asked for the harm that is nearest by whoever shows it, since most callers do not."""

    near: Callable[[], tuple[NearHarm, ...]] = tuple

    @property
    def nearest(self) -> tuple[NearHarm, ...]:
        """The patterns nearest to completion in the scopes that were judged."""
        return self.near()


class Answer(Nearing, frozen=True, kw_only=True):
    """A decision as answered. `verdict` is what the caller must do.

    decision: what was decided; recorded is False for the transient refusals (store unreachable,
    deadline past), of which nothing was stored. replayed: the same key had been answered before.
    revision: `<incarnation>.<seq>` of the record; audit_id: the record's place in the audit log.
    """

    decision: Decided
    verdict: Verdict
    revision: str
    audit_id: str
    recorded: bool = True
    replayed: bool = False


class Judged(Nearing, frozen=True, kw_only=True):
    """What the answer would be; nothing was changed. stale: the log could not be read lately."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    completions: tuple[Completion, ...]
    risk: Risk
    revision: str
    stale: bool = False


class SearchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Part of what was searched, sorted. after: where to go on, None at the end."""

    ids: tuple[str, ...]
    after: str | None
    revision: str


class Ack(msgspec.Struct, frozen=True, kw_only=True):
    """A change is durable at `revision`."""

    revision: str
    at_ms: int


class GrantAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A situational grant was made."""

    grant: Granted
    revision: str


class RevokeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A grant ended. affected_chains: open chains in which it permitted something."""

    grant: Granted
    revision: str
    affected_chains: tuple[str, ...]


class IdentityView(msgspec.Struct, frozen=True, kw_only=True):
    """An identity as the graph holds it now. risk_micros: see `Risk`."""

    id: str
    kind: str
    name: str | None
    status: str
    groups: tuple[str, ...]
    acts_for: tuple[str, ...]
    grants: tuple[Granted, ...]
    permissions: int
    risk_micros: int
    properties: dict[str, Json]
    aliases: tuple[str, ...] = ()


class ChainView(msgspec.Struct, frozen=True, kw_only=True):
    """A chain as it is now. length: actions judged so far, of which the newest may not be drawn yet."""

    id: str
    session: str
    owner: str
    closed: bool
    length: int


class PatternView(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern in force."""

    id: str
    title: str
    severity: str
    on_match: str
    pack: str
    version: str
    scope: str
    steps: tuple[str, ...]


class LogEvent(msgspec.Struct, frozen=True):
    """A record with its number, as subscribers see it. Its cursor is its revision."""

    seq: int
    record: Record
