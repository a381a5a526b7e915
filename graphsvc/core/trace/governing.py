"""Records about trials, drafts, reviews by several people and emergencies, in traces: written as they are stored."""

from __future__ import annotations

from typing import Final, cast

import msgspec

from graphsvc.core.governing import Governing
from graphsvc.core.trace.field import Fields
from graphsvc.core.value import Json

__all__ = ["GOVERN", "govern_record", "read_govern"]

GOVERN: Final = "govern"


def read_govern(fields: Fields, at_ms: int) -> tuple[Governing]:
    """`govern`: the record under `record`; BadInput names what of it does not fit."""
    written = {**fields.mapping("record"), "at_ms": at_ms, "by": fields.note("caller")}
    try:
        return (cast("Governing", msgspec.convert(written, Governing)),)
    except msgspec.ValidationError as error:
        fields.fail("record", f"is no such record: {error}")


def govern_record(record: Governing) -> dict[str, Json]:
    """The record of one."""
    written = cast("dict[str, Json]", msgspec.to_builtins(record))
    return {"record": {key: value for key, value in written.items() if key not in {"at_ms", "by"}}}
