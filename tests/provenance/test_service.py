"""Provenance in the running service: facts, tokens of reports, reviews, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from graphsvc.errors import BadInput
from graphsvc.testing import LocalPdp
from tests.provenance.desk import asked, desk, mail

NEW = "new@acme.example"
TOKEN = "em.0123456789abcdef"


@pytest.fixture
def pdp() -> Iterator[LocalPdp]:
    """A service whose chain c1 has read foreign mail."""
    with desk() as opened:
        read = opened.decide(asked("gmail:read_email"))
        assert read.permitted
        opened.report(read.id, tokens=[f"m.{TOKEN}"])
        yield opened


def test_a_reason_names_fact_and_argument(pdp: LocalPdp) -> None:
    """Who is refused for a value's origin learns which argument, and which fact."""
    decision = pdp.decide(mail(NEW, "from_untrusted"))
    reason = next(reason for reason in decision.reasons if reason.code == "provenance")
    assert (decision.verdict, reason.rule) == ("DENY", "provenance:to:from_untrusted")
    assert "`to`" in reason.message


def test_a_named_destination_is_permitted(pdp: LocalPdp) -> None:
    """What the request itself names and asks for passes."""
    assert pdp.decide(mail(NEW, "named_by_intent")).permitted


def test_a_report_shows_that_a_claim_is_too_good(pdp: LocalPdp) -> None:
    """A value said to be clean that was reported from inside foreign text alone is judged as from there."""
    assert pdp.decide(mail(NEW, "clean", tokens=["em.fedcba9876543210"])).verdict == "ESCALATE"
    decision = pdp.decide(mail(NEW, "clean", tokens=[TOKEN]))
    assert [reason.rule for reason in decision.reasons if reason.code == "provenance"] == [
        "provenance:to:from_untrusted"
    ]


def test_the_request_s_tokens_show_what_it_names() -> None:
    """With tokens in the intent, a value claimed to be named that is not among them counts as never seen."""
    with desk() as pdp:
        pdp.open_chain("c1", intent={"text": "mail it", "tokens": [TOKEN]})
        assert pdp.decide(asked("gmail:read_email")).permitted
        assert pdp.decide(mail(NEW, "named_by_intent", tokens=[TOKEN])).permitted
        other = pdp.decide(mail(NEW, "named_by_intent", tokens=["em.fedcba9876543210"]))
        assert other.verdict == "PERMIT"  # nothing was reported yet, so absence shows nothing
        read = pdp.decide(asked("gmail:read_email"))
        pdp.report(read.id, tokens=["m.em.fedcba9876543210"])
        assert pdp.decide(mail(NEW, "named_by_intent", tokens=["em.fedcba9876543210"])).verdict == "DENY"


def test_whom_the_principal_knows_is_clean(pdp: LocalPdp) -> None:
    """The graph makes a value good that no result held."""
    assert pdp.decide(mail("partner@acme.example", "unprovenanced")).permitted
    assert pdp.decide(mail(NEW, "unprovenanced")).verdict == "ESCALATE"


def test_foreign_text_that_speaks_of_somebody_known_contests_them(pdp: LocalPdp) -> None:
    """A known address that foreign text mentions is asked about; a claim without that detail counts as mentioned."""
    assert pdp.decide(mail("partner@acme.example", "from_untrusted", mentioned=0)).verdict == "ESCALATE"
    assert pdp.decide(mail("partner@acme.example", "from_untrusted")).verdict == "ESCALATE"
    assert pdp.decide(mail("partner@acme.example", "contested", mentioned=2)).permitted


def test_a_missing_fact_is_the_worst(pdp: LocalPdp) -> None:
    """Where facts are required a destination without one is refused."""
    decision = pdp.decide(asked("gmail:send_email", properties={"to": [NEW]}))
    assert decision.verdict == "DENY"
    assert "provenance" in [reason.code for reason in decision.reasons]


def test_before_foreign_text_nothing_is_asked() -> None:
    """An agent that has read nothing foreign acts freely."""
    with desk() as pdp:
        assert pdp.decide(mail(NEW, "from_untrusted", requested="unrequested")).permitted


def test_effects_of_the_intent_say_what_is_requested() -> None:
    """Declared effects replace what the client read out of words."""
    with desk() as pdp:
        pdp.open_chain("c1", intent={"effects": ["read", "send"]})
        assert pdp.decide(asked("gmail:read_email")).permitted
        assert pdp.decide(mail(NEW, "named_by_intent", requested="unrequested")).permitted


def test_an_approval_covers_the_reason_that_was_shown(pdp: LocalPdp) -> None:
    """A person's yes lets exactly this request through, once."""
    request = mail(NEW, "unprovenanced")
    held = pdp.decide(request)
    assert held.verdict == "ESCALATE"
    assert held.review is not None
    pdp.approve(held.review.id)
    assert pdp.decide({**request, "review": held.review.id}).permitted
    assert pdp.decide({**request, "review": held.review.id}).verdict == "DENY"


def test_evaluate_says_what_decide_would(pdp: LocalPdp) -> None:
    """The pure question gives the same verdict and reasons."""
    request = mail(NEW, "designated_many")
    told = pdp.evaluate(request)
    decision = pdp.decide(request)
    assert (told.verdict, [each.rule for each in told.reasons]) == (
        decision.verdict, [each.rule for each in decision.reasons],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"arguments": [{"name": "to", "fact": "cleen"}]}, "arguments.0.fact"),
        ({"arguments": [{"name": "to", "fact": "clean", "designation": 4}]}, "arguments.0.designation"),
        ({"context": {"provenance": {"requested": "yes"}}}, "context.provenance.requested"),
        ({"context": {"provenance": {"asked": 1}}}, "context.provenance.asked"),
        ({"context": {"provenance": {"arguments": {"to": 1}}}}, "context.provenance.arguments.to"),
        ({"context": {"provenance": {"amount": -1}}}, "context.provenance.amount"),
    ],
)
def test_what_cannot_be_judged_is_refused_by_field(
    pdp: LocalPdp, change: dict[str, object], field: str
) -> None:
    """A claim in the wrong form is the caller's mistake, and names its field."""
    with pytest.raises(BadInput) as error:
        pdp.decide(asked("gmail:send_email") | change)
    assert error.value.field == field


def test_where_and_what_in_doubt_together_are_refused(pdp: LocalPdp) -> None:
    """An unknown link to a destination that was named is a question; to one that is in doubt too, it is none."""
    body = {"name": "body", "role": "content", "fact": "designated", "tokens": []}
    for fact, verdict in (("named_by_intent", "ESCALATE"), ("designated", "DENY")):
        asked_for = mail(NEW, fact)
        decision = pdp.decide({**asked_for, "arguments": [*asked_for["arguments"], body]})
        assert decision.verdict == verdict
        assert "provenance:body:designated" in [reason.rule for reason in decision.reasons]


def test_what_no_text_speaks_of_may_be_done_for_an_open_request(pdp: LocalPdp) -> None:
    """Where the request leaves it to a text, a clean destination passes and a contested one asks."""
    assert pdp.decide(mail(NEW, "clean", requested="delegated")).permitted
    assert pdp.decide(mail(NEW, "contested", requested="delegated")).verdict == "ESCALATE"
