"""Exports made to hurt whoever checks them: refused in one line, before they cost memory."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

from graphsvc import audit_verify
from tests.audit.test_command import alone
from tests.cli.command import graphsvc

_MEMBERS = ("records.jsonl", "leaves.txt", "checkpoint.txt", "keys.json", "proofs.json")
_BOMB_BYTES = 17 * 2**20


def _without(name: str) -> zipfile.ZipFile:
    """The export `whole.zip` again as `bad.zip`, open, but for one member."""
    made = zipfile.ZipFile("bad.zip", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile("whole.zip") as whole:
        for member in _MEMBERS:
            if member != name:
                made.writestr(member, whole.read(member))
    return made


def _bomb(name: str) -> None:
    """A member of few bytes that unpacks to more than any can be, without a line end."""
    with _without(name) as made, made.open(name, "w") as member:
        for _ in range(_BOMB_BYTES // 2**20):
            member.write(bytes(2**20))


def _flagged(place: int, value: bytes) -> None:
    """A header of the archive says something else of its first member."""
    shutil.copy("whole.zip", "bad.zip")
    content = bytearray(Path("bad.zip").read_bytes())
    for mark, shift in ((b"PK\3\4", 0), (b"PK\1\2", 2)):
        at = content.index(mark) + place + shift
        content[at : at + len(value)] = value
    Path("bad.zip").write_bytes(content)


def _garbled() -> None:
    """The packed bytes of the first member make no sense, and its check sum is never reached."""
    shutil.copy("whole.zip", "bad.zip")
    with zipfile.ZipFile("bad.zip") as file:
        first = file.infolist()[0]
    content = bytearray(Path("bad.zip").read_bytes())
    at = first.header_offset + 30 + len(first.filename)
    content[at : at + 20] = b"\xff" * 20
    Path("bad.zip").write_bytes(content)


_WAYS: dict[str, Callable[[], None]] = {
    **{f"{name} is a bomb": (lambda name=name: _bomb(name)) for name in _MEMBERS},  # type: ignore[misc]
    "says that it is encrypted": lambda: _flagged(6, b"\1\0"),
    "names a method that nobody knows": lambda: _flagged(8, b"\x63\0"),
    "is no deflate stream": _garbled,
}


def test_each_is_refused_in_one_line(folder: Path) -> None:
    """By the command, as no export, and by the script alone."""
    assert graphsvc("audit", "export", "-o", "whole.zip").code == 0
    shutil.copy(audit_verify.__file__, "audit_verify.py")
    for way, make in _WAYS.items():
        make()
        ended = graphsvc("audit", "verify", "bad.zip")
        assert (ended.code, len(ended.err.splitlines())) == (2, 1), (way, ended)
        assert ("larger than" in ended.err) == way.endswith("bomb")
        told = alone("bad.zip")
        assert told.returncode in {1, 2}, (way, told)
        assert len((told.stdout + told.stderr).splitlines()) == 1, (way, told)
