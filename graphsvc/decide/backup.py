"""Backups: the whole log of a store in one file, from which any kind of store can be made again.

The log is the truth and everything else is drawn from it, so this is all there is to keep. A restored store is another life
of the store: it has an incarnation of its own, so that nobody takes a revision of one for one of the other.

Format: a zip with `manifest.json` and `entries.bin`, the entries as MessagePack, one after the other, each after its
length (4 bytes, big-endian). The manifest holds the digest of the entries and how many there are. The backup of a log whose
oldest records were cut off also holds `base.bin`: what those fold to, and the signed statement. An archive of such records
(`graphsvc audit truncate`) has the same two members beside its own, so a whole log can be put together again.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Protocol

import msgspec
from msgspec.structs import replace

from graphsvc import __version__
from graphsvc.core.audit.truncation import sign_statement
from graphsvc.core.codec import decode_records
from graphsvc.decide.audit import origin_of, read_statement
from graphsvc.decide.ports import Accepted, Base, Draft, Entry, Log, Notary
from graphsvc.errors import BadInput, Conflict, StoreError

__all__ = ["FORMAT", "Manifest", "ReadableLog", "append_entries", "read_manifest", "restore", "save"]

FORMAT = 1
# Of a log that does not begin with record 1: versions that do not know of such logs refuse it.
_FORMAT_CUT = 2
_PAGE = 200
_LENGTH = struct.Struct(">I")
_MAX_ENTRY = 256 * 1024 * 1024
_MANIFEST, _ENTRIES, _BASE = "manifest.json", "entries.bin", "base.bin"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself. first, seq: the oldest and the newest record; sha256: of the entries, in hex.

    base_sha256: of `base.bin`, empty without one.
    """

    first: int = 1
    base_sha256: str = ""
    format: int
    version: str
    incarnation: str
    at_ms: int
    entries: int
    seq: int
    sha256: str


class ReadableLog(Protocol):
    """What a backup needs of a store; nothing is written to it."""

    @property
    def incarnation(self) -> str:
        """Names this life of the store."""

    async def read(self, *, after: int, limit: int) -> list[Entry] | tuple[Entry, ...]:
        """Entries with seq > `after`, oldest first."""

    async def base(self) -> Base | None:
        """What was cut off."""


async def save(log: Log | ReadableLog, path: Path, at_ms: int, done: Callable[[int], None]) -> Manifest:
    """Write a backup of everything up to now. done: told how many records were written.

    StoreError when the log has a gap or an entry that cannot be read. The file appears whole or not at all.
    """
    aside = path.with_name(f".{path.name}.partial")
    try:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            aside.chmod(0o600)
            base = await log.base()
            cut = 0 if base is None else base.seq
            manifest = await _write_entries(file, log, cut, None, at_ms, done)
            if base is not None:
                body = _encoder.encode(base)
                file.writestr(_BASE, body)
                manifest = replace(manifest, base_sha256=hashlib.sha256(body).hexdigest())
            file.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        aside.replace(path)
    except OSError as error:
        raise BadInput(f"`{path}` cannot be written: {error.strerror}", field="output") from error
    finally:
        aside.unlink(missing_ok=True)
    return manifest


async def append_entries(path: Path, log: Log, after: int, last: int, at_ms: int) -> Manifest:
    """Put the entries behind `after` up to `last`, and a manifest, into a zip that is there."""
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED, compresslevel=6) as file:
        manifest = await _write_entries(file, log, after, last, at_ms, lambda _: None)
        file.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


async def _write_entries(
    file: zipfile.ZipFile,
    log: Log | ReadableLog,
    after: int,
    last: int | None,
    at_ms: int,
    done: Callable[[int], None],
) -> Manifest:
    """Write the entries behind `after` into a zip, up to the one that ends at `last`, all if left out; what to say of them."""
    digest, entries, seq = hashlib.sha256(), 0, after
    with file.open(_ENTRIES, "w", force_zip64=True) as out:
        while seq != last and (page := await log.read(after=seq, limit=_PAGE)):
            for entry in page:
                if last is not None and entry.seq > last:
                    break
                _check(entry, seq)
                body = _encoder.encode(entry)
                for part in (_LENGTH.pack(len(body)), body):
                    out.write(part)
                    digest.update(part)
                done(entry.seq - seq)
                seq, entries = entry.seq, entries + 1
    return Manifest(
        format=FORMAT if after == 0 else _FORMAT_CUT,
        version=__version__,
        incarnation=log.incarnation,
        at_ms=at_ms,
        entries=entries,
        first=after + 1,
        seq=seq,
        sha256=digest.hexdigest(),
    )


def read_manifest(path: Path) -> Manifest:
    """The manifest, having read the whole file: what it holds is what was written. BadInput for anything else."""
    manifest = _manifest(path)
    _base_of(path, manifest)
    digest, entries, seq = hashlib.sha256(), 0, manifest.first - 1
    for body in _bodies(path):
        digest.update(_LENGTH.pack(len(body)))
        digest.update(body)
        entry = _entry(path, body)
        if entry.first != seq + 1:
            raise BadInput(f"`{path}` is damaged: record {seq + 1} is missing", field="file")
        entries, seq = entries + 1, entry.seq
    if (digest.hexdigest(), entries, seq) != (manifest.sha256, manifest.entries, manifest.seq):
        raise BadInput(f"`{path}` is damaged: it does not hold what its manifest says", field="file")
    return manifest


