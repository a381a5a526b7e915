"""Exploration of a real account and of a small company: what is found, why, and what is rightly not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from graphsvc.cli.main import app
from tests.support.requirement import real_data_folder

ACCOUNT = "arn:aws:iam::200611803367"
# Names of users in the account say what each of them was made to be able to do.
RIGHTLY = {
    "privesc1-CreateNewPolicyVersion": "aws-iam-001",
    "privesc3-CreateEC2WithExistingInstanceProfile": "aws-ec2-001",
    "privesc4-CreateAccessKey": "aws-iam-002",
    "privesc5-CreateLoginProfile": "aws-iam-004",
    "privesc6-UpdateLoginProfile": "aws-iam-006",
    "privesc7-AttachUserPolicy": "aws-iam-008",
    "privesc8-AttachGroupPolicy": "aws-iam-010",
    "privesc10-PutUserPolicy": "aws-iam-007",
    "privesc11-PutGroupPolicy": "aws-iam-011",
    "privesc13-AddUserToGroup": "aws-iam-013",
    "privesc14-UpdatingAssumeRolePolicy": "aws-iam-012",
    "privesc15-PassExistingRoleToNewLambdaThenInvoke": "aws-lambda-001",
    "privesc16-PassRoleToNewLambdaThenTriggerWithNewDynamo": "aws-lambda-002",
    "privesc18-PassExistingRoleToNewGlueDevEndpoint": "aws-glue-001",
    "privesc20-PassExistingRoleToCloudFormation": "aws-cloudformation-001",
    "privesc21-PassExistingRoleToNewDataPipeline": "aws-datapipeline-001",
    "privesc-codeBuildCreateProjectPassRole": "aws-codebuild-001",
    "privesc-sageMakerCreateNotebookPassRole": "aws-sagemaker-001",
    "privesc-sageMakerCreateTrainingJobPassRole": "aws-sagemaker-002",
    "privesc-sageMakerCreateProcessingJobPassRole": "aws-sagemaker-003",
    "fn2-exploitableResourceConstraint": "aws-iam-001",
    "fn4-exploitableNotAction": "aws-iam-007",
}


VERSIONS = {
    "aws-escalation": "1.2.0", "aws-exposure": "1.0.0", "kubernetes-escalation": "1.1.0", "held-duties": "1.1.0",
}  # fmt: skip


def _run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == code, result.output
    return result.stdout


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with the real account."""
    folder = real_data_folder() / "aws"
    store = f"sqlite:///{tmp_path_factory.mktemp('account') / 'g.db'}"
    managed = str(folder / "managed-policies.jsonl.gz")
    _run(
        "import", "aws", str(folder / "account-large.json"), "--source", "aws", "--managed-policies", managed,
        "--store", store,
    )  # fmt: skip
    return store


def test_every_user_made_vulnerable_is_found_with_its_reason(account: str) -> None:
    answer = json.loads(_run("explore", "combinations", "--format", "json", "--store", account))
    assert answer["complete"] is True
    assert answer["packs"] == VERSIONS
    found = {(each["identity"], each["pattern"]): each for each in answer["combinations"]}
    for name, pattern in RIGHTLY.items():
        assert (f"{ACCOUNT}:user/{name}-user", pattern) in found
    for each in answer["combinations"]:
        for held in each["permissions"]:
            assert held["via"], each
            assert held["via"][0]["from"] == f"identity:{each['identity']}"
            assert held["via"][-1]["to"] == held["permission"]
    # Allowed here and denied there: a trap for tools that read each policy alone.
    quiet = ("fp1-allow-and-deny", "fp2-allow-and-deny-multiple-policies", "fp3-deny-iam")
    assert not {
        identity for identity, _ in found if identity.startswith(tuple(f"{ACCOUNT}:user/{q}" for q in quiet))
    }
    # A condition decides, and nobody here can: said so, neither claimed nor dropped.
    condition = found[f"{ACCOUNT}:user/fn3-exploitableConditionConstraint-user", "aws-iam-001"]
    assert condition["certainty"] == "unknown"
    assert condition["permissions"][0]["conditions"]


