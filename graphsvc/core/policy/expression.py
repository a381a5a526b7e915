"""Key expressions such as `resource.id` or `context.vendor_id`: their grammar and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final, TypeAlias

__all__ = ["PATTERN", "ROOTS", "ExpressionError", "Path", "parse_path"]

Path: TypeAlias = tuple[str, ...]

# What may follow each root; None = any name, but at least one. An empty name stands for the root alone.
ROOTS: Final[dict[str, frozenset[str] | None]] = {
    "subject": frozenset({"id", "type", "kind", "properties"}),
    "resource": frozenset({"id", "type", "tier", "properties"}),
    "action": frozenset({"name", "properties"}),
    "context": None,
    "chain": frozenset({"", "id"}),
    "session": frozenset({"", "id"}),
    "principal": frozenset({"", "id"}),
}
# These are values themselves, so nothing lies below them.
_LEAVES: Final = frozenset({"id", "type", "kind", "tier", "name"})
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def _forms() -> Iterable[str]:
    more = rf"(\.{_NAME.pattern})"
    for root, allowed in ROOTS.items():
        if allowed is None:
            yield rf"{root}{more}+"
            continue
        leaves = "|".join(sorted(allowed & _LEAVES))
        yield rf"{root}\.({leaves})"
        if "" in allowed:
            yield root
        if "properties" in allowed:
            yield rf"{root}\.properties{more}+"


# The same grammar as one regular expression, for JSON Schema.
PATTERN: Final = f"^({'|'.join(_forms())})$"


class ExpressionError(ValueError):
    """A key expression is malformed; `offset` counts characters from the start of the text."""

    def __init__(self, message: str, *, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def parse_path(text: str) -> Path:
    """The names of a key expression: `resource.properties.owner` -> `("resource", "properties", "owner")`.

    The first name is one of ROOTS. Raises ExpressionError at the first character that does not fit.
    """
    names: list[str] = []
    starts: list[int] = []
    at = 0
    while True:
        found = _NAME.match(text, at)
        if found is None:
            raise ExpressionError(_malformed(text, at), offset=at)
        names.append(found.group())
        starts.append(at)
        at = found.end()
        if at == len(text):
            break
        if text[at] != ".":
            raise ExpressionError(
                f"`{text}` has an unexpected `{text[at]}`; write names joined by dots, such as `resource.id`",
                offset=at,
            )
        at += 1
    _check_names(text, names, starts)
    return tuple(names)


def _malformed(text: str, at: int) -> str:
    if not text:
        return "an empty expression; write a path such as `resource.id`"
    if at == len(text):
        return f"`{text}` ends with a dot; write the name that follows, such as `resource.id`"
    return f"`{text}` has an unexpected `{text[at]}`; write names joined by dots, such as `resource.id`"


def _check_names(text: str, names: list[str], starts: list[int]) -> None:
    root = names[0]
    if root not in ROOTS:
        raise ExpressionError(
            f"`{text}` starts with `{root}`; start with {_listed(ROOTS)}{_suggest(root, ROOTS)}", offset=0
        )
    allowed = ROOTS[root]
    if allowed is None:
        if len(names) == 1:
            raise ExpressionError(f"`{text}` is not a value; name one of its fields: `{root}.NAME`", offset=0)
        return
    if len(names) == 1:
        if "" not in allowed:
            raise ExpressionError(
                f"`{text}` is not a value; name one of its fields: {_listed(f'{root}.{n}' for n in allowed)}",
                offset=0,
            )
        return
    if names[1] not in allowed:
        known = sorted(allowed - {""})
        raise ExpressionError(
            f"`{root}` has no `{names[1]}`; it has {_listed(known)}{_suggest(names[1], known)}",
            offset=starts[1],
        )
    if names[1] == "properties" and len(names) == 2:
        raise ExpressionError(f"`{text}` is not a value; name a property: `{text}.NAME`", offset=0)
    if names[1] in _LEAVES and len(names) > 2:
        raise ExpressionError(
            f"`{root}.{names[1]}` is a plain value and has no `{names[2]}`; use `{root}.{names[1]}`",
            offset=starts[2],
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names))


def _suggest(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
