"""One step of drawing from the log alone: what can be done beside the service, by a process that holds no world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from graphsvc.core.codec import decode_records
from graphsvc.decide.draw import add_strokes, draw
from graphsvc.decide.ports import Entry, Strokes

__all__ = ["Canvas", "paint_entries"]

_ENTRIES = 100


class Canvas(Protocol):
    """Of a store the log to read and the graph to draw; see `Log` and `Drawing`."""

    async def read(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Entries with seq > `after`, oldest first, at most `limit` entries, without gaps."""

    async def drawn(self) -> int:
        """The number up to which the graph is drawn."""

    async def draw(self, strokes: Strokes, *, expected: int, drawn: int) -> bool:
        """Draw and move the cursor from `expected` to `drawn`, both or neither."""


async def paint_entries(canvas: Canvas, *, after: int, upto: int, most: int) -> int:
    """As `Painter.paint`."""
    whole, last, count = Strokes(), after, 0
    for entry in await canvas.read(after=after, limit=_ENTRIES):
        if entry.seq > upto or count >= most:
            break
        records = decode_records(entry.body)
        for seq, record in enumerate(records, entry.first):
            add_strokes(whole, draw(record, seq))
        last, count = entry.seq, count + len(records)
    if last == after or await canvas.draw(whole, expected=after, drawn=last):
        return last
    return await canvas.drawn()
