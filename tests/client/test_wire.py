"""The connection of the synchronous client, against servers that answer in every way HTTP/1.1 allows, and in some it does not."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from graphsvc.client import wire as wire_module
from graphsvc.client.wire import Wire, WireError

BODY = b'{"data": 1}'
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n" + BODY


@contextmanager
def _server(*answers: bytes, at_once: int = 1 << 16) -> Iterator[tuple[Wire, list[int]]]:
    """Answers one request each, at most `at_once` bytes a packet; counts connections."""
    listener = socket.create_server(("127.0.0.1", 0))
    connections: list[int] = []
    left = list(answers)

    def serve() -> None:
        while left:
            try:
                line, _ = listener.accept()
            except OSError:
                return
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections.append(1)
            with line:
                while left and line.recv(1 << 16):
                    answer = left.pop(0)
                    for start in range(0, len(answer), at_once):
                        line.sendall(answer[start : start + at_once])
                    if b"close" in answer or not answer.startswith(b"HTTP/1.1 200"):
                        break

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    wire = Wire("127.0.0.1", listener.getsockname()[1])
    try:
        yield wire, connections
    finally:
        wire.close()
        listener.close()


@pytest.mark.parametrize("at_once", [1, 7, 1 << 16])
@pytest.mark.parametrize(
    "answer",
    [
        WHOLE,
        b"HTTP/1.1 200\r\ncontent-length:11\r\nX: y\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n" + BODY[:4] + b"\r\n7;x=y\r\n" + BODY[4:] + b"\r\n0\r\nT: t\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\nB\r\n" + BODY + b"\r\n0\r\n\r\n",
    ],
)  # fmt: skip
def test_every_framing_is_read_however_it_is_cut(answer: bytes, at_once: int) -> None:
    """Two answers over one connection, each whole, nothing left over for the next."""
    with _server(answer, answer, at_once=at_once) as (wire, connections):
        assert wire.exchange(b"POST", 5) == (200, BODY)
        assert wire.exchange(b"POST", 5) == (200, BODY)
        assert len(connections) == 1


def test_news_before_the_answer_is_passed_over() -> None:
    """103 and 100 come first and are no answer."""
    with _server(b"HTTP/1.1 200 OK\r\n\r\n".replace(b"200 OK", b"103 Early") + WHOLE) as (wire, _):
        assert wire.exchange(b"POST", 5) == (200, BODY)


def test_a_connection_that_is_to_close_is_not_used_again() -> None:
    """`Connection: close` means the next call connects anew."""
    closing = WHOLE.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    with _server(closing, WHOLE) as (wire, connections):
        assert wire.exchange(b"POST", 5) == (200, BODY)
        assert wire.exchange(b"POST", 5) == (200, BODY)
        assert len(connections) == 2


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\nConnection: close\r\n\r\n" + BODY,
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFF\r\n",
        b"H" * 70_000,
    ],
)
def test_what_is_no_answer_is_an_error(answer: bytes) -> None:
    """Never a wrong body, never a wait without end."""
    with _server(answer) as (wire, _), pytest.raises(WireError):
        wire.exchange(b"POST", 5)


def test_no_answer_in_time_is_a_timeout() -> None:
    """The caller's time limit holds."""
    with _server(b"HTTP/1.1 200 OK\r\nContent-Le", b"") as (wire, _), pytest.raises(TimeoutError):
        wire.exchange(b"POST", 0.1)


def test_a_connection_that_nothing_came_over_for_long_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service may be closing it just now, so the next call takes a new one; a busy one is kept."""
    now = [100.0]
    monkeypatch.setattr("graphsvc.client.wire.time.monotonic", lambda: now[0])
    with _server(WHOLE, WHOLE, WHOLE) as (wire, connections):
        wire.exchange(b"x", 5)
        now[0] += wire_module.IDLE_S - 0.1
        wire.exchange(b"x", 5)
        assert len(connections) == 1
        now[0] += wire_module.IDLE_S + 0.1
        wire.exchange(b"x", 5)
        assert len(connections) == 2
