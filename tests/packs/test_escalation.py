"""Escalation in AWS accounts: each set of rights gives what it says, and none of its rights can be left out."""

from __future__ import annotations

import json
import re

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.gain.closure import Closure
from graphsvc.core.gain.gains import Gains
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.lint import lint
from graphsvc.core.policy.load import load_policy
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.value import Json
from graphsvc.packs import pack_file, pack_text
from tests.support.requirement import real_data_folder

PACK = load_policy(pack_text("aws_escalation"), pack_file("aws_escalation"))
RULES = compile_ruleset([PACK])
ACCOUNT = "arn:aws:iam::123456789012"
ROLE, OTHER, BOT = (f"identity:{ACCOUNT}:{name}" for name in ("role/target", "user/other", "user/bot"))
STATEMENT = f"permission:{ACCOUNT}:policy/written#0"
THING = "resource:aws:arn:aws:any::123456789012:thing"


def _identity(key: str, aws_type: str) -> Node:
    properties: dict[str, Json] = {"aws_type": aws_type, "access_key_count": 1}
    return Node(key=key, fields={"kind": "service", "status": "active"}, properties=properties)


def _stands_for(name: str, aws_type: str) -> Node:
    return Node(key=f"resource:aws:{ACCOUNT}:{name}", properties={"aws_type": aws_type})


def _closure(actions: list[str], subject: str = BOT) -> Closure:
    services = re.findall(r'"([a-z0-9.-]+\.amazonaws\.com)"', pack_text("aws_escalation"))
    nodes = [
        _identity(ROLE, "role"),
        _identity(OTHER, "user"),
        _identity(BOT, "user"),
        _identity(f"identity:{ACCOUNT}:root", "account"),
        Node(key=THING, properties={"managed_by": "ssm"}),
        Node(key="permission:p", fields={"actions": [*actions], "resources": ["*"]}),
        Node(key=STATEMENT, fields={"actions": ["any:Look"], "resources": ["*"]}),
        *(Node(key=f"group:{ACCOUNT}:group/{name}") for name in ("mine", "richer")),
        *(_stands_for(f"group/{name}", "group") for name in ("mine", "richer")),
        _stands_for("policy/written", "policy"),
    ]
    edges = [
        Edge(type="GRANTED", start=subject, end="permission:p"),
        Edge(type="MEMBER_OF", start=subject, end=f"group:{ACCOUNT}:group/mine"),
        Edge(type="GRANTED", start=f"group:{ACCOUNT}:group/richer", end=STATEMENT),
        *(Edge(type="GRANTED", start=holder, end=STATEMENT) for holder in (subject, ROLE)),
        Edge(type="RUNS_AS", start=THING, end=ROLE),
        Edge(type="CAN_ASSUME", start=f"identity:{ACCOUNT}:root", end=ROLE),
        *(Edge(type="CAN_ASSUME", start=f"identity:{name}", end=ROLE) for name in services),
    ]
    estate = Estate()
    estate.load("test", nodes, edges, replace=True)
    return Gains(RULES, estate, Rights(estate)).closure(frozenset((subject,)))


def _fired(closure: Closure) -> set[str]:
    return {RULES.patterns[number].id for number, _ in closure.firings}


@pytest.mark.parametrize("pattern", PACK.patterns, ids=lambda pattern: pattern.id)
def test_all_rights_together_give_it_and_fewer_do_not(pattern) -> None:  # type: ignore[no-untyped-def]
    rights = [right.right[0] for right in pattern.rights.all_of]
    # Rights over oneself are a role's where they change roles.
    subject = (
        ROLE if "role" in (pattern.rights.where or "") and "$self" in str(pattern.rights.all_of) else BOT
    )
    whole = _closure(rights, subject)
    assert pattern.id in _fired(whole)
    gives = pattern.rights.gives
    assert whole.admin is gives.admin or gives.admin is False
    if gives.assume is not None and subject == BOT:
        assert (OTHER if gives.assume == "$user" else ROLE) in whole.gained
    for left_out in rights:
        fewer = _closure([right for right in rights if right != left_out], subject)
        # A part of it may be another way to everything.
        assert fewer.admin or pattern.id not in _fired(fewer), left_out


def test_the_pack_is_clean() -> None:
    assert [str(finding) for finding in lint([PACK]) if finding.code != "untested"] == []


def test_every_path_of_the_catalogue_has_its_pattern() -> None:
    catalogue = real_data_folder().parent / "design" / "pathfinding-paths.json"
    if not catalogue.exists():
        pytest.skip("the catalogue of paths is not here")
    paths = json.loads(catalogue.read_text())["paths"]
    ours = {
        pattern.id.removeprefix("aws-"): {right.right[0] for right in pattern.rights.all_of}
        for pattern in PACK.patterns
        if pattern.rights is not None
    }
    assert ours == {path["id"]: set(path["required"]) for path in paths}
