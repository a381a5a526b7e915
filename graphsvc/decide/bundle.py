"""An export of the audit log on disk: a folder, or one zip file, with the same members."""

from __future__ import annotations

import base64
import binascii
import tempfile
import zipfile
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from graphsvc.core.audit.bundle import Proofs
from graphsvc.core.audit.leaf import leaf_hash
from graphsvc.errors import BadInput

__all__ = ["MEMBERS", "Read", "read_bundle", "write_bundle"]

RECORDS, LEAVES, CHECKPOINT, KEYS, PROOFS, README = MEMBERS = (
    "records.jsonl", "leaves.txt", "checkpoint.txt", "keys.json", "proofs.json", "README.txt"
)  # fmt: skip
# Nothing genuine comes near this: a line, or a member that is read as a whole. An export may come from anybody.
_MOST_BYTES = 16 * 2**20
_LEAF_BYTES = 64
_README = """\
An export of the audit log of graphsvc.

records.jsonl   one record a line, RFC 8785 canonical JSON; line 1 is record `first` of proofs.json
leaves.txt      base64 of SHA-256(0x00, line) of every line; it only helps to tell which line was changed
checkpoint.txt  origin, size and root of the log, signed (c2sp.org/tlog-checkpoint)
keys.json       the keys that sign this log, each vouched for by the one before it
proofs.json     the hashes that lead from the lines to the root (RFC 9162), and from earlier checkpoints to this one

Check it with `graphsvc audit verify PATH --key KEY`, or without graphsvc installed with its stand-alone script
`audit_verify.py PATH --key KEY`, which needs Python and the package cryptography. Ask the operator of the service for
KEY by another way than the one this export took.
"""


@dataclass(frozen=True, slots=True)
class Read:
    """An export as it was read. leaves: computed from its lines; listed: as written in it, None if it is not there.

    problems: what about its form is wrong already.
    """

    leaves: list[bytes]
    listed: list[bytes] | None
    checkpoint: bytes
    keys: bytes
    proofs: bytes
    problems: tuple[str, ...]


async def write_bundle(
    output: Path, lines: AsyncIterator[tuple[int, bytes]], checkpoint: str, keys: bytes, proofs: Proofs
) -> int:
    """Write an export; the number of records. A name ending in .zip becomes one file, any other a new folder.

    Nothing is there under the name before it is whole. BadInput when a folder of that name is not empty.
    """
    is_file = _prepare(output)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as made:
        folder = Path(made) / "export"
        folder.mkdir()
        count = 0
        with (folder / RECORDS).open("wb") as records, (folder / LEAVES).open("wb") as leaves:
            async for _, line in lines:
                records.write(line + b"\n")
                leaves.write(base64.b64encode(leaf_hash(line)) + b"\n")
                count += 1
        (folder / CHECKPOINT).write_text(checkpoint, encoding="utf-8")
        (folder / KEYS).write_bytes(keys + b"\n")
        (folder / README).write_text(_README, encoding="utf-8")
        (folder / PROOFS).write_bytes(msgspec.json.format(msgspec.json.encode(proofs)) + b"\n")
        if not is_file:
            folder.replace(output)
            return count
        packed = Path(made) / output.name
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in MEMBERS:
                archive.write(folder / name, name)
        packed.replace(output)
    return count


def _prepare(output: Path) -> bool:
    """Make room for an export; True when it is to be one file."""
    is_file = output.suffix == ".zip"
    if output.exists() and output.is_dir() == is_file:
        raise BadInput(f"-o: `{output}` is there already; choose another name", field="output")
    if output.is_dir() and any(output.iterdir()):
        raise BadInput(
            f"-o: the folder `{output}` is not empty; name a new one, or a file ending in .zip",
            field="output",
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    return is_file


def read_bundle(path: Path) -> Read:
    """Read an export, folder or zip file; BadInput when it is neither or lacks a member."""
    if not path.exists():
        raise BadInput(
            f"`{path}` does not exist; name an export made by `graphsvc audit export`", field="export"
        )
    try:
        if path.is_dir():
            return _read(lambda name: (path / name).open("rb"), lambda name: (path / name).is_file(), path)
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) != len(set(names)):
                raise BadInput(f"`{path}` holds two members of one name", field="export")
            return _read(archive.open, lambda name: name in names, path)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # The last two: of a method that nobody here knows, encrypted.
        raise BadInput(f"`{path}` is no whole export: {error}", field="export") from None


def _read(opened: Callable[[str], IO[bytes]], exists: Callable[[str], bool], path: Path) -> Read:
    for name in (RECORDS, CHECKPOINT, KEYS, PROOFS):
        if not exists(name):
            raise BadInput(f"`{path}` holds no {name}; is it an export of the audit log?", field="export")
    problems: list[str] = []
    with opened(RECORDS) as file:
        leaves = [leaf_hash(line) for line in _lines(file, problems)]
    listed: list[bytes] | None = None
    if exists(LEAVES):
        with opened(LEAVES) as file:
            listed = [_leaf(line) for line in _limited(file, _LEAF_BYTES, LEAVES)]
    small = {}
    for name in (CHECKPOINT, KEYS, PROOFS):
        with opened(name) as file:
            small[name] = file.read(_MOST_BYTES + 1)
            _check_size(small[name], _MOST_BYTES, name)
    return Read(leaves, listed, small[CHECKPOINT], small[KEYS], small[PROOFS], tuple(problems))


def _lines(file: IO[bytes], problems: list[str]) -> Iterator[bytes]:
    for line in _limited(file, _MOST_BYTES, RECORDS):
        if not line.endswith(b"\n"):
            problems.append(f"{RECORDS} does not end with a whole line")
        yield line.removesuffix(b"\n")


def _limited(file: IO[bytes], most: int, name: str) -> Iterator[bytes]:
    while line := file.readline(most + 1):
        _check_size(line, most, name)
        yield line


def _check_size(part: bytes, most: int, name: str) -> None:
    if len(part) > most:
        raise BadInput(f"a part of {name} is larger than {most} bytes, so this is no export", field="export")


def _leaf(line: bytes) -> bytes:
    try:
        return base64.b64decode(line.rstrip(b"\n"), validate=True)
    except binascii.Error:
        return b""
