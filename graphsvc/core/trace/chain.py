"""The life of chains in traces: opened, given an intent, closed."""

from __future__ import annotations

from graphsvc.core.record import ChainClosed, ChainOpened, IntentDeclared
from graphsvc.core.trace.field import Fields
from graphsvc.core.value import Json

__all__ = ["close_record", "intent_record", "open_record", "read_close", "read_intent", "read_open"]


def read_open(fields: Fields, at_ms: int) -> tuple[ChainOpened]:
    """`open`: a chain before its first action."""
    return (
        ChainOpened(
            at_ms=at_ms,
            chain=fields.text("chain"),
            session=fields.optional_text("session"),
            parent_chain=fields.optional_text("parent_chain"),
            owner=fields.note("owner"),
            shared_with=fields.texts("shared_with"),
            intent=fields.optional_mapping("intent"),
        ),
    )


def open_record(record: ChainOpened) -> dict[str, Json]:
    """`open`."""
    written: dict[str, Json] = {
        "chain": record.chain, "session": record.session, "parent_chain": record.parent_chain,
        "intent": record.intent,
    }  # fmt: skip
    if record.owner:
        written["owner"] = record.owner
    if record.shared_with:
        written["shared_with"] = list(record.shared_with)
    return written


def read_intent(fields: Fields, at_ms: int) -> tuple[IntentDeclared]:
    """`intent`: what a chain is for, from now on."""
    intent = fields.optional_mapping("intent")
    if intent is None:
        fields.fail("intent", "is missing; write an object")
    return (IntentDeclared(at_ms=at_ms, chain=fields.text("chain"), intent=intent, by=fields.note("caller")),)


def intent_record(record: IntentDeclared) -> dict[str, Json]:
    """`intent`."""
    return {"chain": record.chain, "intent": record.intent}


def read_close(fields: Fields, at_ms: int) -> tuple[ChainClosed]:
    """`close`."""
    return (ChainClosed(at_ms=at_ms, chain=fields.text("chain"), by=fields.note("caller")),)


def close_record(record: ChainClosed) -> dict[str, Json]:
    """`close`."""
    return {"chain": record.chain}
