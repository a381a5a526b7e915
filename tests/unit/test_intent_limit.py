"""Intents with amounts, destinations, times and templates: each limits, and what cannot be told lies outside."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core.intent import check_intent, wider
from graphsvc.core.record import ChainOpened, PolicyPublished
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json, format_time
from graphsvc.core.verdict import ReasonCode
from graphsvc.core.world import World
from graphsvc.errors import BadInput

PACK = """
graphsvc: 1
pack: {id: p, version: "1"}
settings: {entitlement: "off"}
actions:
  "pay": {effects: [pay], arguments: {sum: amount, to: destination}}
  "send": {effects: [send], arguments: {to: destination}}
  "fetch": {effects: [fetch]}
  "read": {effects: [read]}
intents:
  invoices: {actions: [pay, read], amount: {max: 100, currency: EUR}, lasts: 1h}
"""
T0 = 1_790_000_000_000


def _world(intent: dict[str, Json]) -> World:
    world = World()
    world.apply(PolicyPublished(at_ms=T0, pack="p", version="1", sha256="", text=PACK), 1)
    world.apply(ChainOpened(at_ms=T0, chain="c", intent=intent), 2)
    return world


def _told(
    intent: dict[str, Json], action: str, properties: dict[str, Json] | None = None, at_ms: int = T0
) -> str | None:
    """The reason's text, None within the intent."""
    request = AccessRequest(
        id="x",
        chain="c",
        subject=Entity("agent", "bot"),
        action=action,
        action_properties=properties or {},
        resource=Entity("t", "r"),
    )
    reasons = _world(intent).evaluate(request, at_ms).reasons
    return next((each.message for each in reasons if each.code is ReasonCode.outside_intent), None)


@pytest.mark.parametrize(
    ("properties", "told"),
    [
        ({"sum": 100, "currency": "EUR"}, None),
        ({"sum": "99.99", "currency": "EUR"}, None),
        ({"sum": 100.01, "currency": "EUR"}, "the amount 100.01 is above 100"),
        ({"sum": "1e9", "currency": "EUR"}, "is above 100"),
        ({"sum": -5, "currency": "EUR"}, "is below zero"),
        ({"sum": 50, "currency": "USD"}, "the currency is `USD`, not `EUR`"),
        ({"sum": 50}, "its currency is not told"),
        ({"sum": "NaN", "currency": "EUR"}, "no amount that can be compared"),
        ({"sum": [1], "currency": "EUR"}, "no amount that can be compared"),
        ({"currency": "EUR"}, "how much `pay` is about is not told"),
    ],
)
def test_an_amount_is_compared_exactly(properties: dict[str, Json], told: str | None) -> None:
    """Above the limit, below zero, in another currency or untold: outside."""
    found = _told({"amount": {"max": 100, "currency": "EUR"}}, "pay", {"to": "shop", **properties})
    assert found is None if told is None else told in (found or "")


@pytest.mark.parametrize(
    ("action", "to", "told"),
    [
        ("send", "ann@example.com", None),
        ("send", ["ann@example.com", "bob@example.com"], None),
        ("send", [], None),
        ("send", ["ann@example.com", "eve@evil.org"], "does not name the destination `eve@evil.org`"),
        ("send", {"mail": "x"}, "does not name the destination"),
        ("send", None, "where `send` goes is not told"),
        ("fetch", "ann@example.com", "where `fetch` goes is not told"),
        ("read", None, None),
        ("odd", "ann@example.com", "what the action `odd` does is not declared"),
    ],
)
def test_every_destination_is_named(action: str, to: Json, told: str | None) -> None:
    """One that is not, or an action that carries something nobody knows where, lies outside."""
    found = _told({"destinations": ["*@example.com"]}, action, {"to": to})
    assert found is None if told is None else told in (found or "")


@pytest.mark.parametrize(
    ("limits", "offset_ms", "inside"),
    [
        ({"begins": T0}, -1, False),
        ({"begins": T0}, 0, True),
        ({"ends": T0 + 1_000}, 999, True),
        ({"ends": T0 + 1_000}, 1_000, False),
        ({"lasts": "10m"}, 599_999, True),
        ({"lasts": "10m"}, 600_000, False),
    ],
)
def test_times_include_their_beginning_and_not_their_end(
    limits: dict[str, Json], offset_ms: int, inside: bool
) -> None:
    """To the millisecond."""
    intent = {name: format_time(value) if isinstance(value, int) else value for name, value in limits.items()}
    assert (_told(intent, "read", at_ms=T0 + offset_ms) is None) is inside


