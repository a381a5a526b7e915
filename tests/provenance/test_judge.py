"""What a table says of each kind of argument: places to read, amounts, contents, and values that came without a fact."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.event import build_event
from graphsvc.core.known import parties_of, target_of
from graphsvc.core.policy.load import load_policy
from graphsvc.core.provenance.claim import check_claims
from graphsvc.core.provenance.judge import provenance_reasons
from graphsvc.core.provenance.sighting import MAX_TOKENS, Sightings
from graphsvc.core.request import AccessRequest, Argument, Entity
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.value import Json
from graphsvc.errors import BadInput

_ROW = {
    "when": ["requested", "delegated"], "level": [0, 1, 2, 3], "named_by_intent": "permit", "clean": "permit",
    "contested": "escalate", "designated_unique": "permit_if_described", "designated_many": "escalate",
    "designated": "escalate", "party": "escalate", "unprovenanced": "escalate", "from_untrusted": "deny", "none": "permit",
}  # fmt: skip
_DENIED = {**dict.fromkeys(_ROW, "deny"), "when": "unrequested", "level": [0, 1, 2, 3]}
_PROVENANCE: dict[str, Any] = {
    "levels": {"send": 2, "pay": 3, "write": 0},
    "described": ["send"],
    "table": [_ROW, _DENIED],
    "fetch": {},
    "amount": {"at_most": 1.5},
    "content": {"effects": ["send"]},
}
_ACTIONS = {
    "web:Fetch": {"effects": ["fetch"], "arguments": {"url": "locator"}},
    "mail:Send": {"effects": ["send"], "arguments": {"to": "destination", "body": "content"}},
    "bank:Pay": {"effects": ["pay"], "arguments": {"to": "destination", "sum": "amount"}},
    "cal:Put": {"effects": ["write"], "effects_with_destination": ["send"], "arguments": {"who": "destination"}},
    "doc:Read": {"effects": ["read"]},
}  # fmt: skip
FINE = Argument(name="to", fact="named_by_intent")


def _reasons(
    action: str,
    *arguments: Argument,
    properties: dict[str, Json] | None = None,
    claims: Json = None,
    intent: dict[str, Json] | None = None,
    seen: Sightings | None = None,
    provenance: dict[str, Any] = _PROVENANCE,
    patterns: list[dict[str, Any]] | None = None,
) -> set[tuple[str, str]]:
    pack = {"graphsvc": 1, "pack": {"id": "p", "version": "1"}, "actions": _ACTIONS, "provenance": provenance}
    pack |= {"patterns": patterns} if patterns else {}
    ruleset, estate = compile_ruleset([load_policy(json.dumps(pack))]), Estate()
    request = AccessRequest(
        id="e", chain="c", subject=Entity("agent", "bot"), action=action, resource=Entity("box", "b"),
        action_properties=properties or {}, arguments=arguments, context={} if claims is None else {"provenance": claims},
    )  # fmt: skip
    declaration = ruleset.candidates(action).declaration
    who, what = parties_of(request, estate), target_of(request.resource, estate)
    event = build_event(request, 0, "s", 1, who, what, declaration, estate, None)
    told = provenance_reasons(event, intent, (), ruleset.provenance, seen or Sightings(), estate)
    return {(str(reason.verdict), reason.rule or "") for reason in told}


def _asking(context: dict[str, Json], *arguments: Argument) -> AccessRequest:
    return AccessRequest(
        id="e", chain="c", subject=Entity("agent", "bot"), action="a", resource=Entity("box", "b"), context=context,
        arguments=arguments,
    )  # fmt: skip


ASKED: dict[str, Json] = {"requested": "requested"}


@pytest.mark.parametrize(
    ("fact", "designation", "detail", "when", "expected"),
    [
        ("named_by_intent", None, {}, "requested", set()),
        ("clean", None, {}, "unrequested", set()),
        ("designated_unique", 3, {}, "requested", set()),
        ("designated_unique", 1, {}, "requested", {("ESCALATE", "provenance:url:designated_unique")}),
        ("from_untrusted", None, {}, "requested", {("ESCALATE", "provenance:url:from_untrusted")}),
        ("from_untrusted", None, {}, "unrequested", {("DENY", "provenance:url:from_untrusted")}),
        ("unprovenanced", None, {"host_named": True}, "requested", {("ESCALATE", "provenance:url:unprovenanced")}),
        ("unprovenanced", None, {}, "requested", {("DENY", "provenance:url:unprovenanced")}),
    ],
)  # fmt: skip
def test_a_place_to_read_is_judged_by_who_put_the_link_together(
    fact: str, designation: int | None, detail: dict[str, Json], when: str, expected: set[tuple[str, str]]
) -> None:
    argument = Argument(name="url", fact=fact, designation=designation)
    claims: Json = {"requested": when, "arguments": {"url": [detail]}}
    assert _reasons("web:Fetch", argument, claims=claims) == expected


def test_the_worst_of_several_places_is_told() -> None:
    """A claim that a report contradicts counts as what the report shows."""
    seen = Sightings()
    seen.add("s", ["m.url.aaaaaaaa"])
    argument = Argument(name="url", fact="unprovenanced", tokens=("url.aaaaaaaa",))
    told = _reasons("web:Fetch", argument, claims=ASKED, seen=seen)
    assert told == {("DENY", "provenance:url:unprovenanced")}


@pytest.mark.parametrize(
    ("to", "fact", "times", "expected"),
    [
        ("named_by_intent", "from_untrusted", None, set()),
        ("clean", "named_by_intent", None, set()),
        ("clean", "from_untrusted", 1.5, set()),
        ("clean", "from_untrusted", 1.6, {("ESCALATE", "provenance:sum:from_untrusted")}),
        ("clean", "from_untrusted", None, {("ESCALATE", "provenance:sum:from_untrusted")}),
    ],
)
def test_an_amount_may_be_as_high_as_what_is_known(
    to: str, fact: str, times: float | None, expected: set[tuple[str, str]]
) -> None:
    """Where every destination is named by the request the amount is the request's business."""
    arguments = Argument(name="to", fact=to), Argument(name="sum", fact=fact)
    assert _reasons("bank:Pay", *arguments, claims={"requested": "requested", "amount": times}) == expected


