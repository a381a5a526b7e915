"""What the `audit` commands do with an open log."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import orjson

from graphsvc.cli.audit_report import Integrity
from graphsvc.config import Settings, load_settings
from graphsvc.core.audit.bundle import (
    FORMAT,
    Checked,
    Earlier,
    Proofs,
    Truncated,
    check_signature,
    encoded,
)
from graphsvc.core.audit.figure import Report
from graphsvc.core.audit.note import Checkpoint, VerifierKey, open_checkpoint
from graphsvc.core.audit.report import Summary
from graphsvc.core.audit.truncation import Statement
from graphsvc.core.codec import audit_lines, audited
from graphsvc.decide.audit import AuditLog, SignedCheckpoint, origin_of
from graphsvc.decide.bundle import write_bundle
from graphsvc.decide.ports import Log, Notary, Store
from graphsvc.decide.tamper import LogChecked, check_log
from graphsvc.decide.truncation import Plan, finish, plan, truncate
from graphsvc.errors import BadInput, StoreError

__all__ = ["checked_store", "exported", "opened", "reported", "truncated", "with_audit"]

T = TypeVar("T")
_PAGE = 200


@asynccontextmanager
async def opened(store: str | None, config: Path | None) -> AsyncIterator[tuple[Store, Notary, Settings]]:
    """The store itself and its notary. Nothing is folded: a log that was tampered with can still be read."""
    from graphsvc.wiring import open_notary, open_store

    settings = load_settings(config, store=store)
    log = await open_store(settings.store, settings, create=False)
    try:
        yield log, open_notary(settings.store, settings), settings
    finally:
        await log.close()


async def with_audit(ask: Callable[[AuditLog], Awaitable[T]], store: str | None, config: Path | None) -> T:
    """Ask the audit log of a store."""
    async with opened(store, config) as (log, notary, _):
        return await ask(AuditLog(log, notary))


async def exported(
    log: AuditLog,
    output: Path,
    from_ms: int | None,
    to_ms: int | None,
    decision: str | None,
    since: Sequence[Path],
) -> str:
    """Write an export; what to tell of it."""
    signed = await log.checkpoint()
    size, tree = signed.checkpoint.size, log.tree
    first, last = tree.first + 1, size
    if decision is not None:
        first = last = await _place_of(log, decision.removeprefix("decision:"), first, size)
    elif from_ms is not None or to_ms is not None:
        first, last = await _within(log, first, size, from_ms, to_ms)
    if first > last and size:
        raise BadInput(f"all {size} records were cut off; they are in the archive", field="output")
    proofs = Proofs(
        format=FORMAT,
        first=first,
        last=last,
        size=size,
        range_proof=encoded(tree.range_proof(first - 1, last, size)) if size else [],
        earlier=[_earlier(log, signed, path) for path in since],
        truncated=await _truncated(log, size),
    )
    count = await write_bundle(output, log.lines(first, last), signed.note, signed.keys.to_json(), proofs)
    if count != last - first + 1:
        raise StoreError(f"the log gave {count} of {last - first + 1} records: run `graphsvc audit verify`")
    await log.note_read("export", first, last)
    return f"{count} of {size} records written to {output}, signed by {signed.keys.newest}"


async def _truncated(log: AuditLog, size: int) -> Truncated | None:
    statement = await log.truncation()
    if statement is None:
        return None
    return Truncated(statement.text, encoded(log.tree.consistency(statement.removed, size)))


async def truncated(
    before_ms: int, archive: Path | None, store: str | None, config: Path | None
) -> tuple[Plan | None, Statement | None]:
    """What could be cut off; with an archive it is, and the statement says so."""
    async with opened(store, config) as (log, notary, _):
        await finish(log)
        found = await plan(log, before_ms)
        if found is None or archive is None:
            return found, None
        return found, await truncate(log, notary, found, archive, time.time_ns() // 1_000_000)


async def checked_store(
    pinned: VerifierKey | None, kept: bytes | None, store: str | None, config: Path | None
) -> tuple[LogChecked, str]:
    """The check of a store against the last checkpoint, or the one given; and the key that signed it."""
    async with opened(store, config) as (log, notary, _):
        origin = origin_of(log)
        last = kept if kept is not None else notary.last(origin)
        if last is None:
            keys = notary.keys(origin) if await log.base() is not None else None
            return await check_log(log, None, keys), ""
        found, signed = _verified(last, notary, origin, pinned)
        checked = await check_log(log, signed, notary.keys(origin))
        checked.problems[:0] = found.problems
        return checked, found.key


async def reported(
    from_ms: int | None, to_ms: int | None, store: str | None, config: Path | None
) -> tuple[Report, Integrity]:
    """The figures of a time, and what the check of the whole store found. Times: Unix milliseconds, to exclusive.

    Records are read as they are, so that a report of a log that was changed can still be made; it says so.
    """
    async with opened(store, config) as (log, notary, _):
        origin = origin_of(log)
        last = notary.last(origin)
        verified, signed = _verified(last, notary, origin, None) if last is not None else (Checked(), None)
        checked = await check_log(log, signed, notary.keys(origin) if last is not None else None)
        summary = Summary()
        async for line in _readable_lines(log):
            record = orjson.loads(line)
            at_ms = int(record["at_ms"])
            if (from_ms is None or from_ms <= at_ms) and (to_ms is None or at_ms < to_ms):
                summary.add(record)
        integrity = Integrity(
            origin=origin,
            size=checked.size,
            signed=checked.signed,
            root=encoded([signed.root])[0] if signed is not None else "",
            key=verified.key,
            problems=(*verified.problems, *checked.problems),
            removed=checked.removed,
            erased=checked.erased,
        )
        if not integrity.problems and checked.size:
            # What is not genuine is left as it was found.
            await AuditLog(log).note_read("report", checked.removed + 1, checked.size)
        return summary.report(), integrity


async def _readable_lines(log: Log) -> AsyncIterator[bytes]:
    """Lines of all entries that can be read; `check_log` names those that cannot."""
    after = 0
    while entries := await log.read(after=after, limit=_PAGE):
        for entry in entries:
            with suppress(StoreError):
                for line in audit_lines(audited(entry.body), entry.id):
                    yield line
        after = entries[-1].seq


def _verified(
    note: str | bytes, notary: Notary, origin: str, pinned: VerifierKey | None
) -> tuple[Checked, Checkpoint | None]:
    found = Checked()
    try:
        signed = open_checkpoint(note)
    except BadInput as error:
        found.problems.append(f"the checkpoint {error}")
        return found, None
    if signed.origin != origin:
        found.problems.append(f"the checkpoint is of `{signed.origin}`, and this log is `{origin}`")
        return found, None
    check_signature(found, signed, notary.keys(origin).to_json(), pinned)
    return found, signed


async def _within(
    log: AuditLog, first: int, size: int, from_ms: int | None, to_ms: int | None
) -> tuple[int, int]:
    chosen = [
        seq
        async for seq, line in log.lines(first, size)
        if (from_ms is None or from_ms <= int(orjson.loads(line)["at_ms"]))
        and (to_ms is None or int(orjson.loads(line)["at_ms"]) < to_ms)
    ]
    if not chosen:
        raise BadInput(f"none of the {size} records is of that time; widen --from and --to", field="from")
    return chosen[0], chosen[-1]


async def _place_of(log: AuditLog, decision: str, first: int, size: int) -> int:
    async for seq, line in log.lines(first, size):
        record = orjson.loads(line)
        if record["kind"] == "decided" and record["decision"] == decision:
            return seq
    raise BadInput(f"--decision: no decision `{decision}` in the log", field="decision")


def _earlier(log: AuditLog, signed: SignedCheckpoint, path: Path) -> Earlier:
    note = path.read_bytes()
    try:
        old = open_checkpoint(note)
    except BadInput as error:
        raise BadInput(f"--since: `{path}` {error}", field="since") from None
    size = signed.checkpoint.size
    if old.origin != signed.checkpoint.origin or old.size > size:
        raise BadInput(
            f"--since: `{path}` is a checkpoint of `{old.origin}` at {old.size} records, "
            f"and this log is `{signed.checkpoint.origin}` at {size}",
            field="since",
        )
    if 0 < old.size < log.tree.first:
        raise BadInput(
            f"--since: `{path}` is of {old.size} records, and those up to {log.tree.first} were cut off; "
            "the archive proves that it continues it",
            field="since",
        )
    return Earlier(note.decode(), encoded(log.tree.consistency(old.size, size)))
