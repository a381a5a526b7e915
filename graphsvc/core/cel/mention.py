"""Which attributes of a request a condition in CEL reads: never too few.

An attribute is named `context.NAME`, `action.properties.NAME`, `resource.properties.NAME` or `subject.properties.NAME`
by its first name; `NAME` is `*` where a condition takes the whole map, or an entry that only the event tells. Names are
found by the tokens of a condition, not by its meaning: what it mentions counts as read.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from typing import Final

__all__ = ["ENTITIES", "ROOTS", "asks_presence", "read_by_condition"]

ROOTS: Final = ("context", "action.properties", "resource.properties", "subject.properties")
ENTITIES: Final = frozenset({"action", "resource", "subject"})
_TOKEN: Final = re.compile(
    r"""(?P<comment>//[^\n]*)"""
    r"""|(?P<raw>(?:[rR][bB]?|[bB][rR])(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*'))"""
    r"""|(?P<text>[bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<blank>\s+)|(?P<sign>.)""",
    re.DOTALL,
)


@lru_cache(maxsize=8_192)
def read_by_condition(text: str) -> frozenset[str]:
    """What a condition in CEL reads of requests."""
    tokens = _tokens(text)
    if any(kind == "sign" and word in "\"'" for kind, word in tokens):
        return frozenset(f"{root}.*" for root in ROOTS)
    read: set[str] = set()
    for at, (kind, word) in enumerate(tokens):
        if kind != "name" or (word != "context" and word not in ENTITIES) or _is_field(tokens, at):
            continue
        name, after = _entry(tokens, at + 1)
        if word == "context":
            read.add(f"context.{name}")
        elif name == "*":
            read.add(f"{word}.properties.*")
        elif name == "properties":
            read.add(f"{word}.properties.{_entry(tokens, after)[0]}")
    return frozenset(read)


def asks_presence(text: str) -> bool:
    """Whether it asks, by `has`, if an attribute is there."""
    return ("name", "has") in _tokens(text)


def _tokens(text: str) -> list[tuple[str, str]]:
    return [
        (str(found.lastgroup), found.group())
        for found in _TOKEN.finditer(text)
        if found.lastgroup not in {"blank", "comment"}
    ]


def _is_field(tokens: list[tuple[str, str]], at: int) -> bool:
    """True for the name of a field of something, as in `resource.properties.context`."""
    if at < 2 or tokens[at - 1] != ("sign", "."):
        return False
    kind, word = tokens[at - 2]
    return kind in {"name", "text", "raw"} or word in ")]"


def _entry(tokens: list[tuple[str, str]], at: int) -> tuple[str, int]:
    """The name of the entry that is taken here, `*` when it cannot be told; and where it goes on."""
    words = tokens[at : at + 3]
    if len(words) >= 2 and words[0] == ("sign", ".") and words[1][0] == "name":
        is_call = len(words) == 3 and words[2] == ("sign", "(")
        return ("*", at) if is_call else (words[1][1], at + 2)
    if (
        len(words) == 3
        and words[0] == ("sign", "[")
        and words[1][0] in {"text", "raw"}
        and words[2] == ("sign", "]")
    ):
        name = _literal(*words[1])
        if name is not None:
            return name, at + 3
    return "*", at


def _literal(kind: str, word: str) -> str | None:
    """The text of a plain literal; None where its meaning here and there may differ."""
    if kind == "raw" or "\\" in word or word[0] in "bB":
        return None
    try:
        found = ast.literal_eval(word)
    except (SyntaxError, ValueError):
        return None
    return found if isinstance(found, str) else None
