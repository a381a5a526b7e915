"""Commands that always ask a running service, under the caller's own token: their options, and the one call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from graphsvc.cli.output import Format

if TYPE_CHECKING:
    from graphsvc.client import Client

__all__ = ["Running", "asked"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """Which service is asked, as whom, and how its answer is printed."""

    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table
    server: Annotated[str, typer.Option("--server", metavar="URL", help="The running service.")] = (
        "http://127.0.0.1:8080"
    )
    token: Annotated[
        str | None, typer.Option("--token", metavar="TOKEN", help="Your own token; made by `graphsvc token`.")
    ] = None


def asked(call: Callable[[Client], Awaitable[T]], at: Running) -> T:
    """What the service answers to one call."""
    from graphsvc.cli.session import run
    from graphsvc.client import Client

    async def body() -> T:
        async with Client(at.server, at.token) as client:
            return await call(client)

    return run(body())