def test_a_template_limits_beside_what_the_intent_says() -> None:
    """Both must allow it; one that no pack has allows nothing."""
    named: dict[str, Json] = {"template": "invoices", "actions": ["pay"]}
    paid: dict[str, Json] = {"sum": 10, "currency": "EUR", "to": "x"}
    assert _told(named, "pay", paid) is None
    assert "by the template `invoices` the amount 101" in (_told(named, "pay", {**paid, "sum": 101}) or "")
    assert "does not name the action `read`" in (_told(named, "read") or "")
    assert "by the template `invoices` it lasts 1h" in (_told(named, "pay", paid, T0 + 3_600_000) or "")
    assert "no pack in force has its template `gone`" in (_told({"template": "gone"}, "read") or "")


@pytest.mark.parametrize(
    ("intent", "field"),
    [
        ({"amount": {"max": -1}}, "intent.amount"),
        ({"amount": {"max": True}}, "intent.amount"),
        ({"amount": {"max": 1, "least": 0}}, "intent.amount"),
        ({"amount": 5}, "intent.amount"),
        ({"begins": "tomorrow"}, "intent.begins"),
        ({"ends": 5}, "intent.ends"),
        ({"lasts": "soon"}, "intent.lasts"),
        ({"template": ""}, "intent.template"),
        ({"destinations": "x"}, "intent.destinations"),
        ({"sums": 1}, "intent.sums"),
        ({"text": 5}, "intent.text"),
        ({"tokens": "x"}, "intent.tokens"),
        ({"tokens": [1]}, "intent.tokens"),
        ({"actions": ["x"] * 1_001}, "intent.actions"),
        ({"effects": ["nonsense"]}, "intent.effects"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(intent: dict[str, Json], field: str) -> None:
    """The error names the field."""
    with pytest.raises(BadInput) as refused:
        check_intent(intent)
    assert refused.value.field == field


def test_what_is_left_empty_says_nothing() -> None:
    """Text and hashes are kept as they are; a part that is null does not limit."""
    check_intent(None)
    check_intent({"text": "pay the bills", "tokens": ["a1"], "effects": ["pay"], "actions": None})


@pytest.mark.parametrize(
    ("intent", "action", "told"),
    [
        ({"resources": ["t:r*"]}, "read", None),
        ({"resources": ["box:*"]}, "read", "it does not name the resource"),
        ({"effects": ["read"]}, "read", None),
        ({"effects": ["pay"]}, "read", "it does not name the effect `read`"),
        ({"effects": ["pay"]}, "unheard", "what the action `unheard` does is not declared"),
        ({"total": {"max": 5}}, "unheard", "is not declared, and the intent limits their total"),
        ({"total": {"max": 5}}, "pay", "how much `pay` is about is not told"),
        # Read back from a log that another version wrote: what cannot be read allows nothing.
        ({"actions": "read"}, "read", "it does not name the action `read`"),
        ({"begins": "tomorrow"}, "read", "it begins at tomorrow"),
        ({"begins": 5}, "read", "it begins at 5"),
        ({"lasts": "soon"}, "read", "it lasts soon"),
        ({"lasts": 5}, "read", "it lasts 5"),
        ({"amount": 5}, "pay", "how much `pay` is about is not told"),
    ],
)
def test_each_part_limits(intent: dict[str, Json], action: str, told: str | None) -> None:
    """What is not declared, or not told, lies outside."""
    found = _told(intent, action)
    assert found is None if told is None else found is not None and told in found, found


_AMOUNTS = st.none() | st.fixed_dictionaries(
    {"max": st.integers(0, 3)}, optional={"currency": st.sampled_from(["EUR", "USD"])}
)
_TIMES = st.none() | st.integers(-2, 2).map(lambda step: format_time(T0 + step * 60_000))
_INTENTS = st.fixed_dictionaries(
    {},
    optional={
        "amount": _AMOUNTS,
        "destinations": st.none() | st.lists(st.sampled_from(["a", "a*", "*", "b?"]), max_size=2),
        "begins": _TIMES,
        "ends": _TIMES,
        "lasts": st.none() | st.sampled_from(["1m", "60s", "2m", "1h"]),
        "template": st.none() | st.sampled_from(["invoices", "gone"]),
    },
)


@given(
    _INTENTS,
    _INTENTS,
    st.integers(0, 4),
    st.sampled_from(["EUR", "USD"]),
    st.integers(-2, 3),
    st.sampled_from(["a", "ab", "bc"]),
)
def test_what_counts_as_narrower_allows_nothing_more(
    new: dict[str, Json], old: dict[str, Json], amount: int, currency: str, minute: int, to: str
) -> None:
    """Whatever an intent allows that only narrows, the old one allowed."""
    if wider(new, old) is None:
        given: dict[str, Json] = {"sum": amount, "currency": currency, "to": to}
        at_ms = T0 + minute * 60_000
        assert _told(new, "pay", given, at_ms) is not None or _told(old, "pay", given, at_ms) is None
