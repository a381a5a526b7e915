"""Whatever is done to an export, both verifiers find it; one of them shares no line with the product."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest

from graphsvc.audit_verify import Fault, check
from graphsvc.core.audit.bundle import check_bundle
from graphsvc.core.audit.note import VerifierKey
from graphsvc.decide.bundle import read_bundle
from tests.audit.conftest import live
from tests.cli.command import graphsvc

FAULTS = 1_000
Members = dict[str, bytes]


def flip(members: Members, rng: random.Random, name: str = "records.jsonl") -> None:
    """One bit of one byte."""
    content = bytearray(members[name])
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    members[name] = bytes(content)


def lines_of(members: Members) -> list[bytes]:
    return members["records.jsonl"].splitlines(keepends=True)


def put(members: Members, lines: list[bytes]) -> None:
    members["records.jsonl"] = b"".join(lines)


def remove(members: Members, rng: random.Random) -> None:
    lines = lines_of(members)
    del lines[rng.randrange(len(lines))]
    put(members, lines)


def swap(members: Members, rng: random.Random) -> None:
    lines = lines_of(members)
    one, other = rng.sample(range(len(lines)), 2)
    lines[one], lines[other] = lines[other], lines[one]
    put(members, lines)


def truncate(members: Members, rng: random.Random) -> None:
    put(members, lines_of(members)[: -rng.randint(1, 10)])


def cut(members: Members, rng: random.Random) -> None:
    content = members["records.jsonl"]
    members["records.jsonl"] = content[: rng.randrange(len(content))]


def repeat(members: Members, rng: random.Random) -> None:
    lines = lines_of(members)
    lines.insert(rng.randrange(len(lines)), rng.choice(lines))
    put(members, lines)


def rewrite(members: Members, rng: random.Random) -> None:
    """A record that says something else and is canonical all the same."""
    lines = lines_of(members)
    place = rng.choice([number for number, line in enumerate(lines) if b'"verdict":"DENY"' in line])
    lines[place] = lines[place].replace(b"DENY", b"PERMIT")
    put(members, lines)


def checkpoint(members: Members, rng: random.Random) -> None:
    flip(members, rng, "checkpoint.txt")


def shift(members: Members, rng: random.Random) -> None:
    """Other numbers for the same records."""
    proofs = json.loads(members["proofs.json"])
    by = rng.choice([-1, 1, 2])
    proofs["first"] += by
    proofs["last"] += by
    members["proofs.json"] = json.dumps(proofs).encode()


FAULT: list[Callable[[Members, random.Random], None]] = [
    flip, flip, flip, remove, swap, truncate, cut, repeat, rewrite, checkpoint, shift,
]  # fmt: skip


def relist(members: Members) -> None:
    """What an attacker adds: leaves and counts that fit the changed records."""
    leaves = [sha256(b"\x00" + line.rstrip(b"\n")).digest() for line in lines_of(members)]
    members["leaves.txt"] = b"".join(base64.b64encode(leaf) + b"\n" for leaf in leaves)
    proofs = json.loads(members["proofs.json"])
    proofs["last"] = proofs["first"] + len(leaves) - 1
    members["proofs.json"] = json.dumps(proofs).encode()


def found_by_product(path: Path, members: Members, key: str) -> bool:
    for name, content in members.items():
        (path / name).write_bytes(content)
    read = read_bundle(path)
    checked = check_bundle(
        read.leaves, read.listed, read.checkpoint, read.keys, read.proofs, VerifierKey.parse(key)
    )
    return bool(checked.problems or read.problems)


def found_alone(members: Members, key: str) -> bool:
    try:
        check(lambda name: BytesIO(members[name]), key)
    except (Fault, UnicodeError):
        return True
    return False


@pytest.mark.parametrize("part", [(), ("--from", "2096-10-02T07:06:42Z", "--to", "2096-10-02T07:07:10Z")])
def test_every_fault_is_found(folder: Path, part: tuple[str, ...]) -> None:
    """1,000 random faults in a whole export and in a part of one, half of them covered up as well as can be."""
    live(3, 10)
    assert graphsvc("audit", "export", "-o", "ex", *part).code == 0
    key = graphsvc("audit", "key").out.strip()
    genuine = {path.name: path.read_bytes() for path in Path("ex").iterdir()}
    assert len(lines_of(genuine)) >= 8
    assert bool(part) is (json.loads(genuine["proofs.json"])["range_proof"] != [])
    assert not found_by_product(folder / "ex", genuine, key)
    assert not found_alone(genuine, key)
    rng = random.Random(4711)
    missed: list[tuple[int, str]] = []
    done = 0
    while done < FAULTS:
        members = dict(genuine)
        fault = rng.choice(FAULT)
        fault(members, rng)
        if members == genuine:
            continue
        done += 1
        if rng.random() < 0.5 and fault is not shift:
            relist(members)
        found = found_by_product(folder / "ex", members, key), found_alone(members, key)
        if found != (True, True):
            missed.append((done, fault.__name__))
    assert missed == []


def test_a_changed_record_is_named(folder: Path) -> None:
    """With the leaves in place the check says which record it was."""
    assert graphsvc("audit", "export", "-o", "ex").code == 0
    lines = Path("ex/records.jsonl").read_bytes().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if b'"verdict":"DENY"' in line)
    lines[place] = lines[place].replace(b"DENY", b"PERMIT")
    Path("ex/records.jsonl").write_bytes(b"".join(lines))
    ended = graphsvc("audit", "verify", "ex", "--format", "json")
    assert ended.code == 1
    assert ended.json()[0]["changed"] == [place + 1]
    del lines[place]
    Path("ex/records.jsonl").write_bytes(b"".join(lines))
    assert graphsvc("audit", "verify", "ex", "--format", "json").json()[0]["changed"] == [place + 1]