def test_a_path_to_everything_is_told_hop_by_hop(account: str) -> None:
    start = f"{ACCOUNT}:user/privesc15-PassExistingRoleToNewLambdaThenInvoke-user"
    asked = ("explore", "paths", "--from", start, "--to", "admin", "--store", account)
    answer = json.loads(_run(*asked, "--format", "json"))
    hops = answer["paths"][0]["hops"]
    role = f"{ACCOUNT}:role/privesc-high-priv-service-role"
    assert [(hop["from"], hop["to"], hop["how"], hop.get("pattern")) for hop in hops] == [
        (start, role, "combination", "aws-lambda-001"),
        (role, "admin", "holds all", None),
    ]
    assert hops[0]["rights"][0] == f"iam:PassRole on {role}"
    assert answer["truncated"] is False
    assert f"-> {role}  (aws-lambda-001: iam:PassRole" in _run(*asked)


def test_no_path_is_exit_1_and_an_unknown_name_is_exit_2(account: str) -> None:
    start = f"{ACCOUNT}:user/fp3-deny-iam-user"
    assert (
        _run("explore", "paths", "--from", start, "--to", "admin", "--store", account, code=1) == "no path\n"
    )
    result = CliRunner().invoke(app, ["explore", "paths", "--from", "fp3-deny-iam-usr", "--store", account])
    assert result.exit_code == 2
    assert f"did you mean `{start}`?" in result.output


def test_a_limit_is_said(account: str) -> None:
    answer = json.loads(
        _run("explore", "combinations", "--limit", "3", "--format", "json", "--store", account)
    )
    assert (len(answer["combinations"]), answer["complete"], answer["truncated"]) == (3, False, True)
    start = f"{ACCOUNT}:user/privesc15-PassExistingRoleToNewLambdaThenInvoke-user"
    short = ("explore", "blast-radius", "--from", start, "--max-hops", "1", "--store", account)
    assert json.loads(_run(*short, "--format", "json"))["truncated"] is True


def test_findings_can_fail_a_build(account: str) -> None:
    only = ("explore", "combinations", "--pattern", "aws-iam-001", "--store", account)
    _run(*only, "--fail-on", "critical", code=1)
    _run(*only, "--identity", f"{ACCOUNT}:user/fp3-deny-iam-user", "--fail-on", "low", code=0)


def test_the_gravest_come_first(account: str) -> None:
    """What a limit leaves out is never graver than what is shown, and counts for a build all the same."""
    asked = ("explore", "combinations", "--store", account, "--format", "json")
    every = [each["severity"] for each in json.loads(_run(*asked))["combinations"]]
    assert every == sorted(every, key=["critical", "high", "medium", "low"].index)
    shown = json.loads(_run(*asked, "--limit", "1", "--fail-on", "medium", code=1))
    assert [each["severity"] for each in shown["combinations"]] == ["critical"]
    assert (shown["complete"], shown["truncated"]) == (False, True)


def test_what_a_grant_would_bring_and_take(account: str) -> None:
    """Taking the one grant away undoes the combination; giving it to another brings it about."""
    user = f"identity:{ACCOUNT}:user/privesc15-PassExistingRoleToNewLambdaThenInvoke-user"
    other = f"identity:{ACCOUNT}:user/fp3-deny-iam-user"
    found = json.loads(
        _run("explore", "combinations", "--identity", user, "--pattern", "aws-lambda-001", "--format", "json",
             "--store", account)
    )["combinations"][0]  # fmt: skip
    (edge,) = found["permissions"][1]["via"]
    grant = f"{edge['from']} -{edge['type']}-> {edge['to']}"
    asked = ("--store", account, "--format", "json")
    less = json.loads(_run("explore", "what-if", "--remove", grant, *asked))
    assert less["appears"] == []
    assert [(each["identity"], each["pattern"]) for each in less["vanishes"]] == [
        (user.removeprefix("identity:"), "aws-lambda-001")
    ]
    more = f"{other} -GRANTED-> {edge['to']}"
    gained = json.loads(_run("explore", "what-if", "--add", more, *asked))
    # The user is denied all of IAM: passing a role too.
    assert gained["appears"] == []
    fresh = f"identity:{ACCOUNT}:user/privesc9-AttachRolePolicy-user -GRANTED-> {edge['to']}"
    gained = json.loads(_run("explore", "what-if", "--add", fresh, *asked, code=1))
    assert "aws-lambda-001" in [each["pattern"] for each in gained["appears"]]
    result = CliRunner().invoke(app, ["explore", "what-if", "--add", "bot p1", "--store", account])
    assert result.exit_code == 2
    assert "write it as `identity:bot -GRANTED-> permission:p1`" in result.output


