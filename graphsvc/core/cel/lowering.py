"""Common forms of CEL as plain Python: comparisons of a field with a literal, `in`, `has`, and, or, not.

A few times as fast as the library, and with the same meaning, errors included: `false && error` is false,
`error || true` is true, a field that is missing or of another type is an error unless only equality is asked.
Whatever is not in this small language is left to the library: `lower` returns None.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from graphsvc.core.cel.activation import MISSING, reader, unkept
from graphsvc.core.event import Event

__all__ = ["ERROR", "lower"]

Test: TypeAlias = Callable[[Event], object]


class _Error:
    """Neither true nor false."""


ERROR: Final = _Error()

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<text>"[^"\\\n]*"|'[^'\\\n]*')"""
    r"""|(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?P<sign>&&|\|\||[=!<>]=|[<>!()\[\],]))"""
)
_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_METHODS: Final = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}
_LITERALS: Final[dict[str, object]] = {"true": True, "false": False, "null": None}
_SETS: Final = {("labels",), ("principals",), ("resource", "labels"), ("action", "effects")}


def lower(text: str) -> Test | None:
    """The condition as a function of an event that returns True, False or ERROR; None when it is not common."""
    tokens = _tokens(text)
    if tokens is None:
        return None
    try:
        parser = _Parser(tokens)
        test = parser.either()
        return test if parser.at == len(tokens) else None
    except _NotCommonError:
        return None


class _NotCommonError(Exception):
    """The text holds something that is left to the library."""


