"""The text of a policy file: YAML into plain values, with the line and column of every key and value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Final, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
)
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from graphsvc.core.value import Json
from graphsvc.errors import PolicyError

__all__ = ["MAX_BYTES", "Parsed", "Place", "Source", "may_be_empty", "parse"]

MAX_BYTES: Final = 1 << 20
MAX_DEPTH: Final = 40
# Aliases may multiply nodes; a file of one MiB without them stays far below this.
MAX_NODES: Final = 600_000

Place: TypeAlias = tuple[str | int, ...]
_HINTS: Final = {
    "\\t": "; indent with blanks, not tabs",
    "undefined alias": "; name it before by `&`, or quote the text",
    "expected": "",
}
_PREFIX: Final = "tag:yaml.org,2002:"
# Only inside these parts may a value be empty (JSON null); elsewhere the reader reports it.
_FREE_SECTIONS: Final = frozenset[str]()
_FREE_KEYS: Final = frozenset({"properties", "context", "nodes", "edges", "arguments", "intent"})


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a part begins: line and column of its key (or list item) and of its value, from 1.

    offset: columns between the value's mark and its first character (a quote), None when the text
    is folded or escaped, so that columns inside it mean nothing.
    """

    line: int
    column: int
    value_line: int
    value_column: int
    offset: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The text a policy came from. `sha256` is of its UTF-8 bytes, in hex; empty when built in memory."""

    file: str = "<policy>"
    sha256: str = ""
    text: str = field(default="", repr=False)
    marks: Mapping[Place, Mark] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def at(self, *place: str | int) -> tuple[int, int]:
        """Line and column of the key (or list item) at a place, or of the nearest part around it."""
        mark = self.nearest(place)
        return (mark.line, mark.column)

    def value_at(self, *place: str | int, offset: int = 0) -> tuple[int, int]:
        """Line and column of the value at a place; offset: characters into the value's text."""
        mark = self.nearest(place)
        inside = mark.offset + offset if mark.offset is not None and offset else 0
        return (mark.value_line, mark.value_column + inside)

    def inside(self, *place: str | int, line: int, column: int) -> tuple[int, int]:
        """Where a line and column within the text at a place are in the file.

        Of a text that is folded, escaped or written below its key it is only where the text begins.
        """
        mark = self.nearest(place)
        if mark.offset is None or line > 1:
            return (mark.value_line, mark.value_column)
        return (mark.value_line, mark.value_column + mark.offset + column - 1)

    def nearest(self, place: Place) -> Mark:
        """The mark of a place, or of what stands for it: short forms leave out indexes and names."""
        found: Place = ()
        for part in place:
            if (*found, part) in self.marks:
                found = (*found, part)
        return self.marks.get(found, Mark(1, 1, 1, 1))


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file as plain values. problems: what is wrong with the YAML itself; then `value` may be partial."""

    value: Json
    source: Source
    problems: tuple[PolicyError, ...]


def may_be_empty(place: Place) -> bool:
    """True inside what is kept as written, where JSON null is a value like any other."""
    if len(place) < 2:
        return False
    return place[0] in _FREE_SECTIONS or (
        place[0] == "tests"
        and not _FREE_KEYS.isdisjoint(part for part in place[1:-1] if isinstance(part, str))
    )


def parse(text: str, file: str) -> Parsed:
    """Read YAML. Never raises: syntax errors, duplicate keys and limits are in `problems`."""
    source = Source(file=file, sha256=sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), text=text)
    try:
        _refuse_monsters(text, file)
        node = YAML(typ="rt", pure=True).compose(text)
    except PolicyError as error:
        return Parsed(None, source, (error,))
    except MarkedYAMLError as error:
        return Parsed(None, source, (_syntax_error(error, file),))
    except (YAMLError, ValueError) as error:
        reason = str(error).splitlines()[0].strip().lower()
        return Parsed(None, source, (PolicyError(f"not YAML: {reason}; remove it", file=file, rule="yaml"),))
    if node is None:
        message = "the file is empty; start with `graphsvc: 1` and a `pack`"
        return Parsed(None, source, (PolicyError(message, file=file, rule="yaml"),))
    reader = _Reader(file)
    value = reader.read(node, (), None)
    marked = Source(file, source.sha256, text, MappingProxyType(reader.marks))
    return Parsed(value, marked, tuple(reader.problems))


def _refuse_monsters(text: str, file: str) -> None:
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise PolicyError("the file is larger than 1 MiB; split it into packs", file=file, rule="too_large")
    depth = 0
    documents = 0
    for event in YAML(typ="rt", pure=True).parse(text):
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        elif isinstance(event, DocumentStartEvent):
            documents += 1
        mark = event.start_mark
        if depth > MAX_DEPTH or documents > 1:
            message = (
                "a second document; keep one policy in a file"
                if documents > 1
                else f"nested more than {MAX_DEPTH} levels deep; flatten it"
            )
            raise PolicyError(message, file=file, line=mark.line + 1, column=mark.column + 1, rule="yaml")


def _syntax_error(error: MarkedYAMLError, file: str) -> PolicyError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    parts = [part for part in (error.problem, error.context) if part]
    reason = ", ".join(part.splitlines()[0].strip() for part in parts).replace("'", "`") or "cannot be read"
    hint = next((hint for part, hint in _HINTS.items() if part in reason), "; correct it here or just above")
    return PolicyError(f"not YAML: {reason}{hint}", file=file, line=line, column=column, rule="yaml")


class _Reader:
    """Turns composed nodes into plain values, and remembers where each was."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[Place, Mark] = {}
        self.problems: list[PolicyError] = []
        self._nodes = 0
        self._open: set[int] = set()

    def read(self, node: Node, place: Place, key: Node | None) -> Json:
        """The value of a node; `key` is the key it belongs to, None for list items and the whole."""
        self._nodes += 1
        if self._nodes > MAX_NODES or id(node) in self._open:
            if not any(problem.rule == "alias" for problem in self.problems):
                self._problem(node, "aliases repeat more than is allowed; write the parts out", "alias")
            return None
        self._mark(node, place, key)
        if isinstance(node, ScalarNode):
            return self._scalar(node, place, key)
        self._open.add(id(node))
        try:
            if isinstance(node, SequenceNode):
                return [self.read(item, (*place, index), None) for index, item in enumerate(node.value)]
            assert isinstance(node, MappingNode)
            return self._mapping(node, place)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, place: Place) -> Json:
        values: dict[str, Json] = {}
        first_line: dict[str, int] = {}
        for key, value in node.value:
            if str(getattr(key, "tag", "")) == _PREFIX + "merge":
                self._problem(key, "merge keys (`<<`) are not supported; write the fields out", "schema")
                continue
            if not isinstance(key, ScalarNode):
                self._problem(key, "a key must be text; quote it", "schema")
                continue
            name = str(key.value)
            if name in values:
                self._problem(
                    key,
                    f"`{name}` is given twice, first in line {first_line[name]}; keep one",
                    "duplicate_key",
                )
                continue
            first_line[name] = key.start_mark.line + 1
            values[name] = self.read(value, (*place, name), key)
        return values

    def _scalar(self, node: ScalarNode, place: Place, key: Node | None) -> Json:
        # ruamel marks the folds of `>` scalars with a bell, for those who write them back.
        text = str(node.value).replace("\a", "") if node.style == ">" else str(node.value)
        tag = str(node.tag).removeprefix(_PREFIX)
        if tag in {"str", "timestamp"}:
            return text
        if tag == "null":
            if not may_be_empty(place):
                name = f"`{place[-1]}`" if place and isinstance(place[-1], str) else "this item"
                self._problem(key or node, f"{name} is empty; give it a value or remove it", "schema")
            return None
        if tag == "bool":
            return text.lower() in {"true", "yes", "on"}
        try:
            if tag == "int":
                return _integer(text)
            if tag == "float":
                number = float(text.replace("_", ""))
                if number - number == 0:
                    return number
        except ValueError:
            pass
        self._problem(
            node, f"`{text}` is not a value that a policy may hold; quote it if it is text", "schema"
        )
        return None

    def _mark(self, node: Node, place: Place, key: Node | None) -> None:
        start = node.start_mark
        at = key.start_mark if key is not None else start
        offset: int | None = None
        if isinstance(node, ScalarNode) and node.start_mark.line == node.end_mark.line:
            plain = not node.style
            if plain or (node.style in {"'", '"'} and _spans(node)):
                offset = 0 if plain else 1
        self.marks[place] = Mark(at.line + 1, at.column + 1, start.line + 1, start.column + 1, offset)

    def _problem(self, node: Node, message: str, rule: str) -> None:
        mark = node.start_mark
        self.problems.append(
            PolicyError(message, file=self.file, line=mark.line + 1, column=mark.column + 1, rule=rule)
        )


def _spans(node: ScalarNode) -> bool:
    """True when the quoted text is as long as its value: no escapes, so columns inside it are exact."""
    return bool(node.end_mark.column - node.start_mark.column == len(node.value) + 2)


def _integer(text: str) -> int:
    plain = text.replace("_", "")
    # YAML 1.2: `0o17` and `0x1f` have a base, `012` is twelve.
    if re.match(r"[+-]?0[xob]", plain):
        return int(plain, 0)
    return int(plain)
