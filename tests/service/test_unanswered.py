"""What happens when a condition of a rule cannot be answered: it errs on the safe side, and the log of the service says so."""

from __future__ import annotations

import logging

import pytest

from graphsvc.core.policy.load import load_policy
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.verdict import Verdict
from graphsvc.decide.unanswered import Unanswered
from graphsvc.store.memory import open_memory
from tests.service.harness import ADMIN, serving

pytestmark = pytest.mark.anyio

PACK = """
graphsvc: 1
pack: {id: asks, version: "1"}
patterns:
  - id: large
    on_match: deny
    steps: {pay: {action: "bank:Pay", when: "context.sum > 10"}}
    unless: [{action: "mail:Send", when: "context.safe == true"}]
"""


async def test_a_risk_counts_as_true_a_guard_as_false_and_both_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """By pattern and condition, with how often."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.service.publish_policy(ADMIN, [(PACK, "asks.yaml")], "")
        assert (await harness.act("bank:Pay", "account:1", context={"sum": 1})).verdict is Verdict.PERMIT
        harness.service._unanswered = Unanswered(every_s=0)
        caplog.set_level(logging.WARNING, "graphsvc.rules")
        # It could not say that it is safe, so it is no guard.
        await harness.act("mail:Send", to="alice@acme.example")
        assert (await harness.act("bank:Pay", "account:1", context={})).verdict is Verdict.DENY
        assert (await harness.act("bank:Pay", "account:1", context={"sum": "x"})).verdict is Verdict.DENY
    told = [
        (record.message, record.__dict__["pattern"], record.__dict__["condition"])
        for record in caplog.records
        if record.name == "graphsvc.rules"
    ]
    once = ("condition_unanswered", "large", "context.sum > 10")
    assert told == [("condition_unanswered", "large", "context.safe == true"), once, once]


def test_a_condition_is_told_of_once_a_while(caplog: pytest.LogCaptureFixture) -> None:
    """With all that came since, and at once under other rules."""
    now = [100.0]
    rules, others = (compile_ruleset([load_policy(PACK, "asks.yaml")]) for _ in range(2))
    unanswered = Unanswered(clock=lambda: now[0], every_s=60)
    caplog.set_level(logging.WARNING, "graphsvc.rules")

    def fail(ruleset: object, times: int) -> list[int]:
        caplog.clear()
        when = ruleset.patterns[0].steps[0].matcher.when  # type: ignore[attr-defined]
        when.unanswered += times
        unanswered.look(ruleset)  # type: ignore[arg-type]
        return [record.__dict__["times"] for record in caplog.records]

    assert fail(rules, 2) == [2]
    now[0] += 59
    assert fail(rules, 3) == []
    now[0] += 1
    assert fail(rules, 0) == [3]
    assert fail(others, 1) == [1]
