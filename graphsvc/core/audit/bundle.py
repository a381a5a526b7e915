"""An export of the audit log, checked offline: lines, leaves, checkpoint, keys and proofs against each other.

What is proved: these lines stand at these places of a log of the checkpoint's size, whose root was signed. The lines
alone decide; the leaves beside them are only there to tell which line was changed.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from graphsvc.core.audit.key import KeyHistory
from graphsvc.core.audit.leaf import HASH_SIZE, leaf_hash
from graphsvc.core.audit.merkle import EMPTY_ROOT, is_consistent, range_root
from graphsvc.core.audit.note import Checkpoint, VerifierKey, open_checkpoint
from graphsvc.core.audit.truncation import open_statement
from graphsvc.errors import BadInput

__all__ = [
    "FORMAT",
    "Checked",
    "Earlier",
    "Proofs",
    "Truncated",
    "check_bundle",
    "check_signature",
    "encoded",
    "leaves_of",
]

FORMAT = "graphsvc-audit-1"
_MAX_NAMED = 20


class Earlier(msgspec.Struct, frozen=True):
    """An older checkpoint of the same log, and the proof that the log has only grown since."""

    checkpoint: str
    consistency: list[str]


class Truncated(msgspec.Struct, frozen=True):
    """The signed statement that the oldest records were cut off, and the proof that the log goes on from those."""

    statement: str
    consistency: list[str]


class Proofs(msgspec.Struct, frozen=True, kw_only=True):
    """`proofs.json`: which records there are (numbers from 1, `last` included), and base64 hashes."""

    format: str
    first: int
    last: int
    size: int
    range_proof: list[str]
    earlier: list[Earlier] = []
    truncated: Truncated | None = None


@dataclass(slots=True)
class Checked:
    """What the check found. problems: empty when all is well. changed: numbers of records, the first few.

    is_complete: the export holds every record of the log. is_pinned: the signature leads to a key that the reader
    trusts; without it anybody could have made the export. removed: how many of the oldest records a signed statement
    says were cut off, and `removed_at` when.
    """

    problems: list[str] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    origin: str = ""
    size: int = 0
    root: str = ""
    first: int = 0
    last: int = 0
    key: str = ""
    is_pinned: bool = False
    removed: int = 0
    removed_at: str = ""

    @property
    def is_complete(self) -> bool:
        """Every record of the log is there."""
        return self.last - self.first + 1 == self.size

    @property
    def is_whole(self) -> bool:
        """Every record is there but those of which a signed statement says that they were cut off."""
        return self.first == self.removed + 1 and self.last == self.size

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.problems


def encoded(hashes: Iterable[bytes]) -> list[str]:
    """Hashes as they are written."""
    return [base64.b64encode(each).decode() for each in hashes]


def leaves_of(lines: Iterable[bytes]) -> list[bytes]:
    """Leaf hashes of lines, without their line ends."""
    return list(map(leaf_hash, lines))


def check_bundle(
    leaves: Sequence[bytes],
    listed: Sequence[bytes] | None,
    checkpoint: str | bytes,
    keys: str | bytes,
    proofs: str | bytes,
    pinned: VerifierKey | None = None,
    *,
    whole: bool = False,
) -> Checked:
    """Check an export. leaves: computed from its lines; listed: as it lists them, None when it does not.

    whole: a record that is not there is a problem, unless a signed statement says that it was cut off.
    Whatever is wrong, forged text included, becomes a problem and never an error.
    """
    found = Checked()
    try:
        signed = open_checkpoint(checkpoint)
    except BadInput as error:
        found.problems.append(f"checkpoint.txt {error}")
        return found
    found.origin, found.size, found.root = signed.origin, signed.size, base64.b64encode(signed.root).decode()
    history = check_signature(found, signed, keys, pinned)
    try:
        given = msgspec.json.decode(proofs, type=Proofs)
    except msgspec.MsgspecError as error:
        found.problems.append(f"proofs.json is malformed: {error}")
        return found
    found.first, found.last = given.first, given.last
    if given.format != FORMAT:
        found.problems.append(f"proofs.json has the format `{given.format}`; this version reads {FORMAT}")
    if given.size != signed.size:
        found.problems.append(
            f"proofs.json is of a log of {given.size} records, the checkpoint of {signed.size}"
        )
    if history is not None:
        for earlier in given.earlier:
            _check_earlier(found, signed, earlier, history)
        if given.truncated is not None:
            _check_truncated(found, signed, given.truncated, history)
    _check_records(found, signed, leaves, listed, given)
    if whole and not found.is_whole:
        _tell_missing(found)
    return found


def check_signature(
    found: Checked, signed: Checkpoint, keys: str | bytes, pinned: VerifierKey | None
) -> KeyHistory | None:
    """Whether a key of the row signed the checkpoint, and whether the row holds the key that the reader trusts."""
    try:
        history = KeyHistory.parse(keys)
    except BadInput as error:
        found.problems.append(str(error))
        return None
    signer = history.signer_of(signed)
    if signer is None:
        found.problems.append("the checkpoint is not signed by a key of the log that was in use at its size")
    else:
        found.key = str(signer)
        found.is_pinned = pinned is not None and history.holds(pinned)
    if pinned is not None and not history.holds(pinned):
        found.problems.append(f"the key `{pinned}` is none of the keys of this log")
    return history


def _check_earlier(found: Checked, signed: Checkpoint, earlier: Earlier, history: KeyHistory) -> None:
    try:
        old = open_checkpoint(earlier.checkpoint)
    except BadInput as error:
        found.problems.append(f"an earlier checkpoint {error}")
        return
    proof = _hashes(earlier.consistency)
    if old.origin != signed.origin or history.signer_of(old) is None:
        found.problems.append(
            f"the earlier checkpoint of {old.size} records is not signed by a key of this log"
        )
    elif proof is None or not is_consistent(old.size, signed.size, old.root, signed.root, proof):
        found.problems.append(f"the log does not continue the earlier checkpoint of {old.size} records")


def _check_truncated(found: Checked, signed: Checkpoint, given: Truncated, history: KeyHistory) -> None:
    try:
        statement = open_statement(given.statement)
    except BadInput as error:
        found.problems.append(f"the statement of truncation {error}")
        return
    proof, removed = _hashes(given.consistency), statement.removed
    if statement.origin != signed.origin or history.signer_of(statement) is None:
        found.problems.append("the statement of truncation is not signed by a key of this log")
    elif proof is None or not is_consistent(removed, signed.size, statement.root, signed.root, proof):
        found.problems.append(
            f"the log does not continue the {removed} records that the statement says were cut off"
        )
    elif found.first <= removed:
        found.problems.append(f"the statement says that record {found.first} was cut off, and it is here")
    else:
        found.removed, found.removed_at = removed, statement.at


def _tell_missing(found: Checked) -> None:
    begin = found.removed + 1
    if found.first > begin:
        told = "and no signed statement says that they were cut off"
        found.problems.append(f"records {begin} to {found.first - 1} are not here, {told}")
    if found.last < found.size:
        found.problems.append(f"records {found.last + 1} to {found.size} are not here")


def _check_records(
    found: Checked,
    signed: Checkpoint,
    leaves: Sequence[bytes],
    listed: Sequence[bytes] | None,
    given: Proofs,
) -> None:
    expected = given.last - given.first + 1
    proof = _hashes(given.range_proof)
    if signed.size == 0 and not leaves and given.first == 1 and given.last == 0 and not given.range_proof:
        if signed.root != EMPTY_ROOT:
            found.problems.append("the checkpoint of an empty log has another root")
        return
    if proof is None:
        found.problems.append("proofs.json holds a hash that is not 32 bytes of base64")
        return
    fits = len(leaves) == expected and range_root(leaves, given.first - 1, signed.size, proof) == signed.root
    if fits:
        if listed is not None and list(listed) != list(leaves):
            found.problems.append(
                "leaves.txt does not list the leaves of these records; the records are genuine"
            )
        return
    if len(leaves) != expected:
        found.problems.append(f"there are {len(leaves)} records, and there should be {expected}")
    told = "the records are not those that were signed"
    if listed is None or range_root(listed, given.first - 1, signed.size, proof) != signed.root:
        found.problems.append(f"{told}; which of them cannot be told, for leaves.txt does not fit either")
        return
    found.changed = _differing(leaves, listed, given.first)
    if not found.changed:
        return
    named = ", ".join(map(str, found.changed[:_MAX_NAMED]))
    more = " and more" if len(found.changed) > _MAX_NAMED else ""
    found.problems.append(f"{told}: at record {named}{more}")


def _differing(leaves: Sequence[bytes], listed: Sequence[bytes], first: int) -> list[int]:
    """Numbers of the records that are not where they should be; of a missing or added one, where it is."""
    if len(leaves) == len(listed):
        return [first + place for place, leaf in enumerate(listed) if leaves[place] != leaf]
    start = 0
    while start < min(len(leaves), len(listed)) and leaves[start] == listed[start]:
        start += 1
    return [first + start]


def _hashes(encoded: Sequence[str]) -> list[bytes] | None:
    try:
        found = [base64.b64decode(each, validate=True) for each in encoded]
    except (binascii.Error, ValueError):
        return None
    return found if all(len(each) == HASH_SIZE for each in found) else None
