"""Reading what another service answers, no more of it than is wanted."""

from __future__ import annotations

import aiohttp

__all__ = ["body_of"]


async def body_of(response: aiohttp.ClientResponse, most_bytes: int) -> bytes:
    """The body of a 200; ValueError for another status, a redirect among them, or for more bytes."""
    if response.status != 200:
        raise ValueError(f"status {response.status}")
    parts: list[bytes] = []
    left = most_bytes
    async for part in response.content.iter_any():
        left -= len(part)
        if left < 0:
            raise ValueError(f"more than {most_bytes} bytes")
        parts.append(part)
    return b"".join(parts)
