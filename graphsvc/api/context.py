"""What every resolver can reach: the use cases, the history and who asks."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import strawberry

from graphsvc.api.auth import Authenticator, Login
from graphsvc.api.hot.owner import Owners
from graphsvc.api.loading import Rows
from graphsvc.api.metric import Metrics
from graphsvc.api.persisted import PersistedDocuments
from graphsvc.api.rate import Rate
from graphsvc.decide.command import Caller
from graphsvc.decide.ports import History
from graphsvc.decide.service import GraphsvcService

__all__ = ["READERS", "Context", "Info", "Parts"]

# Roles that read everything, not only what they themselves asked.
READERS = frozenset({"analyst", "approver", "auditor", "admin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What one running API consists of.

    development: IDE, suggestions and introspection for all. public_url: where callers reach it, without a slash at
    the end; None = not told.
    """

    service: GraphsvcService
    history: History
    auth: Authenticator
    metrics: Metrics = field(default_factory=Metrics)
    development: bool = False
    public_url: str | None = None
    documents: PersistedDocuments = field(default_factory=PersistedDocuments)
    rate: Rate = field(default_factory=Rate)
    owners: Owners | None = None


@dataclass(slots=True, kw_only=True)
class Context:
    """One HTTP request or one socket. login is set once the caller is known.

    shared: for whom a group of subscribers is told; whether a member's own login still counts is looked at for each.
    resume_after: where an event stream goes on (`Last-Event-ID`).
    """

    parts: Parts
    login: Login | None = None
    shared: Caller | None = None
    resume_after: str | None = None
    _rows: Rows | None = None

    @property
    def service(self) -> GraphsvcService:
        """The use cases."""
        return self.parts.service

    @property
    def rows(self) -> Rows:
        """Rows of history, each read once for one request."""
        if self._rows is None:
            self._rows = Rows(self.parts.history)
        return self._rows

    @property
    def caller(self) -> Caller:
        """Who asks; nobody, with no role, before login and once the token has expired or was taken back."""
        if self.shared is not None:
            return self.shared
        login = self.login
        if (
            login is None
            or (login.expires_s is not None and time.time() >= login.expires_s)
            or not self.parts.auth.holds(login)
        ):
            return Caller(subject="", roles=frozenset())
        return login.caller

    @property
    def reads_all(self) -> bool:
        """False for a caller that may only see its own chains and decisions."""
        return bool(self.caller.roles & READERS)


if TYPE_CHECKING:
    Info: TypeAlias = strawberry.Info[Context, None]
else:
    Info = strawberry.Info
