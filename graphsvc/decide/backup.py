"""Backups: the whole log of a store in one file, from which any kind of store can be made again.

The log is the truth and everything else is drawn from it, so this is all there is to keep. A restored store is another life
of the store: it has an incarnation of its own, so that nobody takes a revision of one for one of the other.

Format: a zip with `manifest.json` and `entries.bin`, the entries as MessagePack, one after the other, each after its
length (4 bytes, big-endian). The manifest holds the digest of the entries and how many there are.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Protocol

import msgspec

from graphsvc import __version__
from graphsvc.core.codec import decode_records
from graphsvc.decide.ports import Accepted, Draft, Entry, Log
from graphsvc.errors import BadInput, Conflict, StoreError

__all__ = ["FORMAT", "Manifest", "ReadableLog", "read_manifest", "restore", "save"]

FORMAT = 1
_PAGE = 200
_LENGTH = struct.Struct(">I")
_MAX_ENTRY = 256 * 1024 * 1024
_MANIFEST, _ENTRIES = "manifest.json", "entries.bin"

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself. seq: the newest record; sha256: of the entries, in hex."""

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


async def save(log: Log | ReadableLog, path: Path, at_ms: int, done: Callable[[int], None]) -> Manifest:
    """Write a backup of everything up to now. done: told how many records were written.

    StoreError when the log has a gap or an entry that cannot be read. The file appears whole or not at all.
    """
    aside = path.with_name(f".{path.name}.partial")
    digest, entries, seq = hashlib.sha256(), 0, 0
    try:
        with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            aside.chmod(0o600)
            with file.open(_ENTRIES, "w", force_zip64=True) as out:
                while page := await log.read(after=seq, limit=_PAGE):
                    for entry in page:
                        _check(entry, seq)
                        body = _encoder.encode(entry)
                        for part in (_LENGTH.pack(len(body)), body):
                            out.write(part)
                            digest.update(part)
                        done(entry.seq - seq)
                        seq, entries = entry.seq, entries + 1
            manifest = Manifest(
                format=FORMAT,
                version=__version__,
                incarnation=log.incarnation,
                at_ms=at_ms,
                entries=entries,
                seq=seq,
                sha256=digest.hexdigest(),
            )
            file.writestr(_MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        aside.replace(path)
    except OSError as error:
        raise BadInput(f"`{path}` cannot be written: {error.strerror}", field="output") from error
    finally:
        aside.unlink(missing_ok=True)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """The manifest, having read the whole file: what it holds is what was written. BadInput for anything else."""
    manifest = _manifest(path)
    digest, entries, seq = hashlib.sha256(), 0, 0
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


async def restore(path: Path, log: Log, done: Callable[[int], None]) -> Manifest:
    """Write a backup into an empty store; Conflict when it is not empty. done: told how many records were written.

    The file is read to its end and checked before anything is written. Numbers, ids and audit leaves stay as they were. A
    restore that was interrupted goes on when the store holds the beginning of the same backup.
    """
    manifest = read_manifest(path)
    seen = await log.head()
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
    if await log.head() != manifest.seq:
        raise Conflict("the store holds more than the backup; restore into a new one")
    return manifest


def _manifest(path: Path) -> Manifest:
    try:
        with zipfile.ZipFile(path) as file:
            manifest = msgspec.json.decode(file.read(_MANIFEST), type=Manifest)
    except (OSError, KeyError, zipfile.BadZipFile, msgspec.MsgspecError) as error:
        raise BadInput(f"`{path}` is no backup of graphsvc: {error}", field="file") from None
    if manifest.format > FORMAT:
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
