"""The PDP that users put into their own tests, used as they would."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from graphsvc.cli.scenario import run_tests
from graphsvc.client import Denied, Escalated, Task
from graphsvc.core.policy.load import load_policy
from graphsvc.errors import BadInput, PolicyError
from graphsvc.testing import LocalPdp
from tests.api.served import SEND, request
from tests.cli.command import POLICY
from tests.dashboard.test_dashboard import ESCALATING

GRAPH: list[dict[str, Any]] = [
    {"node": {"type": "identity", "id": "bot", "kind": "agent"}},
    {"node": {"type": "permission", "id": "all", "actions": ["*"], "resources": ["*"]}},
    {"edge": {"type": "GRANTED", "from": "identity:bot", "to": "permission:all"}},
]


def test_rules_and_guarded_functions_without_a_server(tmp_path: Path) -> None:
    """Files and texts, a graph as records; the third call is stopped, and time can pass."""
    (tmp_path / "rules.yaml").write_text(POLICY)
    with LocalPdp(tmp_path / "rules.yaml", graph=GRAPH) as pdp:
        assert pdp.decide(request("mail:Read", "mailbox:inbox")).permitted
        done: list[str] = []
        with Task(pdp, "c1", subject="bot") as task:

            @task.guard("crm:Read", "record:1")
            def read() -> None:
                done.append("read")

            @task.guard("mail:Send", "mailbox:inbox", properties=lambda to: {"to": to})
            def send(to: str) -> None:
                done.append(to)

            read()
            with pytest.raises(Denied) as caught:
                send("eve@example.org")
        assert done == ["read"]
        assert caught.value.decision.completions[0].pattern.id == "leak"
        before = pdp.decide(request("mail:Read", "mailbox:inbox", chain="c9")).decided_at
        pdp.advance("2d")
        assert pdp.decide(request("mail:Read", "mailbox:inbox", chain="c9")).decided_at > before
        with pytest.raises(BadInput):
            pdp.advance("soon")


def test_a_review_is_answered_by_somebody_else() -> None:
    """Approved once it goes through, rejected it does not."""
    with LocalPdp(ESCALATING, graph=GRAPH) as pdp:
        for answer, goes in ((pdp.approve, True), (pdp.reject, False)):
            asked = pdp.decide(request("erp:Delete", "vendor:1", chain=str(goes)))
            assert asked.review is not None
            answer(asked.review.id)
            again = pdp.decide(request("erp:Delete", "vendor:1", chain=str(goes), review=asked.review.id))
            assert again.permitted is goes
        with pytest.raises(Escalated):
            Task(pdp, "c9", subject="bot").decide("erp:Delete", "vendor:2")


def test_what_is_wrong_is_told_on_entering(tmp_path: Path) -> None:
    """A policy with its line, a graph with its field; an empty PDP denies everything; a closed one says so."""
    with (
        pytest.raises(PolicyError),
        LocalPdp("graphsvc: 1\npack: {id: x, version: 1}\npatterns: [{id: 7}]\n"),
    ):
        pass
    with pytest.raises(BadInput, match=r"records\.0"), LocalPdp(graph=[{"nod": {}}]):
        pass
    with LocalPdp() as pdp:
        assert [reason.code for reason in pdp.decide(request(SEND)).reasons] == ["subject_unknown"]
    with pytest.raises(BadInput, match="not open"):
        LocalPdp().approve("r")


def test_what_happened_becomes_a_test_of_the_rules(tmp_path: Path) -> None:
    """The recorded chain passes under the rules it was recorded with, and fails once they answer otherwise."""
    with LocalPdp(ESCALATING, graph=GRAPH) as pdp, Task(pdp, "c1", subject="bot") as task:
        asked = pdp.decide(task.request("erp:Delete", "vendor:1"))
        assert asked.review is not None
        pdp.approve(asked.review.id)
        pdp.advance("10m")
        again = pdp.decide({**task.request("erp:Delete", "vendor:1"), "review": asked.review.id})
        pdp.report(again.id, labels=["sensitive"])
        assert pdp.decide(task.request("erp:Read", "vendor:1")).permitted
        told = pdp.recorded("an approved delete")
    rules = ESCALATING.partition("tests:")[0] + "tests:\n" + textwrap.indent(told, "  ")
    assert _failures(rules) == []
    assert len(_failures(rules.replace("on_match: escalate", "on_match: deny"))) == 2


def _failures(rules: str) -> list[str]:
    return [str(failure) for failure in run_tests([load_policy(rules, "rules.yaml")])[1]]
