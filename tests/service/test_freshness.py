"""What may be answered while the log is not read, and when a process calls itself ready."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from graphsvc.decide.freshness import SILENT_AFTER_MS, STALE_AFTER_MS, Freshness
from graphsvc.errors import StoreUnavailable

pytestmark = pytest.mark.anyio


class _Answering:
    async def ping(self) -> None:
        """Always at once."""


def _freshness(age_ms: int, *, shared: bool) -> Freshness:
    sequencer: Any = SimpleNamespace(
        swapped=SimpleNamespace(is_set=lambda: False),
        blocked=None,
        unread_ms=age_ms,
        was_read=lambda: None,
    )
    store: Any = _Answering()
    return Freshness(store, sequencer, shared=shared)


async def test_a_replica_that_may_be_behind_is_not_ready() -> None:
    """That the store answers again is not enough: what others appended has to be read first."""
    assert await _freshness(STALE_AFTER_MS - 1, shared=True).problem() is None
    problem = await _freshness(STALE_AFTER_MS + 1_000, shared=True).problem()
    assert problem == "the log was not read for 6 s"


async def test_a_process_alone_needs_no_more_than_a_store_that_answers() -> None:
    """Nobody else appends, so a quiet hour makes nothing stale."""
    alone = _freshness(3_600_000, shared=False)
    assert await alone.problem() is None
    assert await alone.is_stale() is False


async def test_a_replica_is_stale_and_then_silent() -> None:
    """By the time since the log was last read."""
    assert await _freshness(STALE_AFTER_MS, shared=True).is_stale() is True
    with pytest.raises(StoreUnavailable, match="out of date"):
        await _freshness(SILENT_AFTER_MS, shared=True).is_stale()
