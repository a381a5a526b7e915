"""Answers leave in one piece, event streams are not held back, and nothing is lost when a connection closes."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from graphsvc.api.joined import JoinedTransport

pytestmark = pytest.mark.anyio


class Inner:
    """A transport that remembers."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.written.append(b"closed")

    def get_extra_info(self, name: str) -> str:
        return name


@pytest.fixture
def inner() -> Inner:
    """Nothing is written yet."""
    return Inner()


def _joined(inner: Inner) -> JoinedTransport:
    return JoinedTransport(cast("asyncio.Transport", inner), asyncio.get_running_loop())


async def test_head_and_body_leave_together(inner: Inner) -> None:
    """Two writes are one, and pipelined answers keep their order."""
    joined = _joined(inner)
    for part in (b"head1 ", b"body1 ", b"head2 ", b"body2"):
        joined.write(part)
    await asyncio.sleep(0)
    assert inner.written == [b"head1 body1 ", b"head2 body2"]


async def test_what_stands_alone_leaves_in_the_same_turn(inner: Inner) -> None:
    """The head of an event stream does not wait for the first event."""
    _joined(inner).write(b"head")
    assert inner.written == []
    await asyncio.sleep(0)
    assert inner.written == [b"head"]


async def test_closing_loses_nothing(inner: Inner) -> None:
    """What is held is sent first."""
    joined = _joined(inner)
    joined.write(b"last")
    joined.close()
    await asyncio.sleep(0)
    assert inner.written == [b"last", b"closed"]
    assert joined.get_extra_info("peername") == "peername"
