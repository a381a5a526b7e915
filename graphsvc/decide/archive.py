"""Decisions that are not in memory any more: read from the log by their number, else from what was drawn."""

from __future__ import annotations

import msgspec

from graphsvc.core.codec import decode_records
from graphsvc.core.record import Decided, Record
from graphsvc.core.world import World
from graphsvc.decide.ports import Store
from graphsvc.errors import StoreError

__all__ = ["decided_from_body", "recorded"]

_decoder: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)


async def recorded(world: World, store: Store, decision: str) -> tuple[int, Decided] | None:
    """A decision by id with its number, however old; None when there is none."""
    record = world.decided.get(decision)
    seq = world.seq_of(decision)
    if record is not None:
        return seq, record
    if seq:
        for entry in await store.read(after=seq - 1, limit=1):
            # One that was cut off from the log may still be drawn.
            found = decode_records(entry.body)[seq - entry.first] if entry.first <= seq else None
            if isinstance(found, Decided):
                return seq, found
    row = await store.decision(decision)
    return (row.seq, decided_from_body(row.body)) if row is not None else None


def decided_from_body(body: bytes) -> Decided:
    """The record of a drawn decision; StoreError when it is none."""
    try:
        record = _decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise StoreError(f"a drawn decision cannot be read: {error}") from error
    if not isinstance(record, Decided):
        raise StoreError("a drawn decision holds another kind of record")
    return record
