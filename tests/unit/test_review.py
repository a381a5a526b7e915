"""What an approval covers, and what makes a request the same one (rule R12)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from graphsvc.core.record import Approved, Decided, Rejected
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.review import covered_by, refusal_of, review_of
from graphsvc.core.state import Overlay
from graphsvc.core.verdict import Completion, PathStep, Reason, ReasonCode, Verdict
from graphsvc.core.world import World

REQUEST = AccessRequest(
    id="e2", chain="c", subject=Entity("agent", "bot"), action="m:Send", resource=Entity("box", "b1"),
    session="s", parent_chain="p", intent={"text": "x"}, executed=False, context={"n": 1}, action_properties={"sum": 9},
)  # fmt: skip
DANA = Entity("human", "dana")


def step(name: str, action: str) -> PathStep:
    return PathStep(
        step=name, action=action, action_name="m:Read", subject="bot", resource="box:b1", chain="c", index=1, at_ms=0
    )  # fmt: skip


def completion(*actions: str) -> Completion:
    path = tuple(step(f"s{place}", action) for place, action in enumerate(actions))
    return Completion(pattern="p", title="t", severity="low", on_match="escalate", path=path, explanation="")


def reason(code: ReasonCode = ReasonCode.pattern_completed, rule: str = "p") -> Reason:
    return Reason(code, "told", Verdict.ESCALATE, rule)


DECIDED = Decided(
    at_ms=1, request=REQUEST, verdict=Verdict.ESCALATE,
    reasons=(reason(), reason(ReasonCode.risk_threshold, "escalate_at"), Reason(ReasonCode.observe_only, "", Verdict.PERMIT, "o")),
    completions=(completion("e0", "e1", "e2"),), session="s", index=1,
)  # fmt: skip
APPROVED = Approved(at_ms=7, decision="e2", person=DANA, reason="known", until_ms=9)


def test_a_review_says_who_when_and_why() -> None:
    """Of an approval and of a rejection, which has no end."""
    review = review_of(DECIDED, APPROVED)
    assert (review.decision, review.approved, review.by) == ("e2", True, "dana")
    assert (review.at_ms, review.reason, review.until_ms, review.used_by) == (7, "known", 9, None)
    rejected = review_of(DECIDED, Rejected(at_ms=8, decision="e2", person=DANA, reason="no"))
    assert (rejected.approved, rejected.at_ms, rejected.reason, rejected.until_ms) == (False, 8, "no", None)


def test_the_same_request_is_the_same_whatever_its_place() -> None:
    """Its id, the review, what is known of its execution and what only a chain's first record says do not matter."""
    review = review_of(DECIDED, APPROVED)
    again = replace(
        REQUEST, id="e9", review="e2", executed=True, session=None, parent_chain=None, intent=None
    )
    assert refusal_of(review, again, 9) is None
    for other in (
        replace(again, chain="d"),
        replace(again, context={"n": 2}),
        replace(again, labels=("x",)),
        replace(again, subject=Entity("agent", "bot2")),
        replace(again, on_behalf_of=(DANA,)),
        replace(again, action_properties={"sum": 8}),
    ):
        refused = refusal_of(review, other, 9)
        assert refused is not None
        assert refused.message == "review `e2` is of another request"


def test_an_approver_may_put_other_values_in_place() -> None:
    """Then the request must be asked for with these, and is told so otherwise."""
    review = review_of(DECIDED, replace(APPROVED, narrowed={"sum": 5}))
    again = replace(REQUEST, id="e9", review="e2")
    refused = refusal_of(review, again, 9)
    assert refused is not None
    assert refused.message == (
        "review `e2` is of another request, or was approved with narrower properties of the action"
    )
    assert refusal_of(review, replace(again, action_properties={"sum": 5}), 9) is None


def test_an_approval_is_for_once_and_for_a_while() -> None:
    """Used, or asked for later than its last moment, it helps no more."""
    review, again = review_of(DECIDED, replace(APPROVED, until_ms=50)), replace(REQUEST, id="e9", review="e2")
    assert refusal_of(review, again, 50) is None
    late = refusal_of(review, again, 51)
    assert late is not None
    assert late.message == "the approval of review `e2` has expired"
    rejected = refusal_of(replace(review, approved=False), again, 50)
    assert rejected is not None
    assert rejected.code is ReasonCode.review_rejected
    used = refusal_of(replace(review, used_by="e8"), again, 50)
    assert used is not None
    assert used.message == "review `e2` was used before"


@pytest.mark.parametrize(
    ("told", "completed", "covered"),
    [
        (reason(), completion("e0", "e1", "e9"), True),  # the last step is the action that asks again
        (reason(), completion("e0", "e7", "e9"), False),
        (reason(), completion("e7", "e1", "e9"), False),
        (reason(), completion("e1", "e9"), False),
        (reason(ReasonCode.risk_threshold, "escalate_at"), completion("e7", "e9"), True),
        (reason(ReasonCode.risk_threshold, "deny_at"), completion("e7", "e9"), False),
        (reason(ReasonCode.key_missing, "p"), completion("e0", "e1", "e9"), False),
        (Reason(ReasonCode.pattern_completed, "", Verdict.DENY, "p"), completion("e0", "e1", "e9"), False),
        (Reason(ReasonCode.observe_only, "", Verdict.ESCALATE, "o"), completion("e0", "e9"), False),
    ],
)
def test_an_approval_covers_the_very_reasons_that_were_shown(
    told: Reason, completed: Completion, *, covered: bool
) -> None:
    """The code, the rule and the path up to the action; only what escalated."""
    assert covered_by(review_of(DECIDED, APPROVED), told, (completed,)) is covered


def test_a_review_used_in_the_same_batch_is_used() -> None:
    """What is judged but not folded yet counts too."""
    world = World(entitlement="off")
    world.reviews["e2"] = replace(review_of(DECIDED, APPROVED), until_ms=None)
    again = replace(REQUEST, id="e9", review="e2", executed=True)
    view = Overlay(world.state)
    free = world.evaluate(again, 10, view)
    assert free.verdict is Verdict.PERMIT
    view.merge({("v", "e2"): "e8"})
    (used,) = world.evaluate(again, 10, view).reasons
    assert used.message == "review `e2` was used before"
    view.merge({("v", "other"): "e8"})
    (unknown,) = world.evaluate(replace(again, review=""), 10, view).reasons
    assert unknown.message == "review `` is not approved"
