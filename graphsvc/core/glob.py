"""Globs over names: `*` and `?` are the only wildcards and match any characters (rule R20)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

__all__ = ["is_literal", "literal_length", "matcher", "matches"]


def is_literal(pattern: str) -> bool:
    """True when the pattern holds no wildcard."""
    return "*" not in pattern and "?" not in pattern


def literal_length(pattern: str) -> int:
    """How many characters of the pattern are not wildcards: the measure of being specific."""
    return sum(1 for char in pattern if char not in "*?")


def matcher(patterns: Iterable[str], *, fold: bool = False) -> Callable[[str], bool]:
    """A test that is true for a name when any pattern matches it whole.

    fold: compare case-folded. No patterns match nothing. Case matters otherwise.
    """
    wanted = [pattern.lower() if fold else pattern for pattern in patterns]
    exact = frozenset(pattern for pattern in wanted if is_literal(pattern))
    wild = [pattern for pattern in wanted if not is_literal(pattern)]
    if "*" in wild:
        return lambda _name: True
    if not exact and not fold and len(wild) == 1 and is_literal(wild[0][:-1]) and wild[0].endswith("*"):
        # The commonest form by far, `type:*`: a third of the cost of a regular expression.
        prefix = wild[0][:-1]
        return lambda name: name.startswith(prefix)
    found = re.compile("|".join(map(_regex, wild)), re.DOTALL).fullmatch if wild else None

    def test(name: str) -> bool:
        name = name.lower() if fold else name
        return name in exact or (found is not None and found(name) is not None)

    return test


def matches(pattern: str, name: str) -> bool:
    """True when `pattern` matches all of `name`."""
    return matcher([pattern])(name)


def _regex(pattern: str) -> str:
    # Runs of `*` are one `.*`: many of them side by side would make the match exponential.
    parts = re.split(r"(\*+|\?)", pattern)
    translated = (".*" if part[:1] == "*" else "." if part == "?" else re.escape(part) for part in parts)
    return f"(?:{''.join(translated)})"
