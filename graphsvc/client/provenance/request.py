"""The user's request: what it names, and the sentences in which it does."""

from __future__ import annotations

import re
from typing import Final

from graphsvc.client.provenance.token import (
    Token,
    Word,
    as_token,
    is_short_number,
    numbers_of,
    tokens_of,
    words_of,
)

__all__ = ["UserRequest"]

_SENTENCE: Final = re.compile(r"(?<=[.!?])\s+|\n+")
_STOP: Final = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "by",
        "for",
        "from",
        "have",
        "in",
        "is",
        "it",
        "me",
        "my",
        "of",
        "on",
        "or",
        "our",
        "please",
        "that",
        "the",
        "their",
        "this",
        "to",
        "was",
        "what",
        "when",
        "where",
        "which",
        "who",
        "with",
        "you",
        "your",
    ]
)
# Words that say which kind of value is meant.
_KINDS: Final = {
    "em": ("e-mail", "email", "mail address"),
    "url": ("link", "url"),
    "iban": ("iban", "account number"),
}


class UserRequest:
    """Words of a user; more may be added as the conversation goes on.

    short_numbers: a number of up to four digits is named only where it is said to name something.
    """

    def __init__(self, text: str, *, short_numbers: bool = True) -> None:
        self.text = ""
        self.tokens: set[Token] = set()
        self.numbers: set[float] = set()
        self.kinds: set[str] = set()
        self._short_numbers = short_numbers
        self._padded = " "
        self._words: set[str] = set()
        self._firm: set[str] = set()
        self._sentences: list[tuple[str, str, frozenset[Token]]] = []
        self.add(text)

    def add(self, text: str) -> None:
        """The user said more."""
        self.text = f"{self.text}\n{text}" if self.text else text
        tokens = tokens_of(text)
        self.tokens.update(tokens)
        self.kinds.update(token.kind for token in tokens)
        self.numbers.update(numbers_of(text))
        words = words_of(text, short_numbers=self._short_numbers)
        self._words.update(word.text for word in words)
        self._firm.update(word.text for word in words if word.is_firm)
        # A break between two utterances is no contiguous text.
        self._padded += _padded(words) + "\0 "
        for sentence in _SENTENCE.split(text):
            if sentence.strip():
                self._sentences.append(
                    (sentence.casefold(), f" {_padded(words_of(sentence))}", frozenset(tokens_of(sentence)))
                )

    def names(self, value: str, *, is_place: bool = False) -> bool:
        """True when the request contains the value: its token, or its words one after the other."""
        token = as_token(value, is_place=is_place)
        if token is not None:
            return token in self.tokens
        words = words_of(value)
        if not words:
            return False
        if len(words) == 1 and is_short_number(words[0].text):
            return words[0].text in self._firm
        return f" {_padded(words)}" in self._padded

    def has_words(self, query: str) -> bool:
        """True when every word of a search, but for the little ones, is in the request."""
        wanted = [word.text for word in words_of(query) if word.text not in _STOP]
        return bool(wanted) and all(
            word in self._words or any(token.value == word for token in self.tokens) for word in wanted
        )

    def sentences(self, value: str, *, is_place: bool = False) -> list[int]:
        """Numbers of the sentences that contain the value."""
        token = as_token(value, is_place=is_place)
        if token is not None:
            return [at for at, (_, _, tokens) in enumerate(self._sentences) if token in tokens]
        padded = f" {_padded(words_of(value))}"
        return [at for at, (_, words, _) in enumerate(self._sentences) if padded.strip() and padded in words]

    def describes(self, sentences: list[int], kind: str | None, subjects: list[str]) -> bool:
        """True when one of the sentences says the value's kind, or whom the call is about."""
        for at in sentences:
            plain, words, _ = self._sentences[at]
            if any(word in plain for word in _KINDS.get(kind or "", ())):
                return True
            if any(f" {_padded(words_of(subject))}" in words for subject in subjects if words_of(subject)):
                return True
        return False


def _padded(words: list[Word]) -> str:
    return "".join(f"{word.text} " for word in words)
