"""Carries what was recorded out to others, in order, each record at least once.

An outlet remembers in a file up to which number it has delivered, so what was recorded while the other side or this
process was away is delivered later. Delivery never holds a decision up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from graphsvc.decide.command import LogEvent
from graphsvc.decide.service import GraphsvcService
from graphsvc.errors import GraphsvcError

__all__ = ["Outlet", "Undeliverable", "keep_delivering"]

_AT_ONCE = 200
_LOOK_AGAIN_S = 0.05
_LEAST_S, _MOST_S = 1.0, 60.0
_log = logging.getLogger("graphsvc.events")


class Undeliverable(Exception):
    """The other side does not take it now."""


class Sink(Protocol):
    """Where messages go."""

    async def send(self, messages: Sequence[bytes]) -> None:
        """Return when the other side has them; Undeliverable otherwise."""

    async def close(self) -> None:
        """End its connections."""


@dataclass
class Outlet:
    """Turns records into messages for one sink. cursor: file that holds the revision delivered last.

    delivered, failed: counted since the start. problem: why nothing is delivered now, None while it is.
    """

    name: str
    sink: Sink
    messages: Callable[[LogEvent], Sequence[bytes]]
    cursor: Path
    delivered: int = 0
    failed: int = 0
    problem: str | None = field(default=None)

    def place(self, service: GraphsvcService) -> int:
        """The number behind which to go on: where it stopped; from now on the first time, or in another store."""
        try:
            held = self.cursor.read_text(encoding="ascii").strip()
        except OSError:
            held = ""
        seq = service.cursor_seq(held) if held else None
        if seq is None:
            if held:
                _log.warning("outlet_begins_anew", extra={"outlet": self.name, "cursor": held})
            seq = service.cursor_seq(service.revision()) or 0
        return seq

    def keep(self, revision: str) -> None:
        """Remember how far it came; replaced as a whole."""
        self.cursor.parent.mkdir(parents=True, exist_ok=True)
        beside = self.cursor.with_suffix(".new")
        beside.write_text(revision, encoding="ascii")
        beside.replace(self.cursor)


async def keep_delivering(service: GraphsvcService, outlet: Outlet) -> None:
    """Deliver for ever; ends when cancelled. What fails is tried again, less and less often up to once a minute."""
    after, wait_s = outlet.place(service), _LEAST_S
    # Kept at once: what is recorded from now on is delivered, if this process ends before the first of it too.
    outlet.keep(_at(service, after))
    try:
        await _deliver(service, outlet, after, wait_s)
    finally:
        await outlet.sink.close()


async def _deliver(service: GraphsvcService, outlet: Outlet, after: int, wait_s: float) -> None:
    while True:
        if (service.cursor_seq(service.revision()) or 0) <= after:
            await asyncio.sleep(_LOOK_AGAIN_S)
            continue
        try:
            events = await service.records(after=after, limit=_AT_ONCE)
            if not events:
                await asyncio.sleep(_LOOK_AGAIN_S)
                continue
            messages = [message for event in events for message in outlet.messages(event)]
            if messages:
                await outlet.sink.send(messages)
        except (Undeliverable, GraphsvcError, OSError) as error:
            outlet.failed += 1
            if outlet.problem is None:
                _log.warning("outlet_failed", extra={"outlet": outlet.name, "error": str(error)})
            outlet.problem = str(error) or type(error).__name__
            await asyncio.sleep(wait_s)
            wait_s = min(_MOST_S, wait_s * 2)
            continue
        if events[0].seq > after + 1:
            # Retention moved them out of the store before the other side would take them.
            missed = {"outlet": outlet.name, "first": after + 1, "last": events[0].seq - 1}
            _log.error("outlet_missed", extra=missed)
        wait_s = _LEAST_S
        outlet.delivered += len(messages)
        after = events[-1].seq
        _kept(outlet, _at(service, after))


def _kept(outlet: Outlet, revision: str) -> None:
    """Remember how far it came. What was delivered is: should that fail, a restart would only tell it again."""
    try:
        outlet.keep(revision)
    except OSError as error:
        if outlet.problem is None:
            _log.warning("outlet_place_not_kept", extra={"outlet": outlet.name, "error": str(error)})
        outlet.problem = str(error)
        return
    if outlet.problem is not None:
        _log.info("outlet_recovered", extra={"outlet": outlet.name})
    outlet.problem = None


def _at(service: GraphsvcService, seq: int) -> str:
    return f"{service.revision().rpartition('.')[0]}.{seq}"
