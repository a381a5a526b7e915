"""A subscriber of the load: as little work as the protocols let it be, so that what is measured is the service."""

from __future__ import annotations

import asyncio
import json
from enum import IntEnum
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Watcher"]


class _Frame(IntEnum):
    """First bytes of whole frames."""

    TEXT = 0x81
    CLOSE = 0x88
    PING = 0x89
    PONG = 0x8A


class Watcher:
    """One socket that speaks graphql-transport-ws."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def subscribe(cls, url: str, token: str, query: str) -> Watcher:
        """A socket at a service that has asked for events; when they begin is not told."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(
            f"GET /graphql HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        watcher = cls(reader, writer)
        watcher._say({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        await watcher.next()
        watcher._say({"id": "1", "type": "subscribe", "payload": {"query": query}})
        return watcher

    async def next(self) -> bytes:
        """The next text. ConnectionError with code and reason when the service closes."""
        while True:
            head = await self._reader.readexactly(2)
            size = head[1]
            if size == 126:
                size = int.from_bytes(await self._reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self._reader.readexactly(8), "big")
            data = await self._reader.readexactly(size)
            match head[0]:
                case _Frame.TEXT:
                    return data
                case _Frame.PING:
                    # A socket whose pings nobody answers is closed.
                    self._send(_Frame.PONG, data)
                case _Frame.CLOSE:
                    raise ConnectionError(f"closed: {int.from_bytes(data[:2], 'big')} {data[2:].decode()}")

    async def is_cut_off(self) -> bool:
        """Whether the service has ended the connection, once what it had sent before is read."""
        try:
            async with asyncio.timeout(2):
                while await self._reader.read(1 << 16):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        return True

    def close(self) -> None:
        """Go away."""
        self._writer.close()

    def _say(self, message: dict[str, Any]) -> None:
        self._send(_Frame.TEXT, json.dumps(message).encode())

    def _send(self, kind: int, data: bytes) -> None:
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        self._writer.write(bytes([kind]) + size + b"\0\0\0\0" + data)
