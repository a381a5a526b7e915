"""One kept-open HTTP/1.1 connection for calls that send JSON and read JSON, over TCP, TLS or a Unix socket.

The standard library's client reads every header as if it were mail, which is most of what a call costs. This one knows
what a GraphQL service answers: a status, a length or chunks, a body. Whatever else comes is WireError, and the
connection is given up. Source of the framing: RFC 9112, sections 6 and 7.
"""

from __future__ import annotations

import socket
import ssl
import time
from pathlib import Path

__all__ = ["IDLE_S", "Wire", "WireError"]

# A service closes connections that nothing came over for five seconds.
IDLE_S = 4.0
# Of all headers an answer may have, what its framing needs.
_READ = (b"content-length", b"transfer-encoding", b"connection")
_HEAD_LIMIT = 1 << 16
_BODY_LIMIT = 1 << 26
_SOME = 1 << 16


class WireError(OSError):
    """What came back is no answer of HTTP/1.1, or none that a service of ours gives."""


class Wire:
    """host, port, or uds: where to. Times out with TimeoutError; OSError when the connection fails."""

    def __init__(self, host: str, port: int, *, is_tls: bool = False, uds: Path | None = None) -> None:
        self._host, self._port, self._is_tls, self._uds = host, port, is_tls, uds
        self._socket: socket.socket | None = None
        self._used_s = 0.0
        self._rest = b""

    def close(self) -> None:
        """The next exchange connects anew."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def exchange(self, request: bytes, timeout_s: float) -> tuple[int, bytes]:
        """Send a whole request, return status and body. timeout_s: for each wait, not for all of them."""
        line, now_s = self._socket, time.monotonic()
        if line is not None and now_s - self._used_s > IDLE_S:
            # The other side may have closed it by now; a request into it might be lost, or answered twice.
            self.close()
            line = None
        self._used_s = now_s
        if line is None:
            line = self._socket = self._connected(timeout_s)
        else:
            line.settimeout(timeout_s)
        line.sendall(request)
        status, headers = self._head(line)
        while 100 <= status < 200:
            status, headers = self._head(line)
        if b"chunked" in headers.get(b"transfer-encoding", b""):
            body = self._chunks(line)
        elif (length := headers.get(b"content-length")) is not None:
            if not length.isdigit() or int(length) > _BODY_LIMIT:
                raise WireError(f"an answer of `{length.decode(errors='replace')}` bytes")
            body = self._exactly(line, int(length))
        else:
            raise WireError("an answer without a length")
        if b"close" in headers.get(b"connection", b""):
            self.close()
        return status, body

    def _connected(self, timeout_s: float) -> socket.socket:
        line = self._opened(timeout_s)
        if not self._is_tls or self._uds is not None:
            return line
        try:
            return ssl.create_default_context().wrap_socket(line, server_hostname=self._host)
        except BaseException:
            line.close()
            raise

    def _opened(self, timeout_s: float) -> socket.socket:
        if self._uds is None:
            line = socket.create_connection((self._host, self._port), timeout_s)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return line
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            line.settimeout(timeout_s)
            line.connect(str(self._uds))
        except BaseException:
            line.close()
            raise
        return line

    def _more(self, line: socket.socket) -> None:
        some = line.recv(_SOME)
        if not some:
            raise WireError("the connection was closed before the answer ended")
        self._rest += some

    def _head(self, line: socket.socket) -> tuple[int, dict[bytes, bytes]]:
        while (end := self._rest.find(b"\r\n\r\n")) < 0:
            if len(self._rest) > _HEAD_LIMIT:
                raise WireError("an answer whose headers do not end")
            self._more(line)
        head = self._rest[:end].lower()
        self._rest = self._rest[end + 4 :]
        version, told = head[:9], head[9:12]
        if version not in (b"http/1.1 ", b"http/1.0 ") or not told.isdigit() or len(told) != 3:
            raise WireError("an answer that is not HTTP/1.1")
        headers: dict[bytes, bytes] = {}
        for name in _READ:
            start = head.find(b"\r\n%b:" % name)
            if start >= 0:
                start += len(name) + 3
                stop = head.find(b"\r\n", start)
                headers[name] = head[start : stop if stop >= 0 else end].strip()
        if version == b"http/1.0 ":
            headers.setdefault(b"connection", b"close")
        return int(told), headers

    def _exactly(self, line: socket.socket, length: int) -> bytes:
        while len(self._rest) < length:
            self._more(line)
        body, self._rest = self._rest[:length], self._rest[length:]
        return body

    def _chunks(self, line: socket.socket) -> bytes:
        body = b""
        while True:
            size = self._line(line).partition(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError as error:
                raise WireError("a chunk without a size") from error
            if not 0 <= length <= _BODY_LIMIT - len(body):
                raise WireError("an answer that is too large")
            if length == 0:
                while self._line(line):
                    pass  # trailers
                return body
            body += self._exactly(line, length)
            if self._line(line):
                raise WireError("a chunk that is longer than it says")

    def _line(self, line: socket.socket) -> bytes:
        while (end := self._rest.find(b"\r\n")) < 0:
            if len(self._rest) > _HEAD_LIMIT:
                raise WireError("a line that does not end")
            self._more(line)
        found, self._rest = self._rest[:end], self._rest[end + 2 :]
        return found
