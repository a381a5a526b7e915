"""Which names a CEL condition mentions, read from its text without compiling it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["foreign_steps", "has_ordering"]

KNOWN_ROOTS: Final = frozenset(
    {"subject", "resource", "action", "context", "principals", "chain", "session", "time", "now"}
)
_STRING: Final = re.compile(
    r"""[rRbB]{0,2}(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", re.DOTALL
)
_ROOT: Final = re.compile(r"(?<![\w.])([A-Za-z_]\w*)\s*\.\s*(?=[A-Za-z_])")
_BOUND: Final = re.compile(r"\.\s*(?:all|exists|exists_one|map|filter)\s*\(\s*([A-Za-z_]\w*)\s*,")
_ORDERING: Final = re.compile(r"[<>]|!=")


def foreign_steps(text: str, steps: Iterable[str]) -> tuple[str, ...]:
    """The steps whose name the condition uses as if it were a variable, in order of appearance."""
    bare = _STRING.sub('""', text)
    local = set(_BOUND.findall(bare)) | KNOWN_ROOTS
    known = set(steps) - local
    return tuple(dict.fromkeys(name for name in _ROOT.findall(bare) if name in known))


def has_ordering(text: str) -> bool:
    """True when the condition compares by anything but equality."""
    return _ORDERING.search(_STRING.sub('""', text)) is not None
