"""A revision as an argument: which number of the log it means."""

from __future__ import annotations

from graphsvc.decide.service import GraphsvcService
from graphsvc.errors import BadInput

__all__ = ["revision_seq"]


def revision_seq(service: GraphsvcService, revision: str, field: str = "asOf") -> int:
    """The number of a revision; BadInput naming `field` when it is none of this store."""
    seq = service.cursor_seq(revision)
    if seq is None:
        raise BadInput(
            f"{field}: `{revision}` is no revision of this store; take one from an answer", field=field
        )
    return seq
