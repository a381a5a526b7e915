"""Rule packs in traces: what took effect when, with or without its text."""

from __future__ import annotations

from hashlib import sha256

from graphsvc.core.record import PolicyPublished
from graphsvc.core.trace.field import Fields
from graphsvc.core.trace.item import TraceChange, TracePack
from graphsvc.core.value import Json

__all__ = ["pack_record", "read_pack"]


def read_pack(fields: Fields, at_ms: int) -> TraceChange | TracePack:
    """`policy`: with `text` the pack itself, else only which one it was.

    A `sha256` that is not the one of the text is refused: the record would name rules that were
    never in force.
    """
    pack, version, told = fields.text("pack"), fields.note("version"), fields.note("sha256")
    text, file = fields.optional_text("text"), fields.note("file")
    comment, caller = fields.note("comment"), fields.note("caller")
    if text is None:
        return TracePack(pack=pack, version=version, sha256=told, at_ms=at_ms, place=fields.place)
    actual = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    if told not in ("", actual):
        fields.fail("sha256", f"`{told}` is not the one of `text`; leave it out where the text was changed")
    record = PolicyPublished(
        at_ms=at_ms,
        pack=pack,
        version=version,
        sha256=actual,
        text=text,
        file=file or fields.place,
        comment=comment,
        by=caller,
    )
    return TraceChange(records=(record,), place=fields.place)


def pack_record(record: PolicyPublished | TracePack) -> dict[str, Json]:
    """`policy`."""
    written: dict[str, Json] = {"pack": record.pack, "version": record.version, "sha256": record.sha256}
    if isinstance(record, PolicyPublished):
        written |= {"file": record.file, "comment": record.comment, "text": record.text}
    return written
