"""Keeps snapshots of the world, so that a start folds only the end of the log.

A snapshot is a copy of what the log says, never the truth: whatever is wrong with one, it is ignored and the log is
folded instead. It is sealed with a digest, for a changed byte could still read as a world, and with the version of
graphsvc and the life of the store that it was made by, for another version may fold the same log differently.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hashlib
import logging
import zlib
from collections.abc import Generator, Iterator
from typing import Protocol

import msgspec

from graphsvc import __version__
from graphsvc.core.snapshot import in_steps, restore
from graphsvc.core.world import World
from graphsvc.decide.base import world_of
from graphsvc.decide.ports import Log, Snapshots
from graphsvc.errors import BadInput, GraphsvcError

__all__ = [
    "AT_STOP",
    "EVERY",
    "Keeper",
    "KeeperStore",
    "encoded",
    "sealed",
    "unsealed",
    "without_collections",
]

EVERY = 100_000  # records between two snapshots while running
AT_STOP = 5_000  # records that are worth one at a stop: folding them takes about a second

# While decisions are made: work a little, then rest. Yielding to the loop alone is not enough, for the threads of a
# store would wait for the interpreter's lock at every one of their statements (commits of seconds were seen).
_SLICE_S = 0.002
_PAUSE_S = 0.004

_log = logging.getLogger("graphsvc.snapshot")


class KeeperStore(Log, Snapshots, Protocol):
    """What a keeper needs of a store."""


class Seal(msgspec.Struct, array_like=True, frozen=True):
    """A snapshot as it lies in the store. digest: SHA-256 of the bytes that `packed` holds compressed (zlib)."""

    version: str
    incarnation: str
    digest: bytes
    packed: bytes


class Keeper:
    """Restores once, then saves now and then; runs as one task between `start` and `close`.

    every, at_stop: see `EVERY` and `AT_STOP`.
    """

    def __init__(self, store: KeeperStore, *, every: int = EVERY, at_stop: int = AT_STOP) -> None:
        self._store = store
        self._every = every
        self._at_stop = at_stop
        self.world = World()
        self.saved = 0  # the newest number that is known to be in the store and good
        self._tried = 0  # a save that failed is not tried again at once
        self._unreadable = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def restore(self) -> World:
        """The world of the newest snapshot that can be read, else of what was cut off from the log; an empty one for want of both.

        StoreUnavailable when the store does not answer; StoreError when the log was cut off and this version cannot read
        what is kept of it.
        """
        before: int | None = None
        base = await self._store.base()
        while (found := await self._store.load_snapshot(before=before)) is not None:
            seq, body = found
            if base is not None and seq < base.seq:
                break  # between it and the log there is a gap
            try:
                self.world = await self._opened(seq, body)
            except Exception as error:  # noqa: BLE001  whatever it is, the log is folded instead
                _log.warning("snapshot_ignored", extra={"seq": seq, "reason": str(error)})
                self._unreadable = max(self._unreadable, seq)
                before = seq
                continue
            self.saved = seq
            return self.world
        if base is not None:
            with without_collections():
                self.world = await asyncio.to_thread(world_of, base)
        return self.world

    async def _opened(self, seq: int, body: bytes) -> World:
        head = await self._store.head()
        if seq > head:
            raise BadInput(f"the log ends at {head}", field="snapshot")
        plain = await asyncio.to_thread(unsealed, body, self._store.incarnation)
        with without_collections():
            world = restore(plain)
        if world.seq != seq:
            raise BadInput(f"it holds a world at {world.seq}", field="snapshot")
        return world

    def start(self) -> None:
        """Begin to save; at once when much has come since the last one."""
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name="keeper")

    def wake(self) -> None:
        """Records have been folded."""
        if self.world.seq - max(self.saved, self._tried) >= self._every:
            self._wake.set()

    async def close(self) -> None:
        """Stop, and save if it is worth it."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            self._task = None
            await self._save(self._at_stop, 0)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.world.seq - max(self.saved, self._tried) >= self._every:
                await self._save(self._every, _PAUSE_S)

    async def _save(self, worth: int, pause_s: float) -> None:
        """Save unless fewer than `worth` records came since the newest one, of another replica perhaps."""
        seq = self.world.seq
        if seq - self.saved < worth:
            return
        try:
            newest = await self._store.snapshot_seq()
            if newest > max(self.saved, self._unreadable):
                self.saved = newest
            if self.world.seq - self.saved < worth:
                return
            seq, plain = await encoded(self.world, pause_s)
            body = await asyncio.to_thread(sealed, plain, self._store.incarnation)
            await self._store.save_snapshot(seq, body)
            self.saved = max(self.saved, seq)
            _log.info("snapshot_saved", extra={"seq": seq, "bytes": len(body)})
        except GraphsvcError as error:
            _log.warning("snapshot_not_saved", extra={"seq": seq, "reason": str(error)})
        except Exception:  # noqa: BLE001  the log holds everything; a snapshot must never end what it serves
            _log.error("snapshot_not_saved", extra={"seq": seq}, exc_info=True)
        finally:
            self._tried = max(self._tried, seq)


async def encoded(world: World, pause_s: float) -> tuple[int, bytes]:
    """A world as it is now, with its number, written in steps; decisions go on between them."""
    seq, written = world.seq, list[bytes]()
    loop = asyncio.get_running_loop()

    def drained() -> Generator[None, None, None]:
        written.append((yield from in_steps(world)))

    until = loop.time() + _SLICE_S
    with without_collections():
        for _ in drained():
            if loop.time() >= until:
                await asyncio.sleep(pause_s)
                until = loop.time() + _SLICE_S
    return seq, written[0]


def sealed(plain: bytes, incarnation: str) -> bytes:
    """A snapshot as it is stored."""
    seal = Seal(__version__, incarnation, hashlib.sha256(plain).digest(), zlib.compress(plain, 1))
    return msgspec.msgpack.encode(seal)


def unsealed(body: bytes, incarnation: str) -> bytes:
    """Inverse of `sealed`; BadInput when it is damaged, or made by another version or for another store."""
    try:
        seal = msgspec.msgpack.decode(body, type=Seal)
        if seal.version != __version__:
            raise BadInput(f"it was made by graphsvc {seal.version}", field="snapshot")
        if seal.incarnation != incarnation:
            raise BadInput("it was made for another store", field="snapshot")
        plain = zlib.decompress(seal.packed)
    except (msgspec.MsgspecError, zlib.error) as error:
        raise BadInput(f"it is damaged: {error}", field="snapshot") from error
    if hashlib.sha256(plain).digest() != seal.digest:
        raise BadInput("it is damaged: its digest differs", field="snapshot")
    return plain


@contextlib.contextmanager
def without_collections() -> Iterator[None]:
    """The collector rests."""
    # A million new objects, none of them garbage: they would bring on collections that take longer than the work.
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
