"""Check an export of graphsvc's audit log: one file, which imports nothing of graphsvc.

    python audit_verify.py EXPORT --key KEY

EXPORT is a folder or zip file written by `graphsvc audit export`. KEY is the log's public key as `graphsvc audit key`
prints it, received by another way than the export; any key the log ever had will do. Exit code: 0 genuine, 1 not, 2 no
export. Needs Python 3.11 and the package `cryptography`. Written from the standards alone, apart from the product:
RFC 9162 section 2.1 (Merkle trees), c2sp.org/signed-note and c2sp.org/tlog-checkpoint.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

__all__ = ["main"]

# More than any line, and any member but the records, can have; whoever made the export may wish us ill.
MOST_BYTES = 16 * 2**20


class Fault(Exception):
    """The export is not genuine; the text says why."""


class NoExport(Exception):
    """There is nothing to check."""


def main(arguments: list[str] | None = None) -> int:
    """Check what the command line names."""
    parser = argparse.ArgumentParser(description="Check an export of graphsvc's audit log.")
    parser.add_argument("export", type=Path)
    parser.add_argument("--key", help="the log's public key, or a file that holds it")
    parser.add_argument(
        "--whole", action="store_true", help="refuse records that are missing and not stated as cut off"
    )
    given = parser.parse_args(arguments)
    try:
        told = check(member_reader(given.export), key_text(given.key), whole=given.whole)
    except Fault as fault:
        print(f"NOT genuine: {fault}")
        return 1
    except (UnicodeError, RecursionError, OverflowError) as error:
        print(f"NOT genuine: a member is malformed: {error}")
        return 1
    except (NoExport, OSError, zipfile.BadZipFile, zlib.error, EOFError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(told)
    if given.key is None:
        print("warning: the key came with the export; give the one you trust with --key", file=sys.stderr)
    return 0


def check(opened: Callable[[str], IO[bytes]], pinned: str | None, *, whole: bool = False) -> str:
    """What is proved; Fault when nothing is. whole: records may only be missing by a signed statement."""

    def member(name: str) -> bytes:
        with opened(name) as file:
            return limited(file.read(MOST_BYTES + 1), name)

    note = member("checkpoint.txt")
    origin, size, root = checkpoint_of(note)
    keys = key_row(member("keys.json"), origin)
    if pinned is not None and pinned not in [key for key, _ in keys]:
        raise Fault("the given key is none of the keys of this log")
    signer = signer_of(note, size, keys)
    proofs = parsed(member("proofs.json"))
    first, last = number(proofs, "first"), number(proofs, "last")
    if proofs.get("format") != "graphsvc-audit-1" or number(proofs, "size") != size:
        raise Fault("proofs.json belongs to another checkpoint or is of another format")
    leaves = leaves_of(opened)
    if len(leaves) != last - first + 1:
        raise Fault(f"there are {len(leaves)} records, and there should be {last - first + 1}")
    proof = iter([hash_of(each) for each in texts(proofs, "range_proof")])
    if size:
        if not 1 <= first <= last <= size:
            raise Fault("proofs.json names records that the log does not have")
        found = tree_root(0, size, first - 1, leaves, proof)
    else:
        found = hashlib.sha256().digest()
    if found != root or next(proof, None) is not None:
        raise Fault("the records are not those that were signed")
    if not is_listing(opened, leaves):
        raise Fault("leaves.txt does not list these records")
    earliers = proofs.get("earlier", [])
    if not isinstance(earliers, list):
        raise Fault("proofs.json is malformed")
    for earlier in earliers:
        check_earlier(earlier, origin, size, root, keys)
    removed, told = 0, ""
    if proofs.get("truncated") is not None:
        removed, at = check_truncated(proofs["truncated"], origin, size, root, keys)
        if first <= removed:
            raise Fault(f"the statement says that record {first} was cut off, and it is here")
        told = f", the first {removed} cut off by a signed statement of {at}"
    if whole and first > removed + 1:
        raise Fault(
            f"records {removed + 1} to {first - 1} are missing, and nobody signed that they were cut off"
        )
    if whole and last < size:
        raise Fault(f"records {last + 1} to {size} are missing")
    part = "all there are" if len(leaves) == size else f"records {first} to {last} of {size}{told}"
    return f"genuine: {len(leaves)} records, {part}, of {origin}, signed by {signer}"


def tree_root(low: int, high: int, first: int, leaves: list[bytes], proof: Iterator[bytes]) -> bytes:
    """The hash of leaves `low` to `high` - 1: known ones from `first` on, subtrees without any from the proof."""
    if high <= first or low >= first + len(leaves):
        given = next(proof, None)
        if given is None:
            raise Fault("proofs.json holds too few hashes")
        return given
    if high - low == 1:
        return leaves[low - first]
    middle = low + split(high - low)
    return sha(
        b"\x01", tree_root(low, middle, first, leaves, proof), tree_root(middle, high, first, leaves, proof)
    )


def check_earlier(earlier: Any, origin: str, size: int, root: bytes, keys: list[tuple[str, int]]) -> None:
    """That the log continues an older checkpoint: RFC 9162, 2.1.4.2, by rebuilding both roots."""
    if not isinstance(earlier, dict) or not isinstance(earlier.get("checkpoint"), str):
        raise Fault("proofs.json is malformed")
    note = earlier["checkpoint"].encode()
    old_origin, old_size, old_root = checkpoint_of(note)
    signer_of(note, old_size, keys)
    proof = [hash_of(each) for each in texts(earlier, "consistency")]
    if old_origin != origin or old_size > size:
        raise Fault("an earlier checkpoint is of another log, or later")
    check_continues(old_size, old_root, size, root, proof)


def check_truncated(
    given: Any, origin: str, size: int, root: bytes, keys: list[tuple[str, int]]
) -> tuple[int, str]:
    """How many records a signed statement says were cut off, and when; the log must go on from them."""
    if not isinstance(given, dict) or not isinstance(given.get("statement"), str):
        raise Fault("proofs.json is malformed")
    note = given["statement"].encode()
    lines = body_of(note).decode().split("\n")[:-1]
    if len(lines) < 8 or lines[:2] != ["graphsvc audit truncation", origin]:
        raise Fault("the statement of truncation is malformed or of another log")
    if not all(re.fullmatch("[1-9][0-9]{0,18}", each) for each in lines[2:4]):
        raise Fault("the statement of truncation is malformed")
    removed, stated = int(lines[2]), hash_of(lines[4])
    signer_of(note, int(lines[3]), keys)
    # The largest complete subtrees, left to right: one for each bit of the number.
    subtrees = [hash_of(each) for each in lines[8:]]
    if removed > size or len(subtrees) != removed.bit_count():
        raise Fault("the statement of truncation does not fit the log")
    found = subtrees[-1]
    for left in reversed(subtrees[:-1]):
        found = sha(b"\x01", left, found)
    if found != stated:
        raise Fault("the hashes of the statement of truncation do not lead to its root")
    check_continues(removed, stated, size, root, [hash_of(each) for each in texts(given, "consistency")])
    return removed, lines[5]


def check_continues(old_size: int, old_root: bytes, size: int, root: bytes, proof: list[bytes]) -> None:
    """That the log of `size` records begins with the one of `old_size`."""
    if old_size in {0, size}:
        empty = hashlib.sha256().digest()
        if proof or old_root != (root if old_size == size else empty):
            raise Fault("the log does not continue the earlier one")
        return
    rest = list(proof)
    if rebuilt(old_size, size, old_root, rest, is_whole=True) != (old_root, root) or rest:
        raise Fault(f"the log does not continue the earlier one of {old_size} records")


def rebuilt(
    old: int, size: int, old_root: bytes, proof: list[bytes], *, is_whole: bool
) -> tuple[bytes, bytes]:
    """The roots of the old and of the new tree, taking the proof's hashes from its end, the reverse of SUBPROOF."""
    if old == size:
        here = old_root if is_whole else taken(proof)
        return here, here
    half = split(size)
    beside = taken(proof)
    if old <= half:
        before, after = rebuilt(old, half, old_root, proof, is_whole=is_whole)
        return before, sha(b"\x01", after, beside)
    before, after = rebuilt(old - half, size - half, old_root, proof, is_whole=False)
    return sha(b"\x01", beside, before), sha(b"\x01", beside, after)


