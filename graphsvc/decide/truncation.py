"""Cutting off the oldest records of a log, so that it stays provable, complete in its effect, and restorable.

In this order, each step durable before the next: the log is signed as it is; the records that go are written to an archive
with their proofs, which is read back and checked; what they fold to becomes the base from which the log begins, under a
statement signed with the log's key; only then are they removed, and with them the drawing of chains that had ended. A crash in
between leaves a log that is whole, or one that begins at its base and whose rest is removed the next time.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graphsvc.core.audit.bundle import FORMAT, Proofs, check_bundle, encoded
from graphsvc.core.audit.truncation import Statement, sign_statement
from graphsvc.core.codec import decode_records
from graphsvc.core.record import Decided
from graphsvc.core.snapshot import restore
from graphsvc.core.state import ChainState
from graphsvc.core.value import format_time
from graphsvc.core.world import World
from graphsvc.decide.audit import AuditLog, SignedCheckpoint, origin_of, read_statement
from graphsvc.decide.backup import append_entries, read_manifest
from graphsvc.decide.base import state_of, world_of
from graphsvc.decide.bundle import read_bundle, write_bundle
from graphsvc.decide.keeper import unsealed
from graphsvc.decide.ports import Base, ChainQuery, Notary, Store, Strokes
from graphsvc.errors import BadInput, Conflict, StoreError

__all__ = ["Plan", "finish", "plan", "rebase", "redraw", "truncate"]

_PAGE = 200
_PRUNED = 500
_DRAW_TRIES = 20


@dataclass(frozen=True, slots=True)
class Plan:
    """Records `first` to `last` of `size` would go, the newest of them of `newest_ms`; `decisions` of them are decisions."""

    first: int
    last: int
    size: int
    entries: int
    newest_ms: int
    decisions: int


async def plan(store: Store, before_ms: int) -> Plan | None:
    """What could go: entries of which every record is older than `before_ms` and drawn; None when there is none."""
    base = await store.base()
    after = cut = 0 if base is None else base.seq
    drawn, head = await store.drawn(), await store.head()
    entries = decisions = newest_ms = 0
    while page := await store.read(after=after, limit=_PAGE):
        for entry in page:
            records = decode_records(entry.body)
            if entry.seq > drawn or any(record.at_ms >= before_ms for record in records):
                return Plan(cut + 1, after, head, entries, newest_ms, decisions) if entries else None
            after, entries, newest_ms = entry.seq, entries + 1, records[-1].at_ms
            decisions += sum(isinstance(record, Decided) for record in records)
        await asyncio.sleep(0)
    return Plan(cut + 1, after, head, entries, newest_ms, decisions) if entries else None


async def truncate(store: Store, notary: Notary, wanted: Plan, archive: Path, now_ms: int) -> Statement:
    """Do it. archive: a new file ending in .zip. Errors: those of `AuditLog.checkpoint`; BadInput for the archive's name;
    StoreError when somebody else cut the log off meanwhile, or the archive does not read back as it was written. Nothing was
    removed then, and no archive is left.
    """
    if archive.suffix != ".zip" or await asyncio.to_thread(archive.exists):
        raise BadInput(f"the archive `{archive}` must be a new file whose name ends in .zip", field="archive")
    log = AuditLog(store, notary, thin=True)
    signed = await log.checkpoint()
    if log.tree.first >= wanted.first:
        raise StoreError(f"records up to {log.tree.first} were cut off meanwhile; look again at what is left")
    size = signed.checkpoint.size
    world = await _folded(store, wanted.last)
    try:
        digest = await _archived(log, store, signed, wanted, archive, now_ms)
        state = await asyncio.to_thread(state_of, world)
        key = await asyncio.to_thread(notary.key, origin_of(store))
        statement = sign_statement(
            key, removed=wanted.last, size=size, at=format_time(now_ms), state=hashlib.sha256(state).hexdigest(),
            archive=digest, frontier=await log.frontier(wanted.last),
        )  # fmt: skip
        await log.note_read("truncation", wanted.first, wanted.last)
        # Should this process end before it is undrawn, some history stays visible for longer; nothing depends on it.
        gone = await _drawing_of(store, world, wanted)
    except BaseException:
        # Without a statement it is no archive, only a file that stands in the way of the next attempt.
        archive.unlink(missing_ok=True)  # noqa: ASYNC240  it may be cancelled, so nothing can be awaited
        raise
    # From here on the file may be all that holds those records, whatever this answers.
    await store.set_base(Base(seq=wanted.last, state=state, statement=statement.text))
    await _undraw(store, *gone)
    await finish(store)
    return statement


async def _archived(
    log: AuditLog, store: Store, signed: SignedCheckpoint, wanted: Plan, archive: Path, now_ms: int
) -> str:
    """Write the archive and check it; its SHA-256."""
    proofs = Proofs(
        format=FORMAT, first=wanted.first, last=wanted.last, size=signed.checkpoint.size,
        range_proof=encoded(await log.range_proof(wanted.first, wanted.last, signed.checkpoint.size)),
    )  # fmt: skip
    lines = log.lines(wanted.first, wanted.last)
    await write_bundle(archive, lines, signed.note, signed.keys.to_json(), proofs)
    await append_entries(archive, store, wanted.first - 1, wanted.last, now_ms)
    return await asyncio.to_thread(_checked, archive, wanted)


async def finish(store: Store) -> None:
    """Remove what the base covers and an interrupted truncation left."""
    removed = _PRUNED
    while removed:
        removed = await store.prune(_PRUNED)


async def _folded(store: Store, last: int) -> World:
    """The world at a number, from the newest snapshot or base before it."""
    base = await store.base()
    cut, before, world = 0 if base is None else base.seq, last + 1, None
    while (
        world is None and (found := await store.load_snapshot(before=before)) is not None and found[0] >= cut
    ):
        before = found[0]
        try:
            world = restore(await asyncio.to_thread(unsealed, found[1], store.incarnation))
        except BadInput:
            continue  # of another version; the log says the same
    if world is None:
        world = World() if base is None else await asyncio.to_thread(world_of, base)
    while world.seq < last:
        page = await store.read(after=world.seq, limit=_PAGE)
        if not page or page[0].first != world.seq + 1:
            raise StoreError(f"the log is broken at record {world.seq + 1}: run `graphsvc audit verify`")
        for entry in page:
            for place, record in enumerate(decode_records(entry.body)):
                if entry.seq <= last:
                    world.apply(record, entry.first + place)
            # The service may be running beside this.
            await asyncio.sleep(0)
    return world


def _checked(archive: Path, wanted: Plan) -> str:
    """The SHA-256 of an archive that is on the disk and reads back as what was to be archived."""
    read, manifest = read_bundle(archive), read_manifest(archive)
    found = check_bundle(read.leaves, read.listed, read.checkpoint, read.keys, read.proofs)
    problems = [*read.problems, *found.problems]
    if (manifest.first, manifest.seq) != (wanted.first, wanted.last) or problems:
        raise StoreError(
            f"`{archive}` does not hold what was written to it ({problems}); nothing was removed"
        )
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    folder = os.open(archive.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return digest


async def _drawing_of(store: Store, world: World, wanted: Plan) -> tuple[list[str], set[str]]:
    """Keys of nodes that show chains which had ended by then, and the sessions of those."""
    keys: dict[str, None] = {}
    sessions: set[str] = set()
    after = wanted.first - 1
    while after < wanted.last and (page := await store.read(after=after, limit=_PAGE)):
        for entry in page:
            for record in decode_records(entry.body) if entry.seq <= wanted.last else ():
                if isinstance(record, Decided) and _is_over(world, record.request.chain):
                    name = record.request.id
                    keys.update(dict.fromkeys((f"action:{name}", f"decision:{name}")))
                    keys[f"chain:{record.request.chain}"] = None
                    sessions.add(record.session)
            after = entry.seq
        await asyncio.sleep(0)
    return list(keys), sessions


def _is_over(world: World, chain: str) -> bool:
    state = world.cells.get(("c", chain))
    # Of a session that ended an hour before nothing is left.
    return not isinstance(state, ChainState) or state.closed


async def _undraw(store: Store, keys: list[str], sessions: set[str]) -> None:
    await _remove(store, keys)
    empty = [
        f"session:{name}"
        for name in sorted(sessions)
        if not await store.chains(ChainQuery(limit=1, session=name))
    ]
    await _remove(store, empty)


async def rebase(store: Store, notary: Notary, change: Callable[[World], None]) -> None:
    """Change the state of the base, under a new statement about the same records; nothing without a base."""
    base = await store.base()
    if base is None:
        return
    old, world = read_statement(base), await asyncio.to_thread(world_of, base)
    change(world)
    state = await asyncio.to_thread(state_of, world)
    key = await asyncio.to_thread(notary.key, origin_of(store))
    size = (await AuditLog(store, notary).checkpoint()).checkpoint.size
    statement = sign_statement(
        key, removed=old.removed, size=size, at=old.at, state=hashlib.sha256(state).hexdigest(),
        archive=old.archive, frontier=old.frontier,
    )  # fmt: skip
    await store.set_base(Base(seq=base.seq, state=state, statement=statement.text))


async def redraw(store: Store, strokes: Strokes) -> None:
    """Draw beside the projector, which moves the cursor meanwhile."""
    for _ in range(_DRAW_TRIES):
        drawn = await store.drawn()
        if await store.draw(strokes, expected=drawn, drawn=drawn):
            return
        await asyncio.sleep(0.05)
    raise Conflict("the drawing moves too fast to be changed beside it; try again when there is less to do")


async def _remove(store: Store, keys: list[str]) -> None:
    for start in range(0, len(keys), _PRUNED):
        await redraw(store, Strokes(removed_nodes=keys[start : start + _PRUNED]))
