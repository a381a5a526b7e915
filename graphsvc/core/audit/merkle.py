"""The Merkle tree of RFC 9162, section 2.1: roots, inclusion, consistency, and proofs for a range of leaves.

All hashes are 32 bytes of SHA-256. Leaves are counted from 0; the leaf of record number `seq` is `seq - 1`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from hashlib import sha256

from graphsvc.core.audit.leaf import HASH_SIZE

__all__ = [
    "BLOCK_SIZE",
    "EMPTY_ROOT",
    "Thinned",
    "Tree",
    "frontier_heights",
    "frontier_root",
    "is_consistent",
    "is_included",
    "range_root",
    "root_of",
]

EMPTY_ROOT = sha256().digest()
_BLOCK = 8  # height of a block
BLOCK_SIZE = 1 << _BLOCK  # its leaves
_MAX_LOADED = 32


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def _split(size: int) -> int:
    """The largest power of two below `size`, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, computed level by level: a node without a neighbour moves up as it is."""
    level = list(leaves)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level += odd
    return level[0]


def frontier_heights(size: int) -> list[int]:
    """Heights of the largest complete subtrees that the first `size` leaves are made of, left to right."""
    return [height for height in reversed(range(size.bit_length())) if size >> height & 1]


def frontier_root(frontier: Sequence[bytes]) -> bytes:
    """The root over the hashes of those subtrees."""
    if not frontier:
        return EMPTY_ROOT
    found = frontier[-1]
    for left in reversed(frontier[:-1]):
        found = _node(left, found)
    return found


class Thinned(IndexError):
    """A hash was left out to save memory: `load` the leaves of `block`, then ask again."""

    def __init__(self, block: int) -> None:
        super().__init__(f"the hashes of block {block} are not in memory")
        self.block = block


class Tree:
    """A tree that only grows. It keeps the hash of every complete subtree: 64 bytes a leaf, a quarter of one when thinned.

    first: leaves before this one were cut off, and nothing is known of them but the hashes of the largest subtrees that
    they make up. That is enough for the root of `first` leaves and more, and for every proof about those from `first` on.
    """

    def __init__(self, first: int = 0, frontier: Sequence[bytes] = ()) -> None:
        heights = frontier_heights(first)
        assert len(heights) == len(frontier)
        self.first = self.size = first
        # Of each level, how many hashes come before the first one kept.
        self._gone = [first >> height for height in range(first.bit_length() + 1)]
        self._levels: list[bytearray] = [bytearray() for _ in self._gone]
        for height, kept in zip(heights, frontier, strict=True):
            self._gone[height] -= 1
            self._levels[height] += kept
        self._kept: dict[tuple[int, int], bytes] = {}
        self._loaded: OrderedDict[int, Tree] = OrderedDict()

    def thin(self) -> None:
        """Keep of every complete block of 256 leaves the root alone; from now on asking may raise `Thinned`."""
        blocks = self.size >> _BLOCK
        begun = ((self.first >> _BLOCK) + 1 if self.first else 0) << _BLOCK
        for height in range(min(_BLOCK, len(self._levels))):
            end, before = blocks << (_BLOCK - height), self._gone[height]
            # The block in which the tree begins cannot be loaded whole again.
            for index in range(before, min(end, begun >> height)):
                self._kept[height, index] = self._complete(height, index)
            if end > before:
                del self._levels[height][: (end - before) * HASH_SIZE]
                self._gone[height] = end

    def load(self, block: int, leaves: bytes) -> bool:
        """Take in the leaves of a block again, for a while; False when they are not the ones that were there."""
        tree = Tree()
        tree.extend(leaves)
        if tree.size != BLOCK_SIZE or tree.root() != self._complete(_BLOCK, block):
            return False
        self._loaded[block] = tree
        if len(self._loaded) > _MAX_LOADED:
            self._loaded.popitem(last=False)
        return True

    def frontier(self, size: int) -> list[bytes]:
        """The hashes of the largest complete subtrees of the first `size` leaves, left to right."""
        self._checked(size)
        return [self._complete(height, (size >> height) - 1) for height in frontier_heights(size)]

    def extend(self, leaves: bytes) -> None:
        """Add leaf hashes, one after another, 32 bytes each."""
        assert len(leaves) % HASH_SIZE == 0
        self._levels[0] += leaves
        self.size += len(leaves) // HASH_SIZE
        below, height = self._levels[0], 0
        while True:
            before = self._gone[height]
            height += 1
            wanted = (len(below) // HASH_SIZE + before) // 2
            if height == len(self._levels):
                if not wanted:
                    return
                self._levels.append(bytearray())
                self._gone.append(0)
            above = self._levels[height]
            for index in range(len(above) // HASH_SIZE + self._gone[height], wanted):
                start = (index * 2 - before) * HASH_SIZE
                above += sha256(b"\x01" + below[start : start + 2 * HASH_SIZE]).digest()
            below = above

    def leaf(self, index: int) -> bytes:
        """The hash of one leaf."""
        return self._complete(0, index)

    def root(self, size: int | None = None) -> bytes:
        """The root of the first `size` leaves, of all if left out."""
        size = self._checked(size)
        return self._hash(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        """PATH of RFC 9162, 2.1.3.1: siblings from the leaf up."""
        size = self._checked(size)
        if not self.first <= index < size:
            raise IndexError(f"no leaf {index} among {size}" + self._cut())
        return self._path(index, 0, size)

    def consistency(self, old: int, size: int | None = None) -> list[bytes]:
        """PROOF of RFC 9162, 2.1.4.1: that the first `old` leaves are still the same; empty for 0 and `size`."""
        size = self._checked(size)
        if not 0 <= old <= size or 0 < old < self.first:
            raise IndexError(f"no tree of {old} within one of {size}" + self._cut())
        return self._subproof(old, 0, size, is_whole=True) if 0 < old < size else []

    def range_proof(self, first: int, end: int, size: int | None = None) -> list[bytes]:
        """The hashes, left to right, that `range_root` needs beside leaves `first` to `end` - 1."""
        size = self._checked(size)
        if not self.first <= first < end <= size:
            raise IndexError(f"no leaves {first} to {end} among {size}" + self._cut())
        return list(self._outside(first, end, 0, size))

    def _checked(self, size: int | None) -> int:
        size = self.size if size is None else size
        if not 0 <= size <= self.size or 0 < size < self.first:
            raise IndexError(f"the tree has {self.size} leaves, not {size}" + self._cut())
        return size

    def _cut(self) -> str:
        return f"; the first {self.first} were cut off" if self.first else ""

    def _complete(self, height: int, index: int) -> bytes:
        place = index - self._gone[height]
        if place < 0:
            return self._left_out(height, index)
        return bytes(self._levels[height][place * HASH_SIZE : (place + 1) * HASH_SIZE])

    def _left_out(self, height: int, index: int) -> bytes:
        kept = self._kept.get((height, index))
        if kept is not None:
            return kept
        if height >= _BLOCK or index << height < self.first:
            raise IndexError(f"leaf {index << height} was cut off")
        block = index << height >> _BLOCK
        loaded = self._loaded.get(block)
        if loaded is None:
            raise Thinned(block)
        return loaded._complete(height, index - (block << (_BLOCK - height)))  # noqa: SLF001  a tree of its own kind

    def _hash(self, low: int, high: int) -> bytes:
        size = high - low
        if size & (size - 1) == 0:
            # A complete subtree; its left end is a multiple of its size, for the tree splits at powers of two.
            return self._complete(size.bit_length() - 1, low // size)
        middle = low + _split(size)
        return _node(self._hash(low, middle), self._hash(middle, high))

    def _path(self, index: int, low: int, high: int) -> list[bytes]:
        if high - low == 1:
            return []
        middle = low + _split(high - low)
        if index < middle:
            return [*self._path(index, low, middle), self._hash(middle, high)]
        return [*self._path(index, middle, high), self._hash(low, middle)]

    def _subproof(self, old: int, low: int, high: int, *, is_whole: bool) -> list[bytes]:
        if old == high - low:
            return [] if is_whole else [self._hash(low, high)]
        middle = low + _split(high - low)
        if old <= middle - low:
            return [*self._subproof(old, low, middle, is_whole=is_whole), self._hash(middle, high)]
        rest = self._subproof(old - (middle - low), middle, high, is_whole=False)
        return [*rest, self._hash(low, middle)]

    def _outside(self, first: int, end: int, low: int, high: int) -> Iterator[bytes]:
        if high <= first or low >= end:
            yield self._hash(low, high)
        elif low < first or high > end:
            middle = low + _split(high - low)
            yield from self._outside(first, end, low, middle)
            yield from self._outside(first, end, middle, high)


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162, 2.1.3.2: whether the path leads from the leaf at `index` to the root of `size` leaves."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = _node(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = _node(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162, 2.1.4.2: whether the tree of `new` leaves begins with the one of `old` leaves."""
    if not 0 <= old <= new:
        return False
    if old in {0, new}:
        return not proof and (old_root == new_root if old == new else old_root == EMPTY_ROOT)
    nodes = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not nodes:
        return False
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    found_old = found_new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            return False
        if place & 1 or place == last:
            found_old, found_new = _node(node, found_old), _node(node, found_new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found_new = _node(found_new, node)
        place, last = place >> 1, last >> 1
    return last == 0 and found_old == old_root and found_new == new_root


def range_root(leaves: Sequence[bytes], first: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root of `size` leaves of which those from `first` on are `leaves`; None when the proof does not fit."""
    end = first + len(leaves)
    if not (0 <= first < end <= size):
        return None
    rest = iter(proof)

    def hashed(low: int, high: int) -> bytes | None:
        if high <= first or low >= end:
            return next(rest, None)
        if first <= low and high <= end:
            return root_of(leaves[low - first : high - first])
        middle = low + _split(high - low)
        left, right = hashed(low, middle), hashed(middle, high)
        return None if left is None or right is None else _node(left, right)

    root = hashed(0, size)
    return root if next(rest, None) is None else None
