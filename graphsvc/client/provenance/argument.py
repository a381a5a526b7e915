"""The values of a call's arguments by the roles that its tool declares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from graphsvc.client.provenance.token import Token, as_token, tokens_of, words_of
from graphsvc.client.provenance.tool import Tool

__all__ = ["Value", "content_of", "texts_of", "values_of"]


class Value(NamedTuple):
    """One value of an argument. is_place: a bare host in it counts as a link; number: of an amount."""

    name: str
    role: str
    text: str
    token: Token | None
    is_place: bool = False
    number: float | None = None


def values_of(tool: Tool, arguments: Mapping[str, Any], level: int, *, is_fetch: bool) -> Iterator[Value]:
    """Values with a role, but content. One word that is written where it can be undone is not critical."""
    for name, given in arguments.items():
        role = tool.role(name)
        if role in ("", "content"):
            continue
        is_place = is_fetch and role in ("locator", "destination")
        for item in _items(given):
            text = str(item)
            if role == "value" and level <= 0 and len(words_of(text)) <= 1:
                continue
            number = round(float(item), 2) if isinstance(item, int | float) else None
            yield Value(name, role, text, as_token(text, is_place=is_place), is_place, number)


def content_of(tool: Tool, arguments: Mapping[str, Any]) -> Iterator[tuple[str, list[Token]]]:
    """The typed tokens inside each content."""
    for name, given in arguments.items():
        if tool.role(name) == "content" and given not in (None, "", [], {}):
            yield name, list(dict.fromkeys(token for text in texts_of(given) for token in tokens_of(text)))


def _items(given: Any) -> Iterator[Any]:
    if isinstance(given, list | tuple | set | frozenset):
        for item in given:
            yield from _items(item)
    elif isinstance(given, Mapping):
        for item in given.values():
            yield from _items(item)
    elif given is not None and not isinstance(given, bool) and given != "":
        yield given


def texts_of(given: Any) -> Iterator[str]:
    """Every scalar in a value as text."""
    for item in _items(given):
        yield str(item)
