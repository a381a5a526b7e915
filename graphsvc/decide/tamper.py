"""Is the log still the one that was written and signed? Every record is read and its leaf computed again."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256

from graphsvc.core.audit.key import KeyHistory
from graphsvc.core.audit.leaf import HASH_SIZE, leaf_hash
from graphsvc.core.audit.merkle import Tree
from graphsvc.core.audit.note import Checkpoint
from graphsvc.core.codec import audit_lines, audited
from graphsvc.core.erasure import open_erasure
from graphsvc.decide.audit import origin_of, read_statement
from graphsvc.decide.ports import Entry, Log
from graphsvc.errors import BadInput, StoreError

__all__ = ["LogChecked", "check_log"]

_PAGE = 200
_MAX_NAMED = 20


@dataclass(slots=True)
class LogChecked:
    """What the check found. changed: numbers of records that are not as they were written.

    size: records in the log. signed: how many of them the checkpoint covers, 0 without one. removed: how many of the
    oldest a signed statement says were cut off, and `removed_at` when. erased: records whose content was changed with a
    signed note, to take out a person's data.
    """

    problems: list[str] = field(default_factory=list)
    changed: list[int] = field(default_factory=list)
    size: int = 0
    signed: int = 0
    removed: int = 0
    removed_at: str = ""
    erased: int = 0

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.problems


async def check_log(log: Log, checkpoint: Checkpoint | None, keys: KeyHistory | None = None) -> LogChecked:
    """Compare every record with its stored leaf, and all leaves with a checkpoint that the caller has verified.

    keys: of the log. A log that does not begin with its first record needs a statement signed by one of them.
    """
    found = LogChecked()
    tree = await _begun(log, found, keys)
    after = tree.size
    while entries := await log.read(after=after, limit=_PAGE):
        for entry in entries:
            if entry.first != after + 1 or entry.seq < entry.first:
                found.problems.append(
                    f"records {after + 1} to {entry.first - 1} are missing"
                    if entry.first > after + 1
                    else f"the entry that ends at record {entry.seq} claims to begin at {entry.first}"
                )
            tree.extend(_leaves(entry, found, origin_of(log), keys))
            after = entry.seq
        await asyncio.sleep(0)
    found.size = after
    if found.changed:
        named = ", ".join(map(str, found.changed[:_MAX_NAMED]))
        more = f" and {len(found.changed) - _MAX_NAMED} more" if len(found.changed) > _MAX_NAMED else ""
        found.problems.append(f"not as written: record {named}{more}")
    if checkpoint is not None:
        found.signed = checkpoint.size
        _compare(found, tree, checkpoint)
    return found


async def _begun(log: Log, found: LogChecked, keys: KeyHistory | None) -> Tree:
    """The tree of what a signed statement says was cut off; an empty one when nothing was, or nobody signed it."""
    base = await log.base()
    if base is None:
        return Tree()
    try:
        statement = read_statement(base)
    except StoreError as error:
        found.problems.append(str(error))
        return Tree()
    if statement.origin != origin_of(log) or keys is None or keys.signer_of(statement) is None:
        found.problems.append(f"no key of this log signed that records 1 to {base.seq} were cut off")
        return Tree()
    found.removed, found.removed_at = statement.removed, statement.at
    return Tree(statement.removed, statement.frontier)


def _leaves(entry: Entry, found: LogChecked, origin: str, keys: KeyHistory | None) -> bytes:
    count = max(entry.seq - entry.first + 1, 0)
    try:
        held = audited(entry.body)
        leaves = list(map(leaf_hash, audit_lines(held, entry.id)))
    except StoreError as error:
        found.problems.append(f"records {entry.first} to {entry.seq}: {error}")
        return bytes(count * HASH_SIZE)
    if len(leaves) != count:
        found.problems.append(f"records {entry.first} to {entry.seq}: the entry holds {len(leaves)} records")
    for place in held.erased:
        _check_erased(entry.first + place, held.stored[place], held.erased[place][1], found, origin, keys)
    if held.leaves is not None:
        stored = held.leaves
        found.changed += [
            entry.first + place
            for place, leaf in enumerate(leaves)
            if leaf != stored[place * HASH_SIZE : (place + 1) * HASH_SIZE]
        ]
    return b"".join(leaves)


def _check_erased(
    seq: int, stored: bytes, note: str, found: LogChecked, origin: str, keys: KeyHistory | None
) -> None:
    """A record whose content does not fit its seal needs a key of the log to say what its content is."""
    try:
        erasure = open_erasure(note)
        genuine = (erasure.origin, erasure.seq, erasure.content) == (origin, seq, sha256(stored).hexdigest())
    except BadInput:
        genuine = False
    found.erased += 1
    if not genuine or keys is None or keys.signer_of(erasure) is None:
        found.problems.append(
            f"record {seq} is said to be erased, and no key of this log signed what it holds now"
        )


def _compare(found: LogChecked, tree: Tree, checkpoint: Checkpoint) -> None:
    size = checkpoint.size
    if size < tree.first:
        found.problems.append(
            f"the checkpoint is of {size} records, and those up to {tree.first} were cut off"
        )
    elif tree.size < size:
        found.problems.append(
            f"{size} records were signed, and the log holds {tree.size}: its end is cut off"
        )
    elif tree.root(size) != checkpoint.root:
        found.problems.append(
            f"the first {size} records are not those that were signed"
            + ("" if found.changed else "; which of them cannot be told, for their leaves were changed too")
        )
    elif any(seq <= size for seq in found.changed):
        found.problems.append(
            "the records are those that were signed; leaves stored beside them were changed"
        )