def _tokens(text: str) -> list[tuple[str, str]] | None:
    tokens: list[tuple[str, str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
        at = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens = tokens
        self.at = 0

    def either(self) -> Test:
        test = self.both()
        while self.takes("||"):
            test = _or(test, self.both())
        return test

    def both(self) -> Test:
        test = self.plain()
        while self.takes("&&"):
            test = _and(test, self.plain())
        return test

    def plain(self) -> Test:
        if self.takes("!"):
            # It binds tighter than any comparison.
            return _not(self.plain() if self.peeks("!", "(") else self.comparison(bare=True))
        if self.takes("("):
            test = self.either()
            self.needs(")")
            return test
        return self.comparison()

    def comparison(self, *, bare: bool = False) -> Test:
        kind, word = self.next()
        if kind == "text" and not bare:
            # Only membership reads from the literal on the left.
            self.needs_name("in")
            return _holds(self.path(_SETS), word[1:-1])
        if kind != "name" or word in _LITERALS:
            raise _NotCommonError
        if word == "has":
            self.needs("(")
            path = self.path()
            self.needs(")")
            return _has(path)
        names = tuple(word.split("."))
        if self.takes("("):
            *names_before, method = names
            needle = self.literal()
            self.needs(")")
            if method not in _METHODS or not isinstance(needle, str):
                raise _NotCommonError
            return _method(_reader(tuple(names_before)), method, needle)
        read = _reader(names)
        kind, sign = self.next() if self.at < len(self.tokens) else ("", "")
        if bare and (sign in _ORDER or sign in {"==", "!=", "in"}):
            raise _NotCommonError
        if sign in _ORDER:
            return _ordered(read, sign, self.literal())
        if sign in {"==", "!="}:
            return _equal(read, self.literal(), wanted=sign == "==")
        if (kind, sign) == ("name", "in"):
            return _among(read, self.literals())
        if sign:
            self.at -= 1
        return _truth(read)

    def literal(self) -> object:
        kind, word = self.next()
        if kind == "text":
            return word[1:-1]
        if kind == "number":
            number = float(word) if "." in word else int(word)
            if isinstance(number, int) and abs(number) >= 2**53:
                raise _NotCommonError
            return number
        if kind == "name" and word in _LITERALS:
            return _LITERALS[word]
        raise _NotCommonError

    def literals(self) -> list[object]:
        self.needs("[")
        found = [self.literal()]
        while self.takes(","):
            found.append(self.literal())
        self.needs("]")
        return found

    def path(self, among: set[tuple[str, ...]] | None = None) -> tuple[str, ...]:
        kind, word = self.next()
        path = tuple(word.split("."))
        if kind != "name" or (among is not None and path not in among):
            raise _NotCommonError
        return path

    def next(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise _NotCommonError
        self.at += 1
        return self.tokens[self.at - 1]

    def peeks(self, *signs: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at] in [("sign", sign) for sign in signs]

    def takes(self, sign: str) -> bool:
        if self.at < len(self.tokens) and self.tokens[self.at] == ("sign", sign):
            self.at += 1
            return True
        return False

    def needs(self, sign: str) -> None:
        if not self.takes(sign):
            raise _NotCommonError

    def needs_name(self, name: str) -> None:
        if self.next() != ("name", name):
            raise _NotCommonError


def _reader(path: tuple[str, ...]) -> Test:
    read = reader(path) if path not in _SETS else None
    if read is None:
        raise _NotCommonError
    return read


def _same(value: object, literal: object) -> bool:
    # In CEL a bool is no number, and values of different types are merely unequal.
    if isinstance(value, bool) or isinstance(literal, bool):
        return value is literal
    return value == literal


def _equal(read: Test, literal: object, *, wanted: bool) -> Test:
    def test(event: Event) -> object:
        value = read(event)
        return ERROR if value is MISSING else _same(value, literal) is wanted

    return test


def _among(read: Test, literals: list[object]) -> Test:
    def test(event: Event) -> object:
        value = read(event)
        return ERROR if value is MISSING else any(_same(value, literal) for literal in literals)

    return test


def _holds(path: tuple[str, ...], literal: str) -> Test:
    read = reader(path)
    assert read is not None
    return lambda event: literal in read(event)  # type: ignore[operator]  # one of `_SETS`


def _ordered(read: Test, sign: str, literal: object) -> Test:
    compare = _ORDER[sign]
    kinds: tuple[type, ...]
    if isinstance(literal, bool) or literal is None:
        raise _NotCommonError
    kinds = (str,) if isinstance(literal, str) else (int, float)

    def test(event: Event) -> object:
        value = read(event)
        if isinstance(value, bool) or not isinstance(value, kinds):
            return ERROR
        return compare(value, literal)

    return test


def _method(read: Test, method: str, needle: str) -> Test:
    call = _METHODS[method]

    def test(event: Event) -> object:
        value = read(event)
        return call(value, needle) if isinstance(value, str) else ERROR

    return test


def _has(path: tuple[str, ...]) -> Test:
    if len(path) < 2:
        raise _NotCommonError
    read = _reader(path)
    # A field of something that is not there is an error, a field that is not there is not.
    size = 1 if path[0] == "context" else 2
    above = reader(path[:-1]) if len(path) > size + 1 else None
    attribute = ".".join(path[:size]), path[size] if len(path) > size else ""

    def test(event: Event) -> object:
        if above is not None and not isinstance(above(event), dict):
            return ERROR
        # An attribute of which only a marker was kept was there.
        return read(event) is not MISSING or attribute in unkept(event)

    return test


def _truth(read: Test) -> Test:
    def test(event: Event) -> object:
        value = read(event)
        return value if isinstance(value, bool) else ERROR

    return test


def _not(test: Test) -> Test:
    def negated(event: Event) -> object:
        value = test(event)
        return ERROR if value is ERROR else not value

    return negated


def _and(first: Test, second: Test) -> Test:
    def test(event: Event) -> object:
        one = first(event)
        if one is False:
            return False
        other = second(event)
        if other is False:
            return False
        return ERROR if one is ERROR or other is ERROR else True

    return test


def _or(first: Test, second: Test) -> Test:
    def test(event: Event) -> object:
        one = first(event)
        if one is True:
            return True
        other = second(event)
        if other is True:
            return True
        return ERROR if one is ERROR or other is ERROR else False

    return test
