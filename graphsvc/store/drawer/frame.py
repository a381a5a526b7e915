"""What the service and its drawing process say to each other, over the socket that is the latter's standard input.

A frame is the length of what follows, four bytes, and one of these as MessagePack. The service speaks first and waits for each answer.
"""

from __future__ import annotations

import asyncio
from typing import TypeVar

import msgspec
from msgspec.msgpack import Decoder

__all__ = ["ANSWER", "ORDER", "START", "Failed", "Order", "Painted", "Start", "receive", "send"]

T = TypeVar("T")


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """Which store to draw in; not answered. password: of Neo4j. incarnation: the life of the store that the service opened."""

    store: str
    incarnation: str
    password: str = ""


class Order(msgspec.Struct, frozen=True):
    """Draw entries behind record `after`, none that ends behind `upto`, until there are `most` records."""

    after: int
    upto: int
    most: int


class Painted(msgspec.Struct, frozen=True, tag=True):
    """The graph is drawn up to here."""

    drawn: int


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Nothing is known to be drawn, and the process ends. is_defect: `told` is a traceback."""

    told: str
    is_unavailable: bool = False
    is_defect: bool = False


START, ORDER = Decoder(Start), Decoder(Order)
ANSWER: Decoder[Painted | Failed] = Decoder(Painted | Failed)


async def send(writer: asyncio.StreamWriter, message: Start | Order | Painted | Failed) -> None:
    """Send one frame; OSError when the other one is gone."""
    body = msgspec.msgpack.encode(message)
    writer.write(len(body).to_bytes(4, "big") + body)
    await writer.drain()


async def receive(reader: asyncio.StreamReader, decoder: Decoder[T]) -> T | None:
    """The next frame; None when the other one is gone."""
    try:
        size = int.from_bytes(await reader.readexactly(4), "big")
        return decoder.decode(await reader.readexactly(size))
    except (asyncio.IncompleteReadError, OSError):
        return None
