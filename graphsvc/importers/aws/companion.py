"""Inputs that go with an account dump: what caps an account, what its resources allow, what exists, who is in session."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.text import decode_json

__all__ = ["Companions", "File", "listed"]

# Content and name, as errors show it.
File = tuple[bytes | str, str]


class Companions(msgspec.Struct, frozen=True, kw_only=True):
    """organization: trees of service control policies. resource_policies: `[{Resource, Policy, Account}]`.

    targets: what exists and as what it runs. sessions: `[{Session, Policy, PolicyArns}]`, sessions with their own policies.
    """

    organization: Sequence[File] = ()
    resource_policies: Sequence[File] = ()
    targets: Sequence[File] = ()
    sessions: Sequence[File] = ()


def listed(files: Sequence[File], what: str) -> list[tuple[str, dict[str, Json]]]:
    """The objects of files that hold a list each, with their places; BadInput names the file and the form."""
    found: list[tuple[str, dict[str, Json]]] = []
    for data, file in files:
        value = decode_json(data, file)
        for index, entry in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(entry, dict):
                raise BadInput(f"{file}[{index}]: must be an object: {what}", field=f"{file}[{index}]")
            found.append((f"{file}[{index}]", entry))
    return found
