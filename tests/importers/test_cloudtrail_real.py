"""CloudTrail on recorded attack techniques: order, accounts, and rights for what was done."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graphsvc.core.glob import matches
from graphsvc.core.value import parse_time
from graphsvc.importers import cloudtrail, graph_jsonl

pytestmark = pytest.mark.real_data

# The order of the first occurrences of each action, by what the file is about.
ORDERS = {
    "credential-access.ec2-steal-instance-credentials": [
        "ssm:DescribeInstanceInformation", "ssm:SendCommand", "ssm:GetCommandInvocation", "sts:GetCallerIdentity",
        "ec2:DescribeInstances",
    ],
    "credential-access.secretsmanager-retrieve-secrets": ["secretsmanager:ListSecrets", "secretsmanager:GetSecretValue"],
    "defense-evasion.cloudtrail-stop": ["cloudtrail:StopLogging"],
    "execution.ssm-send-command": ["ssm:DescribeInstanceInformation", "ssm:SendCommand", "ssm:GetCommandInvocation"],
    "exfiltration.ec2-share-ebs-snapshot": ["ec2:ModifySnapshotAttribute"],
    "persistence.iam-backdoor-role": ["iam:UpdateAssumeRolePolicy"],
    "persistence.iam-create-admin-user": ["iam:CreateUser", "iam:AttachUserPolicy", "iam:CreateAccessKey"],
    "persistence.iam-create-backdoor-role": ["iam:CreateRole", "iam:AttachRolePolicy"],
    "persistence.lambda-overwrite-code": ["lambda:UpdateFunctionCode"],
    "privilege-escalation.iam-update-user-login-profile": ["iam:UpdateLoginProfile"],
}  # fmt: skip
ACCOUNTS = {
    "exfiltration.ec2-share-ebs-snapshot": ["098797384747"],
    "persistence.iam-backdoor-role": ["193672423079"],
    "persistence.iam-create-backdoor-role": ["193672423079"],
}


def _events(real_data: Path, name: str) -> list[dict[str, Any]]:
    file = real_data / "cloudtrail" / f"aws.{name}.json"
    return cloudtrail.read_events(file.read_bytes(), file.name)


def test_all_files_are_covered(real_data: Path) -> None:
    """Every recorded technique has an expected order."""
    files = {file.name for file in (real_data / "cloudtrail").glob("*.json")}
    assert files == {f"aws.{name}.json" for name in ORDERS}


@pytest.mark.parametrize("name", ORDERS)
def test_order_of_actions(real_data: Path, name: str) -> None:
    """Actions come by time, and at equal times a maker of a name before its users."""
    trace: list[Any] = cloudtrail.to_trace(_events(real_data, name))
    times = [parse_time(record["at"]) for record in trace]
    assert times == sorted(times)
    if name == "credential-access.secretsmanager-retrieve-secrets":
        # Reading and listing secrets make nothing for each other: at equal times the file decides.
        assert {record["action"]["name"] for record in trace} == set(ORDERS[name])
    else:
        assert list(dict.fromkeys(record["action"]["name"] for record in trace)) == ORDERS[name]


@pytest.mark.parametrize("name", ORDERS)
def test_each_event_is_one_record(real_data: Path, name: str) -> None:
    """No event is lost or doubled, and each access key has one chain."""
    raw = json.loads((real_data / "cloudtrail" / f"aws.{name}.json").read_bytes())
    trace = cloudtrail.to_trace(_events(real_data, name))
    assert sorted(str(record["id"]) for record in trace) == sorted({event["eventID"] for event in raw})
    chains = {f"cloudtrail:{event['userIdentity']['accessKeyId']}" for event in raw}
    assert {record["chain"] for record in trace} == chains


@pytest.mark.parametrize("name", ACCOUNTS)
def test_accounts_let_in(real_data: Path, name: str) -> None:
    """Sharing and trusting calls name the outside account."""
    trace: list[Any] = cloudtrail.to_trace(_events(real_data, name))
    found = [record["action"]["properties"].get("account") for record in trace]
    assert [accounts for accounts in found if accounts is not None] == [ACCOUNTS[name]]


@pytest.mark.parametrize("name", ORDERS)
def test_estate_allows_exactly_what_was_done(real_data: Path, name: str) -> None:
    """Every action of the trace is within its subject's rights, no right is unused, and the graph round-trips."""
    events = _events(real_data, name)
    estate, trace = cloudtrail.to_estate(events), cloudtrail.to_trace(events)
    nodes = {node.key: node for node in estate.nodes}
    rights: set[tuple[str, Any]] = set()
    for edge in estate.edges:
        if edge.type == "GRANTED":
            fields = nodes[edge.end].fields
            actions, resources = fields["actions"], fields["resources"]
            assert isinstance(actions, list)
            assert isinstance(resources, list)
            assert matches(str(resources[0]), "aws:arn:aws:iam::1:user/x")
            rights |= {(edge.start, action) for action in actions}
    records: list[Any] = list(trace)
    assert rights == {(f"identity:{record['subject']['id']}", record["action"]["name"]) for record in records}
    assert {f"resource:aws:{record['resource']['id']}" for record in records} <= nodes.keys()
    again = graph_jsonl.read("".join(graph_jsonl.write(estate.nodes, estate.edges)))
    assert (again.nodes, again.edges) == (estate.nodes, estate.edges)
