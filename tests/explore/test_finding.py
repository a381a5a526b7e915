"""Findings as people work with them: grouped, ranked, owned, accepted for a time, compared with a baseline."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.explore.combination import combinations
from graphsvc.explore.comparison import compare
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.finding import Finding, Status, findings
from graphsvc.explore.register import Entry
from graphsvc.explore.sarif import to_sarif
from graphsvc.explore.unused import Use, unused_rights
from tests.cli.command import graphsvc

PACK = """\
graphsvc: 1
pack: {id: pay, version: "3", data_date: "2026-11-01"}
patterns:
  - id: create-and-pay
    title: Creates vendors and pays them
    severity: high
    on_match: deny
    rights: {all_of: [{right: "erp:CreateVendor"}, {right: "erp:Pay"}]}
"""
TODAY = date(2026, 11, 29)


def _view(*members: str, alone: tuple[str, ...] = ()) -> EstateView:
    nodes = [
        *(Node(key=f"identity:{name}", fields={"kind": "human"}) for name in (*members, *alone)),
        Node(key="group:clerks"),
        Node(key="permission:create", fields={"actions": ["erp:CreateVendor"], "resources": ["*"]}),
        Node(key="permission:pay", fields={"actions": ["erp:P*", "erp:Refund"], "resources": ["*"]}),
    ]
    edges = [
        *(Edge(type="MEMBER_OF", start=f"identity:{name}", end="group:clerks") for name in members),
        *(Edge(type="GRANTED", start="group:clerks", end=f"permission:{name}") for name in ("create", "pay")),
        *(
            Edge(type="GRANTED", start=f"identity:{who}", end=f"permission:{name}")
            for who in alone
            for name in ("create", "pay")
        ),
    ]
    return view_of(nodes, edges, [load_policy(PACK, "pay.yaml")])


def _findings(view: EstateView, **more: Any) -> list[Finding]:
    found = combinations(view, view.identities())
    return findings(found, view.ruleset, today=TODAY, **more)


def test_a_thousand_members_of_a_group_are_one_finding() -> None:
    """Whoever holds the same by the same way is one row; holding it directly is another finding."""
    many = [f"clerk{number}" for number in range(1000)]
    found = _findings(_view(*many, alone=("ann",)))
    assert [len(each.identities) for each in found] == [1000, 1]
    assert (found[0].pack, found[0].version, found[0].data_date) == ("pay", "3", "2026-11-01")


def test_a_fingerprint_stays_while_others_come_and_go() -> None:
    before, after = _findings(_view("ann", "bob")), _findings(_view("bob", "cat", "dan"))
    assert before[0].fingerprint == after[0].fingerprint


def test_with_a_baseline_only_what_it_lacks_is_new() -> None:
    """One more member is new; nobody is, when nobody came."""
    (old,) = _findings(_view("ann"))
    known = {old.fingerprint: list(old.identities)}
    assert not _findings(_view("ann"), baseline=known)[0].is_new
    (more,) = _findings(_view("ann", "bob"), baseline=known)
    assert more.fresh == ("bob",)


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (Entry(pattern="create-*", owner="finance", due=date(2026, 11, 28)), Status.overdue),
        (Entry(owner="finance", due=TODAY), Status.open),
        (Entry(identity="a*", accepted_until=TODAY, accepted_by="dana", reason="migration"), Status.accepted),
        (Entry(accepted_until=date(2026, 11, 28), due=date(2026, 11, 28)), Status.overdue),
        (Entry(pattern="other", accepted_until=TODAY), Status.open),
    ],
)
def test_the_register_says_what_becomes_of_a_finding(entry: Entry, status: Status) -> None:
    """An accepted risk lapses after its day, and what is due is overdue on the day after."""
    (found,) = _findings(_view("ann"), register=[entry])
    assert (found.status, found.owner) == (status, entry.owner if entry.pattern != "other" else "")


def test_sarif_says_rule_place_state_and_acceptance() -> None:
    view = _view("ann")
    entry = Entry(accepted_until=TODAY, accepted_by="dana", reason="migration")
    found = _findings(view, register=[entry], baseline={})
    sarif: Any = to_sarif(found, view.ruleset, version="1", revision="r.1", compared=True)
    run = sarif["runs"][0]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"], result["baselineState"]) == ("create-and-pay", "error", "new")
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "create-and-pay"
    assert result["suppressions"][0]["justification"] == "migration"
    assert result["partialFingerprints"] == {"graphsvc/v1": found[0].fingerprint}


def test_what_got_worse_and_better() -> None:
    """Bob joined the clerks, Ann left."""
    found = compare(_view("ann"), _view("bob"))
    assert [each.identity for each in found.appears] == ["bob"]
    assert [each.identity for each in found.vanishes] == ["ann"]
    assert (found.joined, found.left, found.is_worse) == (("bob",), ("ann",), True)
    assert not compare(_view("ann"), _view("ann")).is_worse


def test_unused_rights_can_go_and_wide_ones_can_be_narrowed() -> None:
    """Nobody ever created a vendor; of paying and refunding only paying was done."""
    view = _view("ann", "bob")
    found = unused_rights(view, [Use("identity:ann", "erp:Pay", "resource:invoice:1", 7)])
    told = {each.permission: (each.holder, each.used, each.last_ms, each.members) for each in found}
    assert told == {
        "permission:create": ("group:clerks", (), None, 2),
        "permission:pay": ("group:clerks", ("erp:Pay",), 7, 2),
    }
    assert [each.narrower for each in found] == [False, True]


def test_on_the_command_line(tmp_path: Path) -> None:
    """Baseline written, nothing new; one more member fails the build; accepted it does not."""
    store, pack = f"sqlite:///{tmp_path / 'g.db'}", tmp_path / "pay.yaml"
    pack.write_text(PACK)

    def estate(*members: str) -> Path:
        lines: list[Any] = [{"node": {"type": "identity", "id": name, "kind": "human"}} for name in members]
        lines += [{"node": {"type": "group", "id": "clerks"}}]
        lines += [{"node": {"type": "permission", "id": "p", "actions": ["erp:*"], "resources": ["*"]}}]
        lines += [
            {"edge": {"type": "MEMBER_OF", "from": f"identity:{name}", "to": "group:clerks"}}
            for name in members
        ]
        lines += [{"edge": {"type": "GRANTED", "from": "group:clerks", "to": "permission:p"}}]
        path = tmp_path / f"{len(members)}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))
        graphsvc("import", "jsonl", path, "--source", "hr", "--replace", "--store", store)
        return path

    first = estate("ann")
    common = ("--policy", pack, "--store", store)
    baseline, risks = tmp_path / "b.json", tmp_path / "risks.yaml"
    assert graphsvc("explore", "findings", "--write-baseline", baseline, *common).code == 0
    asked = ("explore", "findings", "--baseline", baseline, "--fail-on", "new", *common)
    assert graphsvc(*asked).code == 0
    estate("ann", "bob")
    assert graphsvc(*asked).code == 1
    assert graphsvc("explore", "compare", first, "--fail-on-worse", *common).code == 1
    risks.write_text(
        "findings: [{pattern: '*', accepted_until: 2999-01-01, accepted_by: dana, reason: pilot}]"
    )
    assert graphsvc(*asked, "--register", risks).code == 0
    risks.write_text("findings: [{pattern: '*', accepted_until: 2999-01-01}]")
    refused = graphsvc(*asked, "--register", risks)
    assert (refused.code, "somebody answers for a risk" in refused.error) == (2, True)
    sarif = graphsvc("explore", "findings", "--format", "sarif", *common).json()
    assert sarif["runs"][0]["results"][0]["properties"]["identities"] == 2
    unused = graphsvc("explore", "unused", "--format", "json", *common).json()
    assert [row["suggestion"] for row in unused["unused"]] == ["remove"]
