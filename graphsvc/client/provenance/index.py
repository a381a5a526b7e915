"""Where every value of a chain was seen: one small summary a value, so that a question costs the same after any number of calls.

Typed values are found by their token, all others by their words, which are kept as runs of up to MAX_RUN. What a summary
keeps (the first hit of each class, the lowest and highest designation) is all that facts are made of; texts are not kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple, TypeVar

from graphsvc.client.provenance.record import PARTY, TEXT, TRUSTED, Field, Record
from graphsvc.client.provenance.token import Token, Word, as_token, tokens_of, words_of

__all__ = ["Index", "Seen", "Standing"]

K = TypeVar("K", Token, str)
MAX_RUN: Final = 4
# Runs and tokens of one chain; above it what is not found may have been seen all the same.
MAX_VALUES: Final = 1_000_000


class Standing(NamedTuple):
    """How the request points at a record. designation: 3 to 0; sentences: of the request that name its place.

    is_page: it was fetched, so a link in it leads from page to page. whole: the tokens of the whole result count
    when it is asked whether one is the only one of its type, not the record's alone.
    """

    designation: int = 0
    sentences: tuple[int, ...] = ()
    is_page: bool = False
    whole: bool = False


class Seen:
    """Where one value was seen. names: what the record behind an id is called; source: the first place of foreign text."""

    __slots__ = (
        "all_unique", "alone_in_record", "designation", "is_linked", "is_party", "is_trusted", "lowest", "mention_in", "mentioned", "names",
        "sentences", "source",
    )  # fmt: skip

    def __init__(self) -> None:
        self.is_trusted = False
        self.is_party = False
        self.mentioned: int | None = None  # lowest designation of the records whose text speaks of it
        self.mention_in: frozenset[int] = frozenset()  # the first two records that do
        self.lowest: int | None = None  # designation of foreign text that holds it, lowest
        self.designation = -1  # and highest
        self.all_unique = True  # the only token of its type wherever foreign text holds it
        self.alone_in_record = True  # the same, looking at each record by itself
        self.is_linked = False
        self.sentences: tuple[int, ...] = ()
        self.names: tuple[str, ...] = ()
        self.source = ""

    def with_other(self, other: Seen) -> Seen:
        """What holds of a longer value of which both are parts: no better than either."""
        both = Seen()
        both.is_trusted = self.is_trusted and other.is_trusted
        both.is_party = self.is_party and other.is_party
        both.mentioned = _lowest(self.mentioned, other.mentioned, either=False)
        both.mention_in = self.mention_in & other.mention_in or self.mention_in
        both.lowest = _lowest(self.lowest, other.lowest, either=False)
        both.designation = min(self.designation, other.designation)
        both.all_unique = both.alone_in_record = False
        both.is_linked = self.is_linked or other.is_linked
        both.sentences, both.names, both.source = self.sentences, self.names, self.source
        return both


def _lowest(first: int | None, second: int | None, *, either: bool) -> int | None:
    if first is None or second is None:
        return (first if second is None else second) if either else None
    return min(first, second)


class _Place(NamedTuple):
    """A record that is taken in. kinds: how many tokens of each type stand there, where the standing says to look."""

    standing: Standing
    kinds: dict[str, int]
    own_kinds: dict[str, int]
    names: tuple[str, ...]
    source: str
    number: int
    asked_for: Token | str | None


class Index:
    """The values of a chain. short_numbers: see `words_of`."""

    def __init__(self, *, short_numbers: bool = True) -> None:
        self._tokens: dict[Token, Seen] = {}
        self._runs: dict[str, Seen] = {}
        self._amounts: dict[Token | str, float] = {}
        self._records = 0
        self._short_numbers = short_numbers
        self.numbers: set[float] = set()  # that trusted fields hold
        self.is_cut = False

    def find(self, value: str, *, is_place: bool = False) -> Seen | None:
        """Where a value was seen; None when nowhere."""
        token = as_token(value, is_place=is_place)
        if token is not None:
            return self._tokens.get(token)
        words = words_of(value)
        if len(words) <= MAX_RUN:
            return self._runs.get(_run(words)) if words else None
        found: Seen | None = None
        for start in range(len(words) - MAX_RUN + 1):
            part = self._runs.get(_run(words[start : start + MAX_RUN]))
            if part is None:
                return None
            found = part if found is None else found.with_other(part)
        return found

    def find_token(self, token: Token) -> Seen | None:
        """Where a typed value was seen."""
        return self._tokens.get(token)

    def rivals(self, token: Token, limit: int = 5) -> list[str]:
        """Other values of the same type that were seen, the first few."""
        others = (each.value for each in self._tokens if each.kind == token.kind and each != token)
        return list(islice(others, limit))

    def largest_amount(self, values: Iterable[str] | None = None) -> float | None:
        """The largest amount in a record that holds one of the values as a trusted field or a party; None = in any record."""
        if values is None:
            return max(self._amounts.values(), default=None)
        found = [self._amounts.get(_key(value)) for value in values]
        return max((amount for amount in found if amount is not None), default=None)

    def add(
        self,
        records: Sequence[Record],
        standings: Sequence[Standing],
        source: str,
        *,
        keys: Sequence[str],
        amounts: Sequence[str],
        given: Sequence[str] = (),
    ) -> Iterator[tuple[str, Token]]:
        """Take in a result. keys, amounts: names of its fields. Yields (class, token) of what was seen, for a report.

        given: texts of the call that a result may give back, which vouches for none of them.
        """
        own: set[Token | str] = set()
        for text in given:
            own.update(tokens_of(text))
            own.update(run for run, _ in _runs(words_of(text)))
        whole = _kinds([record for record, each in zip(records, standings, strict=True) if each.whole])
        for record, standing in zip(records, standings, strict=True):
            self._records += 1
            alone = _kinds([record])
            names = tuple(field.text for field in record.fields if field.name in keys)
            place = _Place(
                standing,
                whole if standing.whole else alone,
                alone,
                names,
                source,
                self._records,
                _key(record.echo) if record.echo is not None else None,
            )
            self._note_amounts(record, amounts)
            for field in record.fields:
                yield from self._field(field, place, own)

    def _field(
        self, field: Field, place: _Place, own: Collection[Token | str]
    ) -> Iterator[tuple[str, Token]]:
        if field.origin == TRUSTED and field.number is not None and field.text not in own:
            self.numbers.add(field.number)
        whole = as_token(field.text)
        for token in tokens_of(field.text):
            is_item = token == whole
            seen = self._seen(self._tokens, token)
            if token in own and field.origin == TRUSTED:
                continue
            if seen is not None:
                _note(seen, field.origin, place, token.kind, is_item=is_item or token == place.asked_for)
            yield _class(field.origin, is_item=is_item), token
        words = words_of(field.text, short_numbers=self._short_numbers)
        for run, is_item in _runs(words):
            if run in own and field.origin == TRUSTED:
                continue
            seen = self._seen(self._runs, run)
            if seen is not None:
                # The answer about a value that the caller asked for may speak of that value.
                _note(seen, field.origin, place, "", is_item=is_item or run == place.asked_for)
        if field.origin != TEXT and 0 < len(words) <= MAX_RUN and whole is None and _run(words) not in own:
            yield _class(field.origin, is_item=True), Token("w", _run(words))

    def _seen(self, held: dict[K, Seen], key: K) -> Seen | None:
        found = held.get(key)
        if found is None:
            if len(self._tokens) + len(self._runs) >= MAX_VALUES:
                self.is_cut = True
                return None
            found = held[key] = Seen()
        return found

    def _note_amounts(self, record: Record, amounts: Sequence[str]) -> None:
        sums = [field.number for field in record.fields if field.name in amounts and field.number is not None]
        if not sums:
            return
        for field in record.fields:
            if field.origin != TEXT and field.name not in amounts:
                key = _key(field.text)
                self._amounts[key] = max(*sums, self._amounts.get(key, 0.0))


def _note(seen: Seen, origin: str, place: _Place, kind: str, *, is_item: bool) -> None:
    """One more occurrence. kind: of a typed value, "" of words."""
    if origin == TRUSTED:
        seen.is_trusted = True
        if is_item and not seen.names:
            seen.names = place.names
        return
    if origin == PARTY:
        seen.is_party = True
        return
    standing = place.standing
    if not is_item:
        seen.mentioned = _lowest(seen.mentioned, standing.designation, either=True)
        if len(seen.mention_in) < 2:
            seen.mention_in |= {place.number}
    seen.lowest = _lowest(seen.lowest, standing.designation, either=True)
    seen.all_unique = seen.all_unique and place.kinds.get(kind, 0) == 1
    seen.alone_in_record = seen.alone_in_record and place.own_kinds.get(kind, 0) == 1
    seen.is_linked = seen.is_linked or (kind == "url" and standing.is_page)
    if standing.designation > seen.designation:
        seen.designation, seen.sentences = standing.designation, standing.sentences
    seen.source = seen.source or place.source


def _kinds(records: Sequence[Record]) -> dict[str, int]:
    """How many different tokens of each type the foreign text of some records holds."""
    tokens = {
        token
        for record in records
        for field in record.fields
        if field.origin == TEXT
        for token in tokens_of(field.text)
    }
    counts: dict[str, int] = {}
    for token in tokens:
        counts[token.kind] = counts.get(token.kind, 0) + 1
    return counts


def _runs(words: Sequence[Word]) -> Iterator[tuple[str, bool]]:
    """Every run of words up to MAX_RUN, and whether it is all there is; a number that may stand for anything is none."""
    for length in range(1, min(MAX_RUN, len(words)) + 1):
        is_item = length == len(words)
        for start in range(len(words) - length + 1):
            if length > 1 or words[start].is_firm or is_item:
                yield _run(words[start : start + length]), is_item


def _class(origin: str, *, is_item: bool) -> str:
    return {TRUSTED: "t", PARTY: "p"}.get(origin, "i" if is_item else "m")


def _run(words: Sequence[Word]) -> str:
    return " ".join([word.text for word in words])


def _key(value: str) -> Token | str:
    return as_token(value) or _run(words_of(value))
