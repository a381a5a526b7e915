"""Typed tokens, words and numbers: two spellings of one value are equal, two values are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.client.provenance.salt import Hasher
from graphsvc.client.provenance.token import Token, as_token, numbers_of, tokens_of, words_of


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("write to Ann.Lee+x@Acme.Example.", [("em", "ann.lee+x@acme.example")]),
        ("see https://www.Acme.example/a/b?c=d. Then stop", [("url", "acme.example/a/b?c=d")]),
        ("(visit www.acme.example).It was nice", [("url", "acme.example")]),
        ("www.acme.example.The next sentence", [("url", "acme.example")]),
        ("to GB29 NWBK 6016 1331 9268 19, please", [("iban", "GB29NWBK60161331926819")]),
        ("US122000000121212121212", [("iban", "US122000000121212121212")]),
        ("order AB12 CDEF GHIJ", []),
        ("mail a@b.example or http://b.example/", [("em", "a@b.example"), ("url", "b.example")]),
    ],
)
def test_typed_values_have_one_form(text: str, tokens: list[tuple[str, str]]) -> None:
    """Case, separators and closing punctuation do not matter."""
    assert tokens_of(text) == [Token(*each) for each in tokens]


def test_a_bare_host_is_a_link_only_where_a_place_is_meant() -> None:
    """`acme.example` may be many things, but as the place to fetch it is a link."""
    assert as_token("acme.example/a") is None
    assert as_token("acme.example/a", is_place=True) == as_token("https://www.acme.example/a/")


@pytest.mark.parametrize(
    ("text", "firm"),
    [
        ("on the 13 of May", False),
        ("file 13", True),
        ("the id 13", True),
        ("#13", True),
        ("'13'", True),
        ("12345", True),
    ],
)
def test_a_short_number_counts_where_it_names_something(text: str, firm: bool) -> None:
    """The 13 of a date does not name file 13."""
    assert any(word.is_firm for word in words_of(text) if word.text.isdigit()) is firm


def test_numbers_lose_their_separators() -> None:
    """Amounts compare as numbers."""
    assert list(numbers_of("1,050 or 12.00 and 1'000'000.5")) == [1050.0, 12.0, 1000000.5]


@given(st.text(max_size=60), st.binary(min_size=16, max_size=16))
def test_hashes_tell_nothing_but_equality(text: str, salt: bytes) -> None:
    """The same value has the same hash under one salt, another under another, and the value is not in it."""
    token, other = Token("em", text), Hasher(b"another salt, 16")
    hashed = Hasher(salt)(token)
    assert hashed == Hasher(salt)(token)
    assert hashed != other(token)
    assert len(text) < 6 or text not in hashed