def test_an_amount_beyond_what_is_known_may_be_permitted_by_the_pack() -> None:
    provenance = {**_PROVENANCE, "amount": {"at_most": 1.5, "beyond": "permit"}}
    arguments = Argument(name="to", fact="clean"), Argument(name="sum", fact="from_untrusted")
    assert _reasons("bank:Pay", *arguments, claims=ASKED, provenance=provenance) == set()


def test_an_address_in_a_text_needs_somebody_who_vouches_for_it() -> None:
    content = Argument(name="body", fact="from_untrusted")
    assert _reasons("mail:Send", FINE, content, claims=ASKED) == {
        ("ESCALATE", "provenance:body:from_untrusted")
    }
    assert _reasons("mail:Send", FINE, Argument(name="body", fact="clean"), claims=ASKED) == set()
    permitted = {**_PROVENANCE, "content": {"effects": ["send"], "unknown": "permit"}}
    assert _reasons("mail:Send", FINE, content, claims=ASKED, provenance=permitted) == set()


@pytest.mark.parametrize(
    ("given", "missing"), [("a@x.example", True), (["a@x.example"], True), (None, False)]
)
def test_a_declared_destination_without_a_fact_is_the_worst(given: Json, missing: bool) -> None:
    """Required facts are missed for values that are there, one by one."""
    told = _reasons("mail:Send", properties={"to": given}, claims=ASKED)
    assert told == ({("DENY", "provenance:to:from_untrusted")} if missing else set())
    two = _reasons("mail:Send", FINE, properties={"to": ["a@x.example", "b@x.example"]}, claims=ASKED)
    assert two == {("DENY", "provenance:to:from_untrusted")}


def test_callers_that_send_no_facts_may_be_let_be() -> None:
    provenance = {**_PROVENANCE, "facts": "when_sent"}
    assert _reasons("mail:Send", properties={"to": "a@x.example"}, provenance=provenance) == set()
    told = _reasons("mail:Send", Argument(name="to", fact="party"), provenance=provenance)
    assert told == {("DENY", "provenance:to:party")}, "nothing is said of the request, so it did not ask"


def test_effects_that_the_table_does_not_know_are_not_judged() -> None:
    assert _reasons("doc:Read", Argument(name="to", role="destination", fact="from_untrusted")) == set()
    without = {key: value for key, value in _PROVENANCE.items() if key != "fetch"}
    assert _reasons("web:Fetch", Argument(name="url", fact="unprovenanced"), provenance=without) == set()


def test_an_effect_that_comes_with_a_destination_is_judged_when_there_is_one() -> None:
    """An entry in a calendar is written; one with guests is sent to them."""
    described = Argument(name="who", fact="designated_unique", designation=3)
    claims: Json = {"requested": "requested", "arguments": {"who": [{"described": True}]}}
    assert _reasons("cal:Put", claims=ASKED) == set()
    both = {("ESCALATE", "provenance:who:designated_unique")}
    assert _reasons("cal:Put", described, claims=claims) == both, "writing is nothing that may be described"
    alone = Argument(name="to", fact="designated_unique", designation=3)
    claims = {"requested": "requested", "arguments": {"to": [{"described": True}]}}
    assert _reasons("mail:Send", alone, claims=claims) == set()


def test_what_nobody_asked_for_is_denied_without_arguments_too() -> None:
    assert _reasons("mail:Send", claims={"requested": "unrequested"}) == {("DENY", "provenance:unrequested")}
    assert _reasons("mail:Send", intent={"effects": ["send"]}, claims={"requested": "unrequested"}) == set()


