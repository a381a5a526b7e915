"""Where a log may be made to begin: checked alike by every store."""

from __future__ import annotations

from graphsvc.errors import Conflict

__all__ = ["check_base"]


def check_base(seq: int, *, cut: int, head: int, ends_there: bool) -> None:
    """Conflict unless the log may begin behind `seq`. cut: behind what it begins now; head: the newest number."""
    is_again = seq == cut
    if is_again or head == 0 or (cut < seq <= head and ends_there):
        return
    raise Conflict(
        f"the log cannot begin behind record {seq}: it holds {cut + 1} to {head}, and must be cut between entries"
    )
