"""One interface to a store that is ours and to a service that runs elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from graphsvc.cli.option import Place
from graphsvc.core.governing import FindingRegistered
from graphsvc.core.graph import Edge, Node
from graphsvc.core.record import Record
from graphsvc.core.value import Json
from graphsvc.decide.command import DecideCommand
from graphsvc.errors import BadInput

__all__ = ["Admin", "open_admin", "run", "run_admin"]

T = TypeVar("T")


class Admin(Protocol):
    """What commands ask, wherever it is answered. Decisions come as JSON in the shape of the API."""

    async def publish(self, texts: Sequence[tuple[str, str]], comment: str) -> str:
        """Put packs (text, file) into force; the revision."""

    async def rollback(self, pack: str, version: str | None, comment: str) -> str:
        """Put an earlier text of a pack into force again; the revision."""

    async def versions(self) -> list[dict[str, Json]]:
        """Every publication of every pack, newest first."""

    async def patterns(self) -> list[dict[str, Json]]:
        """The patterns in force."""

    async def load(
        self,
        source: str,
        nodes: Sequence[Node],
        edges: Sequence[Edge],
        *,
        replace: bool,
        staged: Callable[[int], None],
    ) -> str:
        """Make facts of a source visible at once; the revision. staged: told how many facts went off."""

    async def source(self, name: str) -> tuple[list[Node], list[Edge]]:
        """What one source asserts now; nothing when there is none of that name."""

    async def facts(self) -> tuple[list[Node], list[Edge]]:
        """The whole graph, merged over its sources."""

    async def packs(self) -> tuple[list[tuple[str, str]], str]:
        """Texts and file names of the packs in force, and the revision of the answer."""

    async def register(self) -> list[FindingRegistered]:
        """What is agreed about findings, newest first."""

    async def counterfactual(self, decision_id: str) -> list[dict[str, Json]]:
        """For each completion of a decision the grants without which its path would not exist."""

    def history(self) -> AsyncIterator[tuple[int, Record]]:
        """Every record with its number, oldest first."""

    async def decide(self, document: dict[str, Json], command: DecideCommand) -> dict[str, Json]:
        """Judge and record."""

    async def evaluate(
        self, document: dict[str, Json], command: DecideCommand, as_of: str | None = None
    ) -> dict[str, Json]:
        """Judge; nothing changes. as_of: a revision, to judge as it would have been then."""

    async def decision(self, decision_id: str) -> dict[str, Json] | None:
        """A decision made earlier, None when there is none of that id."""


def run(main: Awaitable[T], *, fast: bool = False) -> T:
    """Run a coroutine; one error of a group is told as itself.

    fast: on uvloop where it is installed.
    """

    async def body() -> T:
        return await main

    try:
        with asyncio.Runner(loop_factory=_fast_loop() if fast else None) as runner:
            return runner.run(body())
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def run_admin(
    ask: Callable[[Admin], Awaitable[T]],
    at: Place,
    create: bool = True,
) -> T:
    """Ask the store or the service once. create: whether a store that is not there is made."""

    async def body() -> T:
        async with open_admin(at, create=create) as admin:
            return await ask(admin)

    return run(body())


@asynccontextmanager
async def open_admin(at: Place, create: bool = True) -> AsyncIterator[Admin]:
    """The service at `server`, else the store itself; closed with the block."""
    if at.server is not None:
        if at.store is not None:
            raise BadInput("--store and --server exclude each other; give one", field="server")
        from graphsvc.cli.remote import open_remote

        async with open_remote(at.server, at.token) as remote:
            yield remote
        return
    if at.token is not None:
        raise BadInput("--token goes with --server URL; add it or leave both out", field="token")
    from graphsvc.cli.direct import Direct
    from graphsvc.config import load_settings
    from graphsvc.wiring import open_service

    settings = load_settings(at.config, store=at.store)
    async with open_service(settings, create=create) as service:
        yield Direct(service)