def test_a_small_company(tmp_path: Path) -> None:
    """A credential in a file leads to a deployer, who may pass a role, which is about the jewels."""
    lines: list[Any] = [
        {"node": {"type": "identity", "id": name, "kind": "service", "status": "active"}}
        for name in ("bot", "deployer", "admin-role", "runner")
    ]
    lines += [
        {"node": {"type": "permission", "id": "read", "actions": ["fs:Read"], "resources": ["file:*"]}},
        {
            "node": {
                "type": "permission",
                "id": "pass",
                "actions": ["iam:Pass", "fn:Create"],
                "resources": ["*"],
            }
        },
        {"node": {"type": "permission", "id": "all", "actions": ["*"], "resources": ["db:*"]}},
        {"node": {"type": "resource", "resource_type": "file", "id": "keys", "labels": [], "tier": None}},
        {
            "node": {
                "type": "resource",
                "resource_type": "db",
                "id": "gold",
                "labels": [],
                "tier": "crown-jewel",
            }
        },
    ]
    for kind, start, end in (
        ("GRANTED", "identity:bot", "permission:read"),
        ("HOLDS_CREDENTIAL", "resource:file:keys", "identity:deployer"),
        ("GRANTED", "identity:deployer", "permission:pass"),
        ("CAN_ASSUME", "identity:runner", "identity:admin-role"),
        ("GRANTED", "identity:admin-role", "permission:all"),
    ):
        lines.append({"edge": {"type": kind, "from": start, "to": end}})
    graph, policy = tmp_path / "g.jsonl", tmp_path / "p.yaml"
    graph.write_text("\n".join(map(json.dumps, lines)))
    policy.write_text(
        "graphsvc: 1\npack: {id: p, version: '1'}\npatterns:\n  - id: pass\n    rights:\n      all_of:\n"
        '        - {right: "iam:Pass", on: "$r"}\n        - {right: "fn:Create"}\n'
        '      where: \'service_can_assume("$r", "runner")\'\n      gives: {assume: "$r"}\n'
    )
    store = f"sqlite:///{tmp_path / 'g.db'}"
    _run("import", "jsonl", str(graph), "--source", "s", "--store", store)
    asked = ("--policy", str(policy), "--store", store, "--format", "json")
    answer = json.loads(_run("explore", "paths", "--from", "bot", "--to", "tier:crown-jewel", *asked))
    assert [(hop["how"], hop["to"]) for hop in answer["paths"][0]["hops"]] == [
        ("right", "resource:file:keys"),
        ("credential", "deployer"),
        ("combination", "admin-role"),
        ("right", "resource:db:gold"),
    ]
    radius = json.loads(_run("explore", "blast-radius", "--from", "bot", *asked))
    assert [(row["node"], row["hops"]) for row in radius["reached"]] == [
        ("resource:file:keys", 1), ("deployer", 2), ("admin-role", 3), ("resource:db:gold", 4),
    ]  # fmt: skip
    result = CliRunner().invoke(app, ["explore", "paths", "--from", "bot", "--to", "tier:gold", *asked])
    assert result.exit_code == 2
    assert "tiers here: `crown-jewel`" in result.output


def test_a_hop_names_the_right_that_is_held(tmp_path: Path) -> None:
    """Of a rule's alternatives the one that a path stands on is told, not the first that is written."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        'graphsvc: 1\npack: {id: p, version: "1"}\npatterns:\n'
        "  - id: r\n    title: R\n    severity: high\n    on_match: escalate\n    rights:\n      all_of:\n"
        "        - right: [a:First, a:Second]\n      gives: {assume: boss}\n"
    )
    facts = tmp_path / "g.jsonl"
    facts.write_text(
        '{"node":{"type":"identity","id":"ann"}}\n{"node":{"type":"identity","id":"boss"}}\n'
        '{"node":{"type":"permission","id":"p","actions":["a:Second"],"resources":["*"],"effect":"allow"}}\n'
        '{"edge":{"type":"GRANTED","from":"identity:ann","to":"permission:p"}}\n'
    )
    store = f"sqlite:///{tmp_path / 'g.db'}"
    _run("import", "jsonl", str(facts), "--source", "s", "--store", store)
    answer = json.loads(
        _run(
            "explore", "paths", "--from", "ann", "--policy", str(rules), "--format", "json", "--store", store
        )
    )
    assert answer["paths"][0]["hops"][0]["rights"] == ["a:Second"]
