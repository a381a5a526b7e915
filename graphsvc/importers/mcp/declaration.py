"""What a deployer says of tools; a server's own annotations may make that stricter, never milder.

    [tools.send_email]
    effects = ["send"]
    labels = ["untrusted"]                        # of what it returns
    arguments = {to = "destination", body = "content"}

Source of the annotations: the Model Context Protocol, `ToolAnnotations`, which says itself that clients
must not trust them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import msgspec

from graphsvc.core.policy.scalar import ArgumentRole, Effect
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.settings_text import read_settings

__all__ = ["EFFECTS", "Declaration", "meaning", "read_declarations"]

EFFECTS: tuple[str, ...] = get_args(Effect)
_ROLES: tuple[str, ...] = get_args(ArgumentRole)
# What an annotation adds when it is true (or, for readOnlyHint, false). None takes anything away.
_ADDS = {"destructiveHint": ("destroy",), "openWorldHint": ("fetch", "send")}


class Declaration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Effects, labels of the result, and roles of arguments, as in `actions` of a policy file."""

    effects: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    arguments: dict[str, str] = {}


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    tools: dict[str, Declaration]


def read_declarations(data: bytes | str, file: str) -> dict[str, Declaration]:
    """Declarations by tool name, of a TOML or YAML file; BadInput names what is wrong in it."""
    try:
        found = msgspec.convert(read_settings(data, file), _File).tools
    except msgspec.ValidationError as error:
        raise BadInput(f"`{file}`: {error}; see docs/importers.md", field=file) from None
    for tool, declared in found.items():
        if not declared.effects:
            raise BadInput(f"`{file}`: tools.{tool}.effects: name at least one effect", field=f"tools.{tool}")
        for effect in declared.effects:
            _check(effect, EFFECTS, file, f"tools.{tool}.effects")
        for name, role in declared.arguments.items():
            _check(role, _ROLES, file, f"tools.{tool}.arguments.{name}")
    return found


def _check(value: str, known: tuple[str, ...], file: str, place: str) -> None:
    if value not in known:
        raise BadInput(f"`{file}`: {place}: `{value}` is none of {', '.join(known)}", field=place)


def meaning(
    declared: Declaration | None, annotations: Mapping[str, Json], arguments: list[str]
) -> Declaration:
    """What a tool means.

    A tool that nobody declared may have every effect, returns foreign and private text, and each of its
    arguments may name a destination; so does an argument that a declaration leaves out.
    """
    if declared is None:
        declared = Declaration(effects=EFFECTS, labels=("sensitive", "untrusted"))
    effects = {*declared.effects}
    labels = {*declared.labels}
    for name, added in _ADDS.items():
        if annotations.get(name) is True:
            effects |= {*added}
    if annotations.get("openWorldHint") is True:
        labels.add("untrusted")
    if annotations.get("readOnlyHint") is False:
        effects.add("modify")
    return Declaration(
        effects=tuple(effect for effect in EFFECTS if effect in effects),
        labels=tuple(sorted(labels)),
        arguments={**dict.fromkeys(sorted(arguments), "destination"), **declared.arguments},
    )