def test_arguments_that_no_pack_declares_keep_the_role_they_came_with() -> None:
    assert _reasons("mail:Send", FINE, Argument(name="x", fact="from_untrusted"), claims=ASKED) == set()
    aside = Argument(name="x", role="target", fact="from_untrusted")
    assert _reasons("mail:Send", FINE, aside, claims=ASKED) == {("DENY", "provenance:x:from_untrusted")}


@pytest.mark.parametrize(
    "claims",
    [
        {"requested": 1, "amount": True, "arguments": []},
        {"arguments": {"to": "x"}},
        {"arguments": {"to": ["x", {"mentioned": "often"}]}},
    ],
)
def test_claims_of_the_wrong_form_say_nothing(claims: Json) -> None:
    """A record of a log that holds them is judged as one without."""
    assert _reasons("mail:Send", Argument(name="to", fact="party"), claims=claims) == {
        ("DENY", "provenance:to:party")
    }


@pytest.mark.parametrize(
    ("claims", "field"),
    [
        ([], "context.provenance"),
        ({"x": 1}, "context.provenance.x"),
        ({"requested": "yes"}, "context.provenance.requested"),
        ({"amount": -1}, "context.provenance.amount"),
        ({"amount": True}, "context.provenance.amount"),
        ({"arguments": []}, "context.provenance.arguments"),
        ({"arguments": {"to": [1]}}, "context.provenance.arguments.to"),
        ({"arguments": {"to": [{}] * 1_001}}, "context.provenance.arguments.to"),
    ],
)
def test_claims_of_the_wrong_form_are_refused_by_field(claims: Json, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_claims(_asking({"provenance": claims}))
    assert refused.value.field == field


@pytest.mark.parametrize(
    "claims", [None, {}, {"requested": "delegated", "amount": 2, "arguments": {"to": [{"mentioned": 1}]}}]
)
def test_claims_of_the_right_form_are_taken(claims: Json) -> None:
    """Whatever may be said may also be left out."""
    argument = Argument(name="to", fact="clean", designation=3)
    check_claims(_asking({"provenance": claims}, argument))
    check_claims(_asking({}, argument))


@pytest.mark.parametrize(
    ("argument", "field"),
    [
        (Argument(name="to", fact="fine"), "arguments.1.fact"),
        (Argument(name="to", designation=4), "arguments.1.designation"),
    ],
)
def test_facts_that_are_none_are_refused_by_place(argument: Argument, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        check_claims(_asking({}, FINE, argument))
    assert refused.value.field == field


def test_a_table_after_a_pattern_is_asked_when_it_completes() -> None:
    """The pattern is there, nothing completes it, and so nothing is asked."""
    steps = {"a": {"effects": ["read"], "then": "b"}, "b": {"effects": ["send"]}}
    pattern = {"id": "first", "on_match": "monitor", "steps": steps}
    told = _reasons(
        "mail:Send",
        Argument(name="to", fact="from_untrusted"),
        claims=ASKED,
        provenance={**_PROVENANCE, "after": ["first"]},
        patterns=[pattern],
    )
    assert told == set()


def test_a_milder_fact_changes_nothing() -> None:
    """A report that shows where a value came from never makes a claim better, nor does one of another argument's role."""
    seen = Sightings()
    seen.add("s", ["p.em.aaaaaaaa", "p.url.aaaaaaaa"])
    denied = {**_PROVENANCE, "table": [{**_ROW, "unprovenanced": "deny"}, _DENIED]}
    argument = Argument(name="to", fact="unprovenanced", tokens=("em.aaaaaaaa",))
    told = _reasons("mail:Send", argument, claims=ASKED, seen=seen, provenance=denied)
    assert told == {("DENY", "provenance:to:unprovenanced")}
    url = Argument(name="url", fact="unprovenanced", tokens=("url.aaaaaaaa",))
    note = Argument(name="note", role="content", fact="from_untrusted")
    told = _reasons("web:Fetch", url, note, claims=ASKED, seen=seen)
    assert told == {("DENY", "provenance:url:unprovenanced")}


def test_a_session_that_saw_too_much_can_tell_nothing_from_absence() -> None:
    """Cut by the enforcement point or by our own limit, its sightings are no longer whole; unreadable tokens are left out."""
    seen = Sightings()
    assert not seen.is_whole("s")
    seen.add("s", ["no token", "t.em.aaaaaaaa"])
    assert seen.is_whole("s")
    assert list(seen.of("s")) == ["em.aaaaaaaa"]
    seen.add("s", ["cut"])
    assert not seen.is_whole("s")
    seen.forget("s")
    seen.add("s", (f"t.w.{number:08d}" for number in range(MAX_TOKENS + 1)))
    assert not seen.is_whole("s")
    assert len(seen.of("s")) == MAX_TOKENS
