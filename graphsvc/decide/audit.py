"""The audit log of a store: a fold over the log, its signed checkpoints, its proofs.

INVARIANT: no checkpoint is signed that does not continue the last one signed. A log whose signed part was changed gets
no new signature, so the last good checkpoint stays the evidence.
"""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, TypeVar

from graphsvc.core.audit.key import KeyHistory, endorse
from graphsvc.core.audit.leaf import HASH_SIZE, SALT_SIZE, leaf_hash
from graphsvc.core.audit.merkle import BLOCK_SIZE, Thinned, Tree
from graphsvc.core.audit.note import Checkpoint, checkpoint_text, open_checkpoint
from graphsvc.core.audit.truncation import Statement, open_statement
from graphsvc.core.codec import audit_lines, audited, encode_records
from graphsvc.core.record import AuditRead
from graphsvc.decide.cell import AUDIT_CELL
from graphsvc.decide.ports import Base, Draft, Entry, Log, Notary
from graphsvc.errors import BadInput, GraphsvcError, NotSupported, StoreError

__all__ = ["AuditLog", "AuditProof", "SignedCheckpoint", "origin_of", "read_statement"]

T = TypeVar("T")
_PAGE = 200
_SIGN_TRIES = 3


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A signed checkpoint. consistency: from an earlier size that was asked for, else empty."""

    checkpoint: Checkpoint
    note: str
    keys: KeyHistory
    consistency: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class AuditProof:
    """That a record is in the log. line: what the audit log holds of it; path: siblings from the leaf up."""

    seq: int
    line: bytes
    leaf: bytes
    size: int
    path: tuple[bytes, ...]


def origin_of(log: Log) -> str:
    """The name of a log in its checkpoints and keys: each life of a store is a log of its own."""
    return f"graphsvc/{log.incarnation}"


def read_statement(base: Base) -> Statement:
    """The statement of a base; StoreError when it is not one about this base. Its signature is not verified."""
    try:
        statement = open_statement(base.statement)
    except BadInput as error:
        raise StoreError(f"the log begins behind record {base.seq}, and what says why {error}") from None
    if statement.removed != base.seq or sha256(base.state).hexdigest() != statement.state:
        raise StoreError(
            f"the log begins behind record {base.seq}, and the statement there is about something else"
        )
    return statement


def _cut_off(seq: int, last: int, field: str = "id") -> BadInput:
    return BadInput(
        f"{field}: record {seq} was cut off with all up to {last}; look into the archive", field=field
    )


class AuditLog:
    """Folds the leaves of a log when it is asked. notary: its keys; without one nothing can be signed.

    thin: keep the roots of blocks in memory and read the leaves of one again when a proof needs them.
    """

    def __init__(self, log: Log, notary: Notary | None = None, *, thin: bool = False) -> None:
        self._log = log
        self._notary = notary
        self._thin = thin
        self._tree = Tree()
        self._lock = asyncio.Lock()
        self.problem: str | None = None

    @property
    def tree(self) -> Tree:
        """As far as it was folded."""
        return self._tree

    async def catch_up(self) -> int:
        """Fold what is new in the log; the number of records. StoreError when it has gaps or cannot be read."""
        async with self._lock:
            if not self._tree.size:
                await self._begin()
            while entries := await self._log.read(after=self._tree.size, limit=_PAGE):
                for entry in entries:
                    self._fold(entry)
                if self._thin:
                    self._tree.thin()
                # A long log must not starve the loop.
                await asyncio.sleep(0)
            return self._tree.size

    async def _asked(self, ask: Callable[[Tree], T]) -> T:
        """What the tree says, having read again what it left out."""
        while True:
            try:
                return ask(self._tree)
            except Thinned as missing:
                await self._load(missing.block)

    async def _load(self, block: int) -> None:
        first, size = block * BLOCK_SIZE + 1, BLOCK_SIZE * HASH_SIZE
        leaves, after = b"", first - 1
        while len(leaves) < size and (entries := await self._log.read(after=after, limit=_PAGE)):
            if entries[0].first > after + 1:
                raise _cut_off(after + 1, entries[0].first - 1)
            for entry in entries:
                leaves += _leaves_of(entry)[max(first - entry.first, 0) * HASH_SIZE :]
                after = entry.seq
        if not self._tree.load(block, leaves[:size]):
            raise StoreError(
                f"records {first} to {first + BLOCK_SIZE - 1} are not those that were written: run `graphsvc audit verify`"
            )

    async def checkpoint(self, since: int | None = None) -> SignedCheckpoint:
        """Sign the log as it is now and keep the checkpoint. since: a size to prove consistency from.

        StoreError when the log does not continue the last checkpoint signed; NotSupported without keys.
        """
        notary = self._notary
        if notary is None:
            raise NotSupported("this service has no key to sign the audit log with")
        origin = origin_of(self._log)
        # A store that was swapped says so here, before the key of another log signs it.
        await self._log.head()
        # In this order: what another replica signed meanwhile is in the log that is read after it.
        last = await asyncio.to_thread(notary.last, origin)
        size = await self.catch_up()
        if since is not None and not 0 <= since <= size:
            raise BadInput(f"since: the log holds {size} records, not {since}", field="since")
        if since is not None and 0 < since < self._tree.first:
            raise _cut_off(since, self._tree.first, "since")
        async with self._lock:
            await self._check_continues(last)
            if last is not None and (held := open_checkpoint(last)).size == size:
                keys = await asyncio.to_thread(notary.keys, origin)
                if keys.newest == keys.signer_of(held):
                    return await self._signed(held, last, keys, since)
            root = await self._asked(lambda tree: tree.root(size))
            note, keys = await self._sign(notary, origin, checkpoint_text(origin, size, root))
            await asyncio.to_thread(notary.keep, origin, note)
            return await self._signed(open_checkpoint(note), note, keys, since)

    async def _sign(self, notary: Notary, origin: str, text: str) -> tuple[str, KeyHistory]:
        """A note by the key that signs now, and all keys; StoreError when it is replaced again and again."""
        for _ in range(_SIGN_TRIES):
            note = (await asyncio.to_thread(notary.key, origin)).sign(text)
            # Another process may have retired the key meanwhile.
            keys = await asyncio.to_thread(notary.keys, origin)
            if keys.signer_of(open_checkpoint(note)) is not None:
                return note, keys
        raise StoreError("the key of the audit log is replaced faster than it can sign; try again")

    async def rotate(self) -> KeyHistory:
        """Retire the key: the log is signed by it once more, then a new key takes over."""
        notary = self._notary
        if notary is None:
            raise NotSupported("this service has no key to sign the audit log with")
        signed, origin = await self.checkpoint(), origin_of(self._log)
        async with self._lock:
            old = await asyncio.to_thread(notary.key, origin)
            new = await asyncio.to_thread(notary.new_key, origin)
            history = endorse(signed.keys, old, new, signed.checkpoint.size)
            await asyncio.to_thread(notary.replace, origin, new, history)
        return history

    async def proof(self, seq: int, size: int | None = None) -> AuditProof:
        """That record `seq` is in the log of `size` records (now, if left out); BadInput for what is not there."""
        now = await self.catch_up()
        size = now if size is None else size
        if not 0 < size <= now:
            raise BadInput(f"size: the log holds {now} records, not {size}", field="size")
        if not 0 < seq <= size:
            raise BadInput(f"no record {seq} in a log of {size} records", field="id")
        if min(seq, size) <= self._tree.first:
            raise _cut_off(seq, self._tree.first)
        (entry,) = await self._log.read(after=seq - 1, limit=1)
        if entry.first > seq:
            raise _cut_off(seq, entry.first - 1)
        line = audit_lines(audited(entry.body), entry.id)[seq - entry.first]
        await self._check_same(seq, line)
        path = await self._asked(lambda tree: tree.inclusion(seq - 1, size))
        return AuditProof(seq, line, leaf_hash(line), size, tuple(path))

    async def range_proof(self, first: int, last: int, size: int) -> list[bytes]:
        """The hashes that `range_root` needs beside records `first` to `last` of `size`."""
        return await self._asked(lambda tree: tree.range_proof(first - 1, last, size))

    async def frontier(self, size: int) -> tuple[bytes, ...]:
        """The hashes of the largest complete subtrees of the first `size` records."""
        return tuple(await self._asked(lambda tree: tree.frontier(size)))

    async def lines(self, first: int, last: int) -> AsyncIterator[tuple[int, bytes]]:
        """Numbers and lines of records `first` to `last`, computed from what is stored.

        StoreError at a record that is not the one folded.
        """
        after = first - 1
        while after < last and (entries := await self._log.read(after=after, limit=_PAGE)):
            if entries[0].first > after + 1:
                raise _cut_off(after + 1, entries[0].first - 1)
            for entry in entries:
                for place, line in enumerate(audit_lines(audited(entry.body), entry.id)):
                    seq = entry.first + place
                    if first <= seq <= last:
                        await self._check_same(seq, line)
                        yield seq, line
            after = entries[-1].seq

    async def note_read(self, what: Literal["export", "report", "truncation"], first: int, last: int) -> None:
        """Record that the log was read, or cut off, by whoever may open the store itself."""
        now_ms = time.time_ns() // 1_000_000
        record = AuditRead(at_ms=now_ms, what=what, first=first, last=last, by="operator")
        body = encode_records((record,), secrets.token_bytes(SALT_SIZE))
        draft = Draft(id=uuid.uuid4().hex, count=1, cells=(AUDIT_CELL,), body=body)
        await self._log.append(draft, seen=await self._log.head(), reads=())

    async def keep_signing(self, every_s: float) -> None:
        """Sign what is new every so often, until cancelled; what hinders it stands in `problem`."""
        while True:
            await asyncio.sleep(every_s)
            await self.sign()

    async def sign(self) -> None:
        """Sign what is new; never an error."""
        try:
            await self.checkpoint()
        except (GraphsvcError, OSError) as error:
            self.problem = str(error)
        else:
            self.problem = None

    async def truncation(self) -> Statement | None:
        """The signed statement by which the oldest records are gone; StoreError when it is not genuine."""
        base = await self._log.base()
        if base is None:
            return None
        statement = read_statement(base)
        notary, origin = self._notary, origin_of(self._log)
        if statement.origin != origin:
            raise StoreError(f"the log begins behind record {base.seq} by a statement about another log")
        if notary is not None:
            keys = await asyncio.to_thread(notary.keys, origin)
            if keys.signer_of(statement) is None:
                raise StoreError(f"the log begins behind record {base.seq}, and none of its keys signed that")
        return statement

    async def _begin(self) -> None:
        statement = await self.truncation()
        if statement is not None:
            self._tree = Tree(statement.removed, statement.frontier)

    def _fold(self, entry: Entry) -> None:
        leaves = _leaves_of(entry)
        if entry.first != self._tree.size + 1 or (entry.seq - entry.first + 1) * HASH_SIZE != len(leaves):
            raise StoreError(
                f"the log is broken at record {self._tree.size + 1}: run `graphsvc audit verify`"
            )
        self._tree.extend(leaves)

    async def _check_same(self, seq: int, line: bytes) -> None:
        if seq > self._tree.size or leaf_hash(line) != await self._asked(lambda tree: tree.leaf(seq - 1)):
            raise StoreError(f"record {seq} is not the one that was written: run `graphsvc audit verify`")

    async def _check_continues(self, last: str | None) -> None:
        if last is None:
            return
        signed = open_checkpoint(last)
        if signed.size < self._tree.first:
            # Of that size nothing is left to compare; the statement that says so is signed by the log's own key.
            return
        if signed.size > self._tree.size or signed.root != await self._asked(
            lambda tree: tree.root(signed.size)
        ):
            raise StoreError(
                f"the log is not the one that was signed at {signed.size} records, so it is not signed again: "
                "run `graphsvc audit verify`"
            )

    async def _signed(
        self, checkpoint: Checkpoint, note: str, keys: KeyHistory, since: int | None
    ) -> SignedCheckpoint:
        proof: Sequence[bytes] = ()
        if since is not None:
            proof = await self._asked(lambda tree: tree.consistency(since, checkpoint.size))
        return SignedCheckpoint(checkpoint, note, keys, tuple(proof))


def _leaves_of(entry: Entry) -> bytes:
    held = audited(entry.body)
    if held.leaves is not None:
        return held.leaves
    return b"".join(map(leaf_hash, audit_lines(held, entry.id)))
