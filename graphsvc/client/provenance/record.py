"""A tool's result as records of fields, each with who could have written it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import orjson

from graphsvc.client.provenance.tool import ALL, Tool

__all__ = ["PARTY", "TEXT", "TRUSTED", "Field", "Record", "records_of"]

TRUSTED, TEXT, PARTY = "trusted", "text", "party"
# A result deeper or with more fields than this is not looked at further, and says so.
MAX_DEPTH: Final = 12
MAX_FIELDS: Final = 20_000


class Field(NamedTuple):
    """One value of a record as text. origin: TRUSTED, TEXT (an outsider can write it) or PARTY (chooses it)."""

    name: str
    text: str
    origin: str
    number: float | None = None


class Record(NamedTuple):
    """What belongs together: one mail of a list, one page. echo: the argument that it is the answer for."""

    fields: tuple[Field, ...]
    echo: str | None = None


def records_of(tool: Tool, result: Any, asked: Collection[str]) -> tuple[list[Record], bool]:
    """The records of a result, and whether it was too large to look at all of it.

    asked: the call's argument values as text: a mapping whose keys are such values answers each by itself, and
    the keys are the caller's own words.
    """
    plain = _plain(result)
    budget = _Budget()
    if isinstance(plain, Mapping) and plain and all(isinstance(key, str) and key in asked for key in plain):
        records = [
            Record((Field("", key, TRUSTED), *_fields(tool, "", value, budget, 0)), echo=key)
            for key, value in plain.items()
        ]
    elif _is_list(plain):
        items = [item if isinstance(item, str) else _plain(item) for item in plain]
        if all(isinstance(item, Mapping) for item in items):
            records = [Record(tuple(_fields(tool, "", item, budget, 0))) for item in items]
        else:
            records = [Record(tuple(_fields(tool, "", items, budget, 0)))]
    else:
        records = [Record(tuple(_fields(tool, "", plain, budget, 0)))]
    return [record for record in records if record.fields], budget.is_spent


class _Budget:
    __slots__ = ("is_spent", "left")

    def __init__(self) -> None:
        self.left = MAX_FIELDS
        self.is_spent = False

    def takes(self, depth: int) -> bool:
        self.left -= 1
        if self.left < 0 or depth > MAX_DEPTH:
            self.is_spent = True
        return not self.is_spent


def _plain(result: Any) -> Any:
    """Mappings, lists and scalars; text that is JSON is read, as servers answer with it."""
    if isinstance(result, str):
        if result[:1] in "[{":
            try:
                return orjson.loads(result)
            except orjson.JSONDecodeError:
                return result
        return result
    if result is None or isinstance(result, bool | int | float | Mapping) or _is_list(result):
        return result
    dump = getattr(result, "model_dump", None)
    if callable(dump):
        return dump(mode="json")
    try:
        return msgspec.to_builtins(result)
    except TypeError:
        return str(result)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes | bytearray)


def _fields(tool: Tool, name: str, value: Any, budget: _Budget, depth: int) -> Iterator[Field]:
    if not budget.takes(depth):
        return
    value = value if isinstance(value, str) else _plain(value)
    if isinstance(value, Mapping):
        for key, inner in value.items():
            # The nearest name counts: where a list of people stands matters, not how it is nested.
            yield from _fields(tool, str(key), inner, budget, depth + 1)
    elif _is_list(value):
        for inner in value:
            yield from _fields(tool, name, inner, budget, depth + 1)
    elif value is None or isinstance(value, bool):
        return
    elif isinstance(value, int | float):
        yield Field(
            name,
            f"{value:g}" if isinstance(value, float) else str(value),
            _origin(tool, name),
            round(float(value), 2),
        )
    else:
        text = str(value)
        if text.strip():
            yield Field(name, text, _origin(tool, name))


def _origin(tool: Tool, name: str) -> str:
    result = tool.result
    if name in result.text:
        return TEXT
    if name in result.party or ALL in result.party:
        return PARTY
    if ALL in result.text:
        return TEXT
    return TRUSTED
