"""Cursors that are places in the log."""

from __future__ import annotations

from graphsvc.api.context import Context
from graphsvc.errors import BadInput

__all__ = ["cursor_of", "seq_of"]


def cursor_of(context: Context, seq: int) -> str:
    """The cursor, which is the revision too, of record `seq`."""
    incarnation = context.service.revision().rpartition(".")[0]
    return f"{incarnation}.{seq}"


def seq_of(context: Context, cursor: str | None, field: str) -> int | None:
    """The record that a cursor names; BadInput with `field` when it is not one of this store."""
    if cursor is None:
        return None
    seq = context.service.cursor_seq(cursor)
    if seq is None:
        raise BadInput(f"{field}: `{cursor}` is not a cursor of this store", field=field)
    return seq
