"""The guide of the tour: says what comes, and waits where the visitor has a say."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Awaitable, Callable, Sequence

from graphsvc.cli.stage import Row, Stage
from graphsvc.cli.terminal import Keyboard
from graphsvc.cli.told import tell_rows

__all__ = ["Guide", "Left"]

_LOOK_S = 0.5


class Left(Exception):
    """The visitor goes."""


class Guide:
    """Leads one visitor.

    yes: nobody is there, and the guide does what would be left to them. unexpected: answers that were so far.
    """

    def __init__(self, stage: Stage, stopped: asyncio.Event, *, yes: bool) -> None:
        self.stage = stage
        self.unexpected = 0
        self._stopped = stopped
        self._yes = yes
        self._keyboard = Keyboard()

    def say(self, text: str) -> None:
        """A paragraph."""
        print(f"\n{textwrap.fill(text, 96)}", flush=True)

    def point(self, line: str) -> None:
        """Something to copy or to click, unbroken."""
        print(f"  {line}", flush=True)

    def show(self, rows: Sequence[Row]) -> None:
        """Steps of a story, as they were answered."""
        self.unexpected += sum(not row["as expected"] for row in rows)
        print()
        tell_rows(rows)

    async def pause(self) -> None:
        """Until Enter."""
        await self.hear("[Enter to go on, q to leave] ")

    async def hear(
        self, prompt: str, done: Callable[[], Awaitable[bool]] | None = None, *, nobody: str = ""
    ) -> str | None:
        """What is typed at a prompt; None once `done` says that it happened elsewhere. Left when the visitor goes.

        nobody: what the guide says when nobody is there.
        """
        if self._stopped.is_set():
            raise Left
        if self._yes:
            return nobody
        print(f"\n{prompt}", end="", flush=True)
        typing = asyncio.ensure_future(self._keyboard.line())
        waits: list[asyncio.Future[object]] = [typing, asyncio.ensure_future(self._stopped.wait())]  # type: ignore[list-item]  # futures of several kinds
        if done is not None:
            waits.append(asyncio.ensure_future(_until(done)))
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        if self._stopped.is_set():
            raise Left
        if not typing.done():
            print()
            return None
        heard = typing.result()
        if heard is None or heard == "q":
            raise Left
        return heard


async def _until(done: Callable[[], Awaitable[bool]]) -> None:
    while not await done():  # noqa: ASYNC110  the service is asked as a browser would be, it tells no event
        await asyncio.sleep(_LOOK_S)
