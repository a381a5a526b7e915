"""Which records are about one person: what has to be told to whoever asks what is kept of them."""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.record import (
    Approved,
    Decided,
    Granted,
    GraphStaged,
    Record,
    Reinstated,
    Rejected,
    Signalled,
    Suspended,
)

__all__ = ["about", "facts_of"]


def about(record: Record, names: Iterable[str]) -> bool:
    """Whether a record names an identity. names: its id and aliases, without a prefix."""
    wanted = frozenset(names)
    match record:
        case Decided():
            request = record.request
            return any(entity.id in wanted for entity in (request.subject, *request.on_behalf_of))
        case Granted() | Signalled():
            return record.identity in wanted
        case Suspended() | Reinstated():
            return record.target_kind == "identity" and record.target in wanted
        case Approved() | Rejected():
            return record.person.id in wanted
        case GraphStaged():
            return bool(facts_of(record, wanted))
    return getattr(record, "by", None) in wanted


def facts_of(record: GraphStaged, names: Iterable[str]) -> list[object]:
    """The nodes and edges of a part of an import that are about an identity."""
    keys = {f"identity:{name}" for name in names}
    return [
        *(node for node in record.nodes if node.key in keys),
        *(edge for edge in record.edges if edge.start in keys or edge.end in keys),
    ]
