"""Work that is done to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

__all__ = ["whole"]

T = TypeVar("T")


async def whole(work: Awaitable[T]) -> T:
    """`work` to its end, even when whoever waits for it gives up: a caller that hangs up leaves no half decision."""
    return await asyncio.shield(asyncio.ensure_future(work))
