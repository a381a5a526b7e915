"""Connections that hold on to what they are given: slow ones, silent ones, and too many of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from graphsvc.api.connection import MAX_HEAD_BYTES, Connections
from tests.api.served import PROTOCOL, Served, served

pytestmark = pytest.mark.anyio
_WITHIN_S = 0.4
_HEAD = (
    b"POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 64\r\n"
)


@asynccontextmanager
async def _open(service: Served) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    parts = urlsplit(service.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.close()


async def _drip(writer: asyncio.StreamWriter, text: bytes, every_s: float) -> None:
    for place in range(len(text)):
        writer.write(text[place : place + 1])
        await asyncio.sleep(every_s)


async def _answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    """The only answer on a connection that is closed after it."""
    async with asyncio.timeout(10):
        text = await reader.read()
    head, _, body = text.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, json.loads(body)["error"]


@pytest.mark.parametrize(
    ("at_once", "slowly"), [(b"", _HEAD), (_HEAD + b"\r\n", b'{"query": "{ patterns { id } }"}')]
)
async def test_a_request_that_drips_in_is_cut_off(at_once: bytes, slowly: bytes) -> None:
    """In its headers or in its body, however steadily a byte comes: 408, told and counted."""
    limits = Connections(whole_within_s=_WITHIN_S)
    async with served(connections=limits) as service, _open(service) as (reader, writer):
        writer.write(at_once)
        dripping = asyncio.create_task(_drip(writer, slowly, _WITHIN_S / 4))
        status, headers, error = await _answer(reader)
        dripping.cancel()
        assert (status, error["code"], headers["connection"]) == (408, "request_timeout", "close")
        assert "0.4 s" in error["message"]
        headers = {"Authorization": f"Bearer {service.token('admin')}"}
        async with service.http.get(f"{service.url}/metrics", headers=headers) as response:
            assert "graphsvc_late_requests_total 1.0" in await response.text()


async def test_a_silent_connection_is_closed() -> None:
    """Without an answer, for nothing was asked."""
    limits = Connections(whole_within_s=_WITHIN_S)
    async with served(connections=limits) as service, _open(service) as (reader, _), asyncio.timeout(10):
        assert await reader.read() == b""


async def test_the_next_request_of_a_connection_has_the_same_time() -> None:
    """The first was in order, the second never ends."""
    limits = Connections(whole_within_s=_WITHIN_S)
    async with served(connections=limits) as service, _open(service) as (reader, writer), asyncio.timeout(10):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b'{"live":true}' in await reader.readuntil(b"}")
        writer.write(_HEAD)
        assert (await _answer(reader))[0] == 408


async def test_headers_without_end_are_refused() -> None:
    """431 before they fill the memory, whatever time is left."""
    async with served() as service, _open(service) as (reader, writer):
        writer.write(b"GET /livez HTTP/1.1\r\nX-More: " + b"x" * (MAX_HEAD_BYTES - 1024))
        await asyncio.sleep(0.05)
        writer.write(b"x" * 2048)
        assert (await _answer(reader))[0] == 431


async def test_one_connection_too_many_is_told_so() -> None:
    """503 `overloaded` with a time to come back; once another has gone, there is room again."""
    limits = Connections(max_open=2)
    async with served(connections=limits) as service, _open(service) as (first, writer):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"200 OK" in await first.readline()
        async with _open(service), _open(service) as (reader, third):
            await asyncio.sleep(0.05)
            third.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            status, headers, error = await _answer(reader)
            assert (status, error["code"], headers["retry-after"]) == (503, "overloaded", "1")
        await asyncio.sleep(0.05)
        async with _open(service) as (reader, writer):
            writer.write(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert b"200 OK" in await reader.readline()
    assert (limits.refused, limits.away) == (1, 0)


async def test_a_socket_outlives_the_time_of_a_request() -> None:
    """A WebSocket is one request that was whole at once."""
    limits = Connections(whole_within_s=_WITHIN_S)
    async with (
        served(connections=limits) as service,
        service.http.ws_connect(f"{service.url}/graphql", protocols=[PROTOCOL]) as ws,
    ):
        login = {"authorization": f"Bearer {service.token()}"}
        await ws.send_json({"type": "connection_init", "payload": login})
        assert (await ws.receive_json())["type"] == "connection_ack"
        await asyncio.sleep(2 * _WITHIN_S)
        await ws.send_json({"type": "ping"})
        assert (await ws.receive_json())["type"] == "pong"
