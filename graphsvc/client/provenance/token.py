"""Typed tokens, words and numbers of a text: what values are compared by.

A typed token is an address, a link or an account in one normal form, so that two spellings are equal. Anything else
is compared as a sequence of case-folded words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NamedTuple

__all__ = ["Token", "Word", "as_token", "host_of", "is_short_number", "numbers_of", "tokens_of", "words_of"]

_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
# Up to white space, a quote or a bracket, and not across a full stop without a blank before a new sentence.
_URL: Final = re.compile(r"(?i:https?://(?:www\.)?|www\.)[\w-]+(?:(?!\.[A-Z][a-z])[^\s'\"`<>)\]])*")
_IBAN: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4})+(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])"
)
_WORD: Final = re.compile(r"[^\W_]+(?:[._-][^\W_]+)*")
_NUMBER: Final = re.compile(r"(?<![\w.])[-+]?\d+(?:[,'’ ]\d{3})*(?:\.\d+)?(?![\w])")
_BARE_HOST: Final = re.compile(r"[\w-]+(?:\.[\w-]+)+(?:[/?#:][^\s'\"`<>]*)?")
_FIRM: Final = {"id", "no", "number", "file", "event", "email", "mail", "transaction", "order", "item"}
_QUOTES: Final = "\"'`“”‘’#"
_MIN_IBAN_DIGITS: Final = 10


class Token(NamedTuple):
    """A typed value. kind: em (mail address), url or iban; value: its normal form."""

    kind: str
    value: str


class Word(NamedTuple):
    """A case-folded word. is_firm: False for a short number that may stand for anything (the 13 of a date)."""

    text: str
    is_firm: bool = True


def tokens_of(text: str) -> list[Token]:
    """The typed tokens of a text in their order, each once; what one type took is not looked at by the next."""
    if len(text) < 5:
        return []
    found: dict[tuple[int, Token], None] = {}
    rest = text
    for kind, pattern in (("em", _EMAIL), ("url", _URL), ("iban", _IBAN)):
        if kind == "em" and "@" not in rest:
            continue
        spans = []
        for match in pattern.finditer(rest):
            token = _token(kind, match.group())
            if token is not None:
                found[match.start(), token] = None
                spans.append(match.span())
        for start, end in spans:
            rest = rest[:start] + " " * (end - start) + rest[end:]
    return list(dict.fromkeys(token for _, token in sorted(found)))


def as_token(value: str, *, is_place: bool = False) -> Token | None:
    """The token that a whole value is; None when it is no typed value. is_place: a bare host counts as a link."""
    text = value.strip()
    for kind, pattern in (("em", _EMAIL), ("url", _URL), ("iban", _IBAN)):
        if pattern.fullmatch(text):
            return _token(kind, text)
    if is_place and _BARE_HOST.fullmatch(text):
        return _token("url", text)
    return None


def host_of(link: str) -> tuple[str, bool]:
    """The host of a link in normal form, and whether the link carries a query."""
    host = re.split(r"[/?#:]", link, maxsplit=1)[0]
    return host, "?" in link or "#" in link


def words_of(text: str, *, short_numbers: bool = True) -> list[Word]:
    """The words in order. short_numbers: numbers of up to four digits are firm only where they name something."""
    words: list[Word] = []
    before = ""
    for match in _WORD.finditer(text):
        word = match.group().casefold()
        if short_numbers and is_short_number(word):
            start, end = match.span()
            edge = text[start - 1 : start] + text[end : end + 1]
            firm = before in _FIRM or any(mark in _QUOTES for mark in edge)
            words.append(Word(word, firm))
        else:
            words.append(Word(word))
        before = word
    return words


def is_short_number(word: str) -> bool:
    """One to four digits: many things have such a number."""
    return len(word) <= 4 and word.isascii() and word.isdigit()


def numbers_of(text: str) -> Iterator[float]:
    """Numbers, thousands separators off, rounded to two digits."""
    for match in _NUMBER.finditer(text):
        yield round(float(re.sub(r"[,'’ ]", "", match.group())), 2)


@lru_cache(maxsize=4_096)
def _token(kind: str, text: str) -> Token | None:
    if kind == "em":
        return Token("em", text.lower().rstrip("."))
    if kind == "url":
        plain = re.sub(r"^https?://", "", text.lower())
        plain = plain.removeprefix("www.").rstrip("/.,;:!?")
        return Token("url", plain) if plain else None
    plain = text.replace(" ", "").upper()
    return Token("iban", plain) if sum(each.isdigit() for each in plain) >= _MIN_IBAN_DIGITS else None
