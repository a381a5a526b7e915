"""Reading what the command line names: policy files, JSON documents, traces; `-` is standard input."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from graphsvc.core.policy.document import Policy
from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["read_bytes", "read_files", "read_json", "read_lines", "read_policies", "read_texts"]


def read_bytes(path: str) -> bytes:
    """The bytes of a file or of standard input; BadInput names the file."""
    if path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise BadInput(f"`{path}` does not exist; check the path", field=path) from None
    except IsADirectoryError:
        raise BadInput(f"`{path}` is a folder; name a file", field=path) from None
    except OSError as error:
        raise BadInput(f"`{path}` cannot be read: {error.strerror}", field=path) from None


def read_files(paths: Iterable[str]) -> list[tuple[bytes, str]]:
    """(data, name) of files, with progress; BadInput when standard input is named twice."""
    from graphsvc.cli.output import progress

    named = list(paths)
    if named.count("-") > 1:
        raise BadInput("`-` is given twice; standard input can be read once", field="-")
    files = []
    with progress("reading", len(named)) as advance:
        for path in named:
            files.append((read_bytes(path), path))
            advance()
    return files


def read_json(path: str) -> dict[str, Json]:
    """The one JSON object of a file."""
    data = read_bytes(path)
    try:
        value = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        detail = str(error).removeprefix("JSON is malformed: ")
        if "truncated" in detail:
            detail = f"it ends at byte {len(data)} inside a value"
        raise BadInput(f"`{path}` is not JSON: {detail}; write one object", field=path) from None
    if not isinstance(value, dict):
        raise BadInput(f"`{path}` holds no JSON object; write one object", field=path)
    return value


def read_lines(path: str) -> Iterator[bytes]:
    """The lines of a file, one after the other, however large it is."""
    if path == "-":
        yield from sys.stdin.buffer
        return
    try:
        file: BinaryIO = Path(path).open("rb")  # noqa: SIM115  # opened apart, so that only opening errors are told
    except FileNotFoundError:
        raise BadInput(f"`{path}` does not exist; check the path", field=path) from None
    except OSError as error:
        raise BadInput(f"`{path}` cannot be read: {error.strerror}", field=path) from None
    with file:
        yield from file


def read_texts(paths: Iterable[str | Path]) -> list[tuple[str, str]]:
    """(text, file name) of policy files; a folder stands for the `*.yaml` files in it, sorted."""
    texts = []
    for path in map(Path, paths):
        found: Sequence[Path] = (
            sorted([*path.glob("*.yaml"), *path.glob("*.yml")]) if path.is_dir() else [path]
        )
        if not found:
            raise BadInput(f"`{path}` holds no policy files (*.yaml)", field=str(path))
        for file in found:
            try:
                texts.append((read_bytes(str(file)).decode("utf-8-sig"), str(file)))
            except UnicodeDecodeError as error:
                raise BadInput(
                    f"`{file}` is not UTF-8 text at byte {error.start}; save it as UTF-8"
                ) from None
    return texts


def read_policies(paths: Iterable[str | Path]) -> tuple[Policy, ...]:
    """The checked packs of policy files, in the order in which they act; PolicyError names line and column."""
    from graphsvc.core.policy.load import load_policies

    return load_policies(read_texts(paths))
