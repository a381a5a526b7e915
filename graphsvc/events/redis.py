"""A bell over Redis Streams: each replica tells the others the newest number of the log.

One stream a life of a store, cut to a few messages. Nothing depends on a message: whoever misses one, or all while
Redis is away, finds what is new by reading the log.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

__all__ = ["RedisBell"]

_KEPT = 64
_WITHIN_S = 1.0
_BLOCK_S = 5.0
_PAUSE_S = 1.0

_log = logging.getLogger("graphsvc.bell")


class RedisBell:
    """A Bell. url: of Redis, without a password. incarnation: of the store, so that each life has its own stream."""

    def __init__(self, url: str, incarnation: str, password: str | None = None) -> None:
        self._stream = f"graphsvc:{incarnation}:log"
        self._name = uuid.uuid4().hex
        self._after = "$"
        self._is_away = False
        options: dict[str, Any] = {
            "password": password,
            "decode_responses": True,
            "socket_connect_timeout": _WITHIN_S,
            # A message that is sent late is worth nothing.
            "retry": Retry(NoBackoff(), 0),
        }
        # Two connections: one waits for messages all the time.
        self._speaking = Redis.from_url(url, socket_timeout=_WITHIN_S, **options)
        self._hearing = Redis.from_url(url, socket_timeout=_BLOCK_S + _WITHIN_S, **options)

    async def ring(self, seq: int) -> None:
        """Say that the log holds record `seq`; never an error."""
        try:
            await self._speaking.xadd(
                self._stream, {"seq": seq, "by": self._name}, maxlen=_KEPT, approximate=True
            )
        except (RedisError, OSError, TimeoutError) as error:
            self._away(error)

    async def heard(self) -> int:
        """The newest number that another replica told; waits until there is one."""
        while True:
            try:
                # The client's types cover both versions of the protocol; this is what XREAD gives.
                found: Any = await self._hearing.xread(
                    {self._stream: self._after}, block=int(_BLOCK_S * 1000)
                )
            except (RedisError, OSError, TimeoutError) as error:
                self._away(error)
                self._after = "$"
                await asyncio.sleep(_PAUSE_S)
                continue
            if self._is_away:
                self._is_away = False
                _log.info("bell_back")
            newest = 0
            # A list of pairs, or a mapping to lists of lists, by the version of the protocol.
            for messages in _by_stream(found):
                for message, fields in messages:
                    self._after = message
                    if fields.get("by") != self._name:
                        newest = max(newest, _number(fields.get("seq")))
            if newest:
                return newest

    async def close(self) -> None:
        """Give both connections back."""
        await self._speaking.aclose()
        await self._hearing.aclose()

    def _away(self, error: Exception) -> None:
        # Told once: the log is read all the same, only later.
        if not self._is_away:
            self._is_away = True
            _log.warning("bell_away", extra={"reason": str(error) or type(error).__name__})


def _by_stream(found: Any) -> Iterable[Any]:
    if isinstance(found, dict):
        return [message for batches in found.values() for message in batches]
    return [messages for _, messages in found or ()]


def _number(value: object) -> int:
    return int(value) if isinstance(value, str) and value.isascii() and value.isdecimal() else 0
