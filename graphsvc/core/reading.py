"""Which attributes of a request can be read by rules or by conditions of the graph: never too few.

An attribute is named `context.NAME`, `action.properties.NAME`, `resource.properties.NAME` or `subject.properties.NAME`
by its first name; `NAME` is `*` where a condition takes the whole map, or an entry that only the event tells. Names are
found by the tokens of a condition, not by its meaning: what it mentions counts as read.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from graphsvc.core.policy.condition import EventCondition
from graphsvc.core.policy.document import ActionDeclaration, Policy
from graphsvc.core.policy.expression import parse_path
from graphsvc.core.policy.pattern import Count
from graphsvc.core.policy.scalar import Model

__all__ = ["ROOTS", "Reads", "attributes_of", "read_by_condition", "reads_of"]

ROOTS: Final = ("context", "action.properties", "resource.properties", "subject.properties")
_ENTITIES: Final = frozenset({"action", "resource", "subject"})
# What is looked at whatever the packs say: amounts are added up (`intent_amount`), claims of provenance are checked.
_ALWAYS: Final = frozenset({"action.properties.amount", "action.properties.currency", "context.provenance"})
_TOKEN: Final = re.compile(
    r"""(?P<comment>//[^\n]*)"""
    r"""|(?P<raw>(?:[rR][bB]?|[bB][rR])(?:\"\"\".*?\"\"\"|'''.*?'''|"[^"\n]*"|'[^'\n]*'))"""
    r"""|(?P<text>[bB]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<blank>\s+)|(?P<sign>.)""",
    re.DOTALL,
)
# Words for people, and what is read by a way of its own.
_APART: Final = frozenset({"title", "description", "references", "when", "key", "distinct"})
# Any other text of a file may name an attribute too.
_WRITTEN: Final = re.compile(r"\b(context|(?:action|resource|subject)\.properties)\.([^\W\d]\w*)")


class Reads:
    """What is read. arguments: properties of the action that critical arguments are named after, too."""

    def __init__(self, names: Iterable[str], keys: Iterable[str] = (), *, arguments: bool = False) -> None:
        """keys: of the context, whatever their case."""
        self.names = frozenset(names) | _ALWAYS
        self.arguments = arguments
        self._keys = frozenset(key.lower() for key in keys)
        self._whole = frozenset(root for root in ROOTS if f"{root}.*" in self.names)
        self._of = {
            root: frozenset(
                name.removeprefix(f"{root}.") for name in self.names if name.startswith(f"{root}.")
            )
            for root in ROOTS
        }

    def has(self, root: str, name: str) -> bool:
        """True when something may read the attribute."""
        return (
            root in self._whole
            or name in self._of[root]
            or (bool(self._keys) and root == "context" and name.lower() in self._keys)
        )


def reads_of(
    policies: Iterable[Policy], conditions: Iterable[str], keys: Iterable[str], *, arguments: bool
) -> Reads:
    """What packs read, in force or on trial, and the conditions of the graph; keys: what native ones ask for."""
    names: set[str] = set()
    for policy in policies:
        names |= attributes_of(policy)
    for text in conditions:
        names |= read_by_condition(text)
    return Reads(names, keys, arguments=arguments)


def attributes_of(written: Model) -> frozenset[str]:
    """What a pack, or a part of one, reads of requests."""
    return frozenset(_read(written))


def _read(written: object) -> Iterator[str]:
    if isinstance(written, str):
        yield from (f"{root}.{name}" for root, name in _WRITTEN.findall(written))
        return
    if isinstance(written, EventCondition):
        if written.when is not None:
            yield from read_by_condition(written.when)
        for expression in written.key.values():
            yield from _read_by_key(expression)
    elif isinstance(written, Count) and written.distinct is not None:
        yield from _read_by_key(written.distinct)
    elif isinstance(written, ActionDeclaration):
        yield from (f"action.properties.{name}" for name in (*written.arguments, *written.creates))
    if isinstance(written, Model):
        for name in type(written).model_fields:
            if not (isinstance(written, Policy) and name in {"pack", "tests"}) and name not in _APART:
                yield from _read(getattr(written, name))
    elif isinstance(written, Mapping):
        for each in written.values():
            yield from _read(each)
    elif isinstance(written, tuple | list):
        for each in written:
            yield from _read(each)


def _read_by_key(expression: str) -> Iterator[str]:
    path = parse_path(expression)
    if path[0] == "context":
        yield f"context.{path[1]}"
    elif path[0] in _ENTITIES and path[1] == "properties":
        yield f"{path[0]}.properties.{path[2]}"


@lru_cache(maxsize=8_192)
def read_by_condition(text: str) -> frozenset[str]:
    """What a condition in CEL reads of requests."""
    tokens = [
        (str(found.lastgroup), found.group())
        for found in _TOKEN.finditer(text)
        if found.lastgroup not in {"blank", "comment"}
    ]
    if any(kind == "sign" and word in "\"'" for kind, word in tokens):
        return frozenset(f"{root}.*" for root in ROOTS)
    read: set[str] = set()
    for at, (kind, word) in enumerate(tokens):
        if kind != "name" or (word != "context" and word not in _ENTITIES) or _is_field(tokens, at):
            continue
        name, after = _entry(tokens, at + 1)
        if word == "context":
            read.add(f"context.{name}")
        elif name == "*":
            read.add(f"{word}.properties.*")
        elif name == "properties":
            read.add(f"{word}.properties.{_entry(tokens, after)[0]}")
    return frozenset(read)


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
