"""CloudTrail events as chains and as an estate, on small events of our own."""

from __future__ import annotations

import gzip
import json
from itertools import permutations
from typing import Any

import pytest

from graphsvc.errors import BadInput
from graphsvc.importers import cloudtrail

USER = {
    "type": "IAMUser",
    "arn": "arn:aws:iam::111122223333:user/ann",
    "accountId": "111122223333",
    "accessKeyId": "AKIA1",
    "principalId": "AIDA1",
}
SESSION = {
    "type": "AssumedRole",
    "arn": "arn:aws:sts::111122223333:assumed-role/job/night",
    "accountId": "111122223333",
    "accessKeyId": "ASIA9",
    "principalId": "AROA1:night",
}


def _event(name: str, request: Any = None, **more: Any) -> dict[str, Any]:
    service, _, operation = name.partition(":")
    return {
        "eventTime": "2024-08-01T10:00:00Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "userIdentity": USER,
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
        "requestParameters": request,
        **more,
    }


def _record(name: str, request: Any = None, **more: Any) -> Any:
    (record,) = cloudtrail.to_trace([_event(name, request, **more)])
    return record


def _trust(*principals: Any) -> str:
    statements = [
        {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"} for principal in principals
    ]
    return json.dumps({"Statement": statements})


@pytest.mark.parametrize("form", [lambda it: it, lambda it: {"Records": it}])
@pytest.mark.parametrize("pack", [lambda it: it, gzip.compress])
def test_events_are_read_in_each_form(form: Any, pack: Any) -> None:
    """A list, an object with `Records`, and the gzip-compressed form of each hold the same events."""
    events = [_event("iam:CreateUser", eventID="1"), _event("iam:DeleteUser", eventID="2")]
    assert cloudtrail.read_events(pack(json.dumps(form(events)).encode()), "e.json") == events


def test_event_delivered_twice_is_read_once() -> None:
    """Events of one `eventID` are one event."""
    event = _event("iam:CreateUser", eventID="1")
    assert cloudtrail.read_events(json.dumps([event, event]), "e.json") == [event]


@pytest.mark.parametrize(
    "value", [1, {}, [1], [{}], [_event("a:B", eventTime="yesterday")], [_event("a:B", userIdentity=None)]]
)
def test_what_is_no_event_is_refused(value: Any) -> None:
    """What is not a list of complete events is refused by file and index."""
    with pytest.raises(BadInput) as caught:
        cloudtrail.read_events(json.dumps(value), "e.json")
    assert "e.json" in f"{caught.value} {caught.value.field}"


def test_gzip_cut_in_half_is_refused() -> None:
    """A gzip file cut in half is refused by name."""
    data = gzip.compress(json.dumps([_event("a:B")] * 50).encode())
    with pytest.raises(BadInput, match=r"`e\.json\.gz` is not a complete gzip file"):
        cloudtrail.read_events(data[: len(data) // 2], "e.json.gz")


def test_makers_precede_users_at_equal_times_in_any_file_order() -> None:
    """At one time the event that creates a name comes first, wherever it stands in the file."""
    events = [
        _event("iam:CreateUser", {"userName": "eve"}),
        _event(
            "iam:CreateAccessKey",
            {"userName": "eve"},
            responseElements={"accessKey": {"accessKeyId": "AKIA2"}},
        ),
        _event("s3:ListBuckets", userIdentity={**USER, "accessKeyId": "AKIA2"}),
    ]
    for shuffled in permutations(events):
        names = [record["action"] for record in cloudtrail.to_trace(shuffled)]
        assert [item["name"] for item in names if isinstance(item, dict)] == [
            "iam:CreateUser",
            "iam:CreateAccessKey",
            "s3:ListBuckets",
        ]


def test_other_ties_keep_file_order_and_time_comes_first() -> None:
    """Events that make nothing for each other keep the file's order within a second."""
    events = [_event("a:Z", eventTime="2024-08-01T10:00:01Z"), _event("a:Y"), _event("a:X")]
    assert [record["at"] for record in cloudtrail.to_trace(events)] == [
        "2024-08-01T10:00:00Z",
        "2024-08-01T10:00:00Z",
        "2024-08-01T10:00:01Z",
    ]
    assert [record["id"] for record in cloudtrail.to_trace(events)] == [
        f"cloudtrail:AKIA1#{i}" for i in range(3)
    ]


@pytest.mark.parametrize(
    ("recorded", "action"),
    [
        ("lambda:UpdateFunctionCode20150331v2", "lambda:UpdateFunctionCode"),
        ("cloudfront:CreateDistribution2020_05_31", "cloudfront:CreateDistribution"),
        ("route53:ListHostedZones", "route53:ListHostedZones"),
        ("monitoring:PutMetricAlarm", "cloudwatch:PutMetricAlarm"),
    ],
)
def test_api_version_is_stripped_and_the_original_kept(recorded: str, action: str) -> None:
    """The action's name has no API version; `eventName` is as recorded."""
    record = _record(recorded)
    assert record["action"]["name"] == action
    assert record["action"]["properties"]["eventName"] == recorded.partition(":")[2]


def test_failed_call_is_not_executed() -> None:
    """A call with an error code never happened, and says why."""
    record = _record("iam:CreateUser", errorCode="AccessDenied")
    assert (record["executed"], record["context"]["errorCode"]) == (False, "AccessDenied")


def test_session_is_its_role_and_descends_from_the_chain_that_assumed_it() -> None:
    """A role session acts as the role, in a chain of its own whose parent called AssumeRole."""
    issued = {"credentials": {"accessKeyId": "ASIA9"}}
    assume = _event(
        "sts:AssumeRole", {"roleArn": "arn:aws:iam::111122223333:role/job"}, responseElements=issued
    )
    work: Any = cloudtrail.to_trace([_event("s3:ListBuckets", userIdentity=SESSION), assume])[1]
    assert work["subject"]["id"] == "arn:aws:iam::111122223333:role/job"
    assert work["subject"]["properties"]["session_name"] == "night"
    assert (work["chain"], work["parent_chain"]) == ("cloudtrail:ASIA9", "cloudtrail:AKIA1")


@pytest.mark.parametrize(
    ("name", "request_parameters", "accounts"),
    [
        (
            "ec2:ModifySnapshotAttribute",
            {"createVolumePermission": {"add": {"items": [{"userId": "999988887777"}, {"group": "all"}]}}},
            ["999988887777", "*"],
        ),
        ("ec2:ModifySnapshotAttribute", {"createVolumePermission": {"remove": {"items": [{"userId": "9"}]}}}, []),
        (
            "iam:UpdateAssumeRolePolicy",
            {
                "policyDocument": _trust(
                    {"Service": "ec2.amazonaws.com"},
                    {"AWS": ["arn:aws:iam::999988887777:root", "111122223333"]},
                )
            },
            ["999988887777", "111122223333"],
        ),
        ("iam:CreateRole", {"assumeRolePolicyDocument": _trust("*")}, ["*"]),
        ("iam:CreateRole", {"assumeRolePolicyDocument": "{half"}, ["?"]),
        ("iam:CreateRole", {"assumeRolePolicyDocument": _trust({"Federated": "accounts.google.com"})}, ["accounts.google.com"]),
        ("lambda:AddPermission20150331v2", {"principal": "s3.amazonaws.com"}, []),
        ("lambda:AddPermission20150331v2", {"principal": "*"}, ["*"]),
        ("rds:ModifyDBSnapshotAttribute", {"valuesToAdd": ["all"]}, ["*"]),
    ],
)  # fmt: skip
def test_sharing_names_all_accounts(name: str, request_parameters: Any, accounts: list[str]) -> None:
    """A call that shares or trusts lists every account it lets in, `*` for anyone, `?` for the unreadable."""
    assert _record(name, request_parameters)["action"]["properties"]["account"] == accounts


def test_request_cannot_pass_a_parameter_for_the_accounts() -> None:
    """`account` is derived only: a request parameter of that name is not taken for it."""
    assert "account" not in _record("iam:GetUser", {"account": "111122223333"})["action"]["properties"]


@pytest.mark.parametrize(
    ("name", "request_parameters", "resource"),
    [
        ("iam:AttachUserPolicy", {"policyArn": "arn:aws:iam::aws:policy/P", "userName": "eve"}, "arn:aws:iam::111122223333:user/eve"),
        ("iam:CreateRole", {"roleName": "r", "path": "/a/b/"}, "arn:aws:iam::111122223333:role/a/b/r"),
        ("iam:CreateAccessKey", None, USER["arn"]),
        ("ec2:RunInstances", {"instancesSet": {"items": [{"imageId": "ami-1"}]}, "imageId": "ami-1"}, "arn:aws:ec2:eu-west-1:111122223333:image/ami-1"),
        ("secretsmanager:GetSecretValue", {"secretId": "db"}, "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db"),
        ("lambda:Invoke", {"functionName": "111122223333:function:f"}, "arn:aws:lambda:eu-west-1:111122223333:function:f"),
        ("s3:GetObject", {"bucketName": "b", "key": "k/1"}, "arn:aws:s3:::b/k/1"),
        ("kms:Decrypt", None, "arn:aws:kms:eu-west-1:111122223333:*"),
    ],
)  # fmt: skip
def test_resource_is_the_most_specific_one(name: str, request_parameters: Any, resource: str) -> None:
    """A well-known parameter makes the ARN of what the call is about, else the service stands for it."""
    assert _record(name, request_parameters)["resource"] == {"type": "aws", "id": resource}


def test_estate_grants_what_was_done_and_not_what_was_refused() -> None:
    """An identity may do exactly what it did; what it was refused gives no right."""
    estate = cloudtrail.to_estate(
        [_event("iam:CreateUser"), _event("iam:DeleteUser", errorCode="Client.UnauthorizedOperation")]
    )
    (permission,) = [node for node in estate.nodes if node.kind == "permission"]
    assert permission.fields["actions"] == ["iam:CreateUser"]
    assert permission.fields["resources"] == ["aws:*"]
    assert estate.report.counts["events_refused"] == 1
    knows = [edge for edge in estate.edges if edge.type == "KNOWS"]
    assert [(edge.start, edge.end) for edge in knows] == [
        ("group:aws-account:111122223333", "identity:arn:aws:iam::111122223333:root")
    ]