async def restore(paths: Sequence[Path], log: Log, notary: Notary, done: Callable[[int], None]) -> Manifest:
    """Write backups into an empty store, each going on where the one before it ends; Conflict when it is not empty.

    done: told how many records were written. The files are read to their end and checked before anything is written. Numbers,
    ids and audit leaves stay as they were. A restore that was interrupted goes on when the store holds the beginning of the
    same backups. Where the oldest records are not given, the store begins behind them as the one that was backed up did, and
    the notary's key of the new store signs that anew.
    """
    manifests = [read_manifest(path) for path in paths]
    _check_row(paths, manifests)
    first, seen = manifests[0].first, await log.head()
    if first > 1:
        await _begin(paths[0], manifests[0], log, notary, seen)
        seen = max(seen, first - 1)
    for path in paths:
        for body in _bodies(path):
            entry = _entry(path, body)
            if entry.seq <= seen:
                there = await log.read(after=entry.first - 1, limit=1)
                if not there or there[0].id != entry.id or there[0].body != entry.body:
                    raise Conflict("the store is not empty; restore into a new one, or remove what is there")
                done(entry.seq - entry.first + 1)
                continue
            draft = Draft(id=entry.id, count=entry.seq - entry.first + 1, cells=entry.cells, body=entry.body)
            answer = await log.append(draft, seen=entry.first - 1, reads=())
            if not isinstance(answer, Accepted) or answer.entry.first != entry.first:
                raise Conflict("somebody else writes to the store; stop every service that uses it")
            done(draft.count)
    if await log.head() != manifests[-1].seq:
        raise Conflict("the store holds more than the backup; restore into a new one")
    return replace(manifests[-1], first=first)


def _check_row(paths: Sequence[Path], manifests: Sequence[Manifest]) -> None:
    for number in range(1, len(paths)):
        before, this = manifests[number - 1], manifests[number]
        if this.incarnation != before.incarnation or this.first != before.seq + 1:
            raise BadInput(
                f"`{paths[number]}` begins at record {this.first} of store {this.incarnation}, and does not go on where "
                f"`{paths[number - 1]}` ends: record {before.seq} of store {before.incarnation}",
                field="file",
            )


async def _begin(path: Path, manifest: Manifest, log: Log, notary: Notary, head: int) -> None:
    """Let an empty store begin behind what was cut off from the one that was backed up."""
    base = _base_of(path, manifest)
    if base is None:
        raise BadInput(
            f"`{path}` begins at record {manifest.first}; name the archives before it, oldest first",
            field="file",
        )
    if head == 0:
        old, key = read_statement(base), notary.key(origin_of(log))
        statement = sign_statement(
            key, removed=old.removed, size=old.removed, at=old.at, state=old.state, archive=old.archive,
            frontier=old.frontier,
        )  # fmt: skip
        await log.set_base(replace(base, statement=statement.text))
    elif (there := await log.base()) is None or (there.seq, there.state) != (base.seq, base.state):
        raise Conflict("the store is not empty; restore into a new one, or remove what is there")


def _base_of(path: Path, manifest: Manifest) -> Base | None:
    if not manifest.base_sha256:
        return None
    try:
        with zipfile.ZipFile(path) as file:
            body = file.read(_BASE)
        base = msgspec.msgpack.decode(body, type=Base)
    except (OSError, KeyError, zipfile.BadZipFile, msgspec.MsgspecError) as error:
        raise BadInput(f"`{path}` is damaged: {error}", field="file") from None
    if hashlib.sha256(body).hexdigest() != manifest.base_sha256 or base.seq != manifest.first - 1:
        raise BadInput(f"`{path}` is damaged: it does not hold what its manifest says", field="file")
    return base


def _manifest(path: Path) -> Manifest:
    try:
        with zipfile.ZipFile(path) as file:
            manifest = msgspec.json.decode(file.read(_MANIFEST), type=Manifest)
    except (OSError, KeyError, zipfile.BadZipFile, msgspec.MsgspecError) as error:
        raise BadInput(f"`{path}` is no backup of graphsvc: {error}", field="file") from None
    if manifest.format > _FORMAT_CUT:
        raise BadInput(
            f"`{path}` was made by graphsvc {manifest.version}, format {manifest.format}; upgrade graphsvc",
            field="file",
        )
    return manifest


def _bodies(path: Path) -> Iterator[bytes]:
    try:
        with zipfile.ZipFile(path) as file, file.open(_ENTRIES) as content:
            while head := content.read(_LENGTH.size):
                yield _exactly(content, _LENGTH.unpack(head)[0])
    except (OSError, KeyError, EOFError, struct.error, zipfile.BadZipFile) as error:
        raise BadInput(f"`{path}` is damaged: {error}", field="file") from None


def _exactly(content: IO[bytes], length: int) -> bytes:
    if length > _MAX_ENTRY:
        raise EOFError("an entry is larger than any can be")
    body = content.read(length)
    if len(body) != length:
        raise EOFError("it ends within an entry")
    return body


def _entry(path: Path, body: bytes) -> Entry:
    try:
        return _decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise BadInput(f"`{path}` is damaged: {error}", field="file") from None


def _check(entry: Entry, seq: int) -> None:
    if entry.first != seq + 1 or len(decode_records(entry.body)) != entry.seq - entry.first + 1:
        raise StoreError(f"the log is broken at record {seq + 1}: run `graphsvc audit verify`")
