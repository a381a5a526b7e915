"""Where messages for a SIEM go: a file of JSON lines, a syslog server, an HTTP collector."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from graphsvc.events.outlet import Undeliverable

__all__ = ["FileSink", "HttpSink", "SyslogSink"]

_TIMEOUT_S = 10.0
# RFC 5424: facility 13 (log audit), severity 6 (informational).
_PRIORITY = 13 * 8 + 6


class FileSink:
    """Appends lines, durable when `send` returns; a file that was moved away (rotated) is made anew."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, messages: Sequence[bytes]) -> None:
        """Append them all."""
        await asyncio.to_thread(self._append, b"".join(message + b"\n" for message in messages))

    async def close(self) -> None:
        """Nothing stays open."""

    def _append(self, lines: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())


class SyslogSink:
    """RFC 5424 over UDP, or over TCP with octet counting (RFC 6587). url: udp://host:514 or tcp://host:601."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._is_stream = parts.scheme == "tcp"
        self._host, self._port = parts.hostname or "", parts.port or (601 if self._is_stream else 514)
        self._writer: asyncio.StreamWriter | None = None
        self._name = socket.gethostname() or "-"

    async def send(self, messages: Sequence[bytes]) -> None:
        """Send them one by one; over UDP nobody says whether they came."""
        framed = [self._framed(message) for message in messages]
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                if self._is_stream:
                    await self._write(b"".join(b"%d %s" % (len(each), each) for each in framed))
                else:
                    await asyncio.to_thread(self._datagrams, framed)
        except (OSError, TimeoutError) as error:
            await self.close()
            raise Undeliverable(
                f"syslog {self._host}:{self._port}: {str(error) or 'no answer in time'}"
            ) from error

    async def close(self) -> None:
        """End the connection, if there is one."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.close()

    async def _write(self, data: bytes) -> None:
        if self._writer is None or self._writer.is_closing():
            _, self._writer = await asyncio.open_connection(self._host, self._port)
        self._writer.write(data)
        await self._writer.drain()

    def _datagrams(self, framed: Sequence[bytes]) -> None:
        family, kind, _, _, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as sender:
            for each in framed:
                sender.sendto(each, address)

    def _framed(self, message: bytes) -> bytes:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return f"<{_PRIORITY}>1 {now} {self._name} graphsvc {os.getpid()} decision - ".encode() + message


class HttpSink:
    """Posts a JSON array of messages. token_file: a bearer token, read every time so that it can be renewed."""

    def __init__(
        self, url: str, token_file: Path | None = None, content_type: str = "application/json"
    ) -> None:
        self._url = url
        self._token_file = token_file
        self._content_type = content_type
        self._session: aiohttp.ClientSession | None = None

    async def send(self, messages: Sequence[bytes]) -> None:
        """One request for them all; any 2xx is a receipt."""
        await self.post(b"[" + b",".join(messages) + b"]")

    async def post(self, body: bytes) -> None:
        """One request."""
        headers = {"Content-Type": self._content_type}
        if self._token_file is not None:
            token = await asyncio.to_thread(self._token_file.read_text, encoding="utf-8")
            headers["Authorization"] = f"Bearer {token.strip()}"
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                if not 200 <= response.status < 300:
                    raise Undeliverable(f"`{self._url}` answered {response.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Undeliverable(f"`{self._url}`: {str(error) or 'no answer in time'}") from error

    async def close(self) -> None:
        """End its connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None
