"""The tree against the recursive definitions of RFC 9162, written down plainly, and against published vectors."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256

import pytest

from graphsvc.core.audit.merkle import (
    EMPTY_ROOT,
    Thinned,
    Tree,
    frontier_root,
    is_consistent,
    is_included,
    range_root,
    root_of,
)

# The reference vectors that certificate transparency implementations share: leaves, and the roots of 1 to 8 of them.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def leaf(data: bytes) -> bytes:
    return sha256(b"\x00" + data).digest()


def mth(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 9162, 2.1.3.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def tree_of(leaves: list[bytes], *, parts: int = 1) -> Tree:
    tree = Tree()
    step = max(1, len(leaves) // parts)
    for start in range(0, len(leaves), step):
        tree.extend(b"".join(leaves[start : start + step]))
    return tree


def some(count: int) -> list[bytes]:
    return [leaf(number.to_bytes(4, "big")) for number in range(count)]


def test_published_roots() -> None:
    """The roots of 1 to 8 leaves are those that every implementation gives."""
    leaves = [leaf(bytes.fromhex(each)) for each in LEAVES]
    for size, root in enumerate(ROOTS, 1):
        assert root_of(leaves[:size]).hex() == root
        assert tree_of(leaves).root(size).hex() == root
    assert Tree().root() == EMPTY_ROOT == mth([])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 9, 31, 64, 65, 100])
def test_every_proof_is_the_one_of_the_rfc(count: int) -> None:
    """Roots, inclusion paths and consistency of every size and place; a wrong place or size is refused."""
    leaves = some(count)
    tree = tree_of(leaves, parts=5)
    for size in range(1, count + 1):
        root = mth(leaves[:size])
        assert tree.root(size) == root == root_of(leaves[:size])
        for index in range(size):
            proof = tree.inclusion(index, size)
            assert proof == path(index, leaves[:size])
            assert is_included(leaves[index], index, size, proof, root)
            assert not is_included(leaves[index - 1], index, size, proof, root) or size == 1
            assert not is_included(leaves[index], index + 1, size, proof, root) or size == 1
        for old in range(size + 1):
            proof = tree.consistency(old, size)
            assert is_consistent(old, size, mth(leaves[:old]), root, proof)
            if 0 < old < size:
                assert not is_consistent(old, size, leaf(b"other"), root, proof)
                assert not is_consistent(old, size, mth(leaves[:old]), leaf(b"other"), proof)
                assert not is_consistent(old, size, mth(leaves[:old]), root, proof[:-1])
                assert not is_consistent(old, size, mth(leaves[:old]), root, [*proof, root])


def test_a_range_leads_to_the_root() -> None:
    """Any run of leaves with its proof gives the root; with anything else about it, it does not."""
    random_ = random.Random(7)
    leaves = some(77)
    tree = tree_of(leaves, parts=9)
    for _ in range(800):
        size = random_.randint(1, 77)
        first = random_.randrange(size)
        end = random_.randint(first + 1, size)
        proof = tree.range_proof(first, end, size)
        root = mth(leaves[:size])
        assert range_root(leaves[first:end], first, size, proof) == root
        assert len(proof) <= 2 * size.bit_length()
        if size > 1:
            assert range_root(leaves[first : end - 1], first, size, proof) != root
            assert range_root(leaves[first:end], first + 1, size, proof) != root
            swapped = leaves[first:end][::-1]
            assert end - first == 1 or range_root(swapped, first, size, proof) != root
        assert range_root(leaves[first:end], first, size, [*proof, root]) is None


def test_what_is_not_there_has_no_proof() -> None:
    """A place or size beyond the tree is an error, never a proof."""
    tree = tree_of(some(5))
    for ask in (
        lambda: tree.inclusion(5),
        lambda: tree.inclusion(0, 6),
        lambda: tree.consistency(6),
        lambda: tree.root(6),
        lambda: tree.range_proof(2, 2),
    ):
        with pytest.raises(IndexError):
            ask()


@pytest.mark.parametrize("gone", [1, 2, 3, 7, 8, 12, 31, 32, 45])
def test_a_tree_whose_oldest_leaves_were_cut_off_proves_the_rest(gone: int) -> None:
    """From the hashes of the largest subtrees alone: every root, path, range and consistency proof of later sizes."""
    leaves = [leaf(bytes([number])) for number in range(64)]
    whole = tree_of(leaves)
    frontier = whole.frontier(gone)
    assert frontier_root(frontier) == mth(leaves[:gone])
    cut = Tree(gone, frontier)
    for at in range(gone, 64, 5):
        cut.extend(b"".join(leaves[at : at + 5]))
    for size in range(gone, 65):
        assert cut.root(size) == mth(leaves[:size])
        assert cut.frontier(size) == whole.frontier(size)
        for old in range(gone, size + 1):
            assert cut.consistency(old, size) == whole.consistency(old, size)
        for index in range(gone, size):
            assert cut.inclusion(index, size) == path(index, leaves[:size])
            assert cut.range_proof(index, size, size) == whole.range_proof(index, size, size)


def test_of_what_was_cut_off_nothing_is_proved() -> None:
    """Leaves, roots and ranges of before are refused, never made up."""
    whole = tree_of([leaf(bytes([number])) for number in range(20)])
    cut = Tree(13, whole.frontier(13))
    cut.extend(b"".join(whole.leaf(index) for index in range(13, 20)))
    for asked in (
        lambda: cut.leaf(11),
        lambda: cut.root(12),
        lambda: cut.inclusion(12),
        lambda: cut.consistency(12, 20),
        lambda: cut.range_proof(12, 20),
    ):
        with pytest.raises(IndexError, match="cut off"):
            asked()


@pytest.mark.parametrize("gone", [0, 300, 512, 700])
def test_a_thinned_tree_says_the_same_once_blocks_are_loaded(gone: int) -> None:
    """Every root, path and proof, of a tree that was cut off as well; leaves that are not the ones of before are not taken."""
    leaves = [leaf(number.to_bytes(2, "big")) for number in range(1_300)]
    whole = tree_of(leaves)
    thin = Tree(gone, whole.frontier(gone))
    for at in range(gone, 1_300, 97):
        thin.extend(b"".join(leaves[at : at + 97]))
        thin.thin()
    assert not thin.load(gone // 256 + 1, bytes(32 * 256))

    def asked(ask: Callable[[Tree], object]) -> object:
        for _ in range(9):
            try:
                return ask(thin)
            except Thinned as missing:
                first = missing.block * 256
                thin.load(missing.block, b"".join(leaves[first : first + 256]))
        raise AssertionError("too many blocks for one answer")

    chance = random.Random(gone)
    for _ in range(300):
        size = chance.randrange(gone + 1, 1_301)
        old, index = chance.randrange(gone or 1, size + 1), chance.randrange(gone, size)
        for ask in (
            lambda tree, size=size: tree.root(size),
            lambda tree, index=index: tree.leaf(index),
            lambda tree, old=old, size=size: tree.consistency(old, size),
            lambda tree, index=index, size=size: tree.inclusion(index, size),
            lambda tree, index=index, size=size: tree.range_proof(index, size, size),
        ):
            assert asked(ask) == ask(whole)


def test_only_so_many_blocks_stay_loaded() -> None:
    """A block that was loaded long before others has to be loaded again: proofs over a long log cost no memory for ever."""
    leaves = [leaf(number.to_bytes(2, "big")) for number in range(40 * 256)]
    thin = Tree()
    thin.extend(b"".join(leaves))
    thin.thin()
    for block in range(34):
        assert thin.load(block, b"".join(leaves[block * 256 : block * 256 + 256]))
    with pytest.raises(Thinned):
        thin.leaf(3)
    assert thin.leaf(33 * 256) == leaves[33 * 256]


def test_no_subtrees_are_an_empty_log() -> None:
    """The root over nothing is the one of RFC 6962."""
    assert frontier_root(()) == EMPTY_ROOT == Tree().root()