def taken(proof: list[bytes]) -> bytes:
    """The last hash of a proof, which has none any more."""
    if not proof:
        raise Fault("proofs.json holds too few hashes")
    return proof.pop()


def checkpoint_of(note: bytes) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint."""
    lines = body_of(note).decode().split("\n")
    if len(lines) != 4 or not lines[0] or not re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]):
        raise Fault("a checkpoint is malformed")
    return lines[0], int(lines[1]), hash_of(lines[2])


def body_of(note: bytes) -> bytes:
    """The signed part of a note."""
    text, blank, lines = note.rpartition(b"\n\n")
    try:
        note.decode()
    except UnicodeDecodeError:
        raise Fault("a note is not UTF-8") from None
    if not blank or not lines.endswith(b"\n"):
        raise Fault("a note has no signatures")
    return text + b"\n"


def is_signed(note: bytes, key: str) -> bool:
    """Whether the key, as text, signed the note; every line that claims to be by it must be genuine."""
    name, hint, public = key_of(key)
    text = body_of(note)
    found = False
    for line in note[len(text) + 1 : -1].decode().split("\n"):
        dash, _, rest = line.partition(" ")
        signer, _, encoded = rest.partition(" ")
        raw = decoded(encoded)
        if dash != "\u2014" or not signer or raw is None or len(raw) < 5:
            raise Fault("a signature line is malformed")
        if signer == name and raw[:4] == hint:
            try:
                public.verify(raw[4:], text)
            except InvalidSignature:
                return False
            found = True
    return found


def key_row(document: bytes, origin: str) -> list[tuple[str, int]]:
    """Keys as text with the size from which on they sign; each vouched for by the one before it."""
    row: list[tuple[str, int]] = []
    listed = parsed(document).get("keys")
    for each in listed if isinstance(listed, list) else []:
        if not isinstance(each, dict) or not isinstance(each.get("key"), str):
            raise Fault("keys.json is malformed")
        key, since, note = each["key"], number(each, "since"), each.get("endorsement")
        if key_of(key)[0] != origin:
            raise Fault("keys.json holds a key of another log")
        if row:
            expected = f"graphsvc audit key\n{origin}\n{since}\n{key}\n"
            if not isinstance(note, str) or since < row[-1][1] or body_of(note.encode()) != expected.encode():
                raise Fault("keys.json holds a key that nobody vouches for")
            if not (is_signed(note.encode(), row[-1][0]) and is_signed(note.encode(), key)):
                raise Fault("keys.json holds a key that the one before it does not vouch for")
        elif since or note is not None:
            raise Fault("keys.json does not begin with the first key")
        row.append((key, since))
    return row


def signer_of(note: bytes, size: int, keys: list[tuple[str, int]]) -> str:
    """The key that signed a checkpoint while it was in use."""
    for place, (key, since) in enumerate(keys):
        end = keys[place + 1][1] if place + 1 < len(keys) else size
        if since <= size <= end and is_signed(note, key):
            return key
    raise Fault("no key of the log that was in use signed the checkpoint")


def key_of(text: str) -> tuple[str, bytes, Ed25519PublicKey]:
    """Name, hint and public key of `<name>+<hint>+<base64>`."""
    name, _, rest = text.partition("+")
    hint, _, encoded = rest.partition("+")
    raw = decoded(encoded)
    if raw is None or len(raw) != 33 or raw[0] != 1:
        raise Fault(f"`{text[:60]}` is no Ed25519 key")
    expected = sha(name.encode(), b"\n", raw)[:4]
    if hint != expected.hex():
        raise Fault(f"`{text[:60]}` is damaged")
    return name, expected, Ed25519PublicKey.from_public_bytes(raw[1:])


def key_text(given: str | None) -> str | None:
    """The key of the command line, from a file where it names one."""
    if given is not None and Path(given).is_file():
        return Path(given).read_text(encoding="utf-8").strip()
    return given


def member_reader(path: Path) -> Callable[[str], IO[bytes]]:
    """How to open a member of the export."""
    if path.is_dir():
        return lambda name: (path / name).open("rb")
    if not path.is_file():
        raise NoExport(f"{path} does not exist")
    archive = zipfile.ZipFile(path)
    if len(set(archive.namelist())) != len(archive.namelist()):
        raise Fault("the zip file holds two members of one name")

    def opened(name: str) -> IO[bytes]:
        try:
            return archive.open(name)
        except KeyError:
            raise NoExport(f"{path} holds no {name}") from None
        except (RuntimeError, NotImplementedError) as error:
            raise NoExport(f"{path} cannot be unpacked: {error}") from None

    return opened


def limited(part: bytes, name: str) -> bytes:
    """A part of a member that is not too large."""
    if len(part) > MOST_BYTES:
        raise NoExport(f"a part of {name} is larger than {MOST_BYTES} bytes")
    return part


def leaves_of(opened: Callable[[str], IO[bytes]]) -> list[bytes]:
    """The leaf hashes of the records."""
    leaves = []
    with opened("records.jsonl") as file:
        while line := limited(file.readline(MOST_BYTES + 1), "records.jsonl"):
            if not line.endswith(b"\n"):
                raise Fault("the last record is cut off")
            leaves.append(sha(b"\x00", line[:-1]))
    return leaves


def is_listing(opened: Callable[[str], IO[bytes]], leaves: list[bytes]) -> bool:
    """Whether leaves.txt lists them, or is not there."""
    try:
        file = opened("leaves.txt")
    except (NoExport, FileNotFoundError):
        return True
    with file:
        for leaf in leaves:
            expected = base64.b64encode(leaf) + b"\n"
            if file.read(len(expected)) != expected:
                return False
        return not file.read(1)


def parsed(document: bytes) -> dict[str, Any]:
    """A JSON object."""
    try:
        value = json.loads(document)
    except ValueError:
        raise Fault("a member is not JSON") from None
    if not isinstance(value, dict):
        raise Fault("a member is not a JSON object")
    return value


def number(document: dict[str, Any], name: str) -> int:
    """A whole number of a JSON object."""
    value = document.get(name, 0 if name == "since" else None)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Fault(f"`{name}` is no whole number")
    return value


def texts(document: dict[str, Any], name: str) -> list[str]:
    """A list of texts of a JSON object."""
    value = document.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Fault(f"`{name}` is no list of texts")
    return value


def hash_of(text: str) -> bytes:
    """32 bytes of base64."""
    raw = decoded(text)
    if raw is None or len(raw) != 32:
        raise Fault("a hash is not 32 bytes of base64")
    return raw


def decoded(text: str) -> bytes | None:
    """Bytes of base64 in its one spelling, None for anything else."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def sha(*parts: bytes) -> bytes:
    """SHA-256 of the parts in a row."""
    return hashlib.sha256(b"".join(parts)).digest()


if __name__ == "__main__":
    sys.exit(main())
