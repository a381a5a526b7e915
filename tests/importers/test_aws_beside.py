"""What goes with an account dump: control policies, policies of resources, sessions, what exists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.rights import Right, Rights
from graphsvc.errors import BadInput
from graphsvc.importers import aws
from graphsvc.importers.result import Imported

ONE, TWO = "111111111111", "222222222222"
ANN, BOB, EVE = f"arn:aws:iam::{ONE}:user/ann", f"arn:aws:iam::{ONE}:user/bob", f"arn:aws:iam::{TWO}:user/eve"
JOB = f"arn:aws:iam::{ONE}:role/job"
BUCKET = "arn:aws:s3:::data"
FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def policy(effect: str = "Allow", action: Any = "s3:*", resource: Any = "*", **more: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return {"Version": "2012-10-17", "Statement": [statement]}


def account(*users: str, documents: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    listed = [{"PolicyName": f"p{n}", "PolicyDocument": each} for n, each in enumerate(documents or [])]
    return {
        "UserDetailList": [
            {"UserName": arn[-3:], "UserId": f"AIDA{arn[-3:]}", "Arn": arn, "UserPolicyList": listed, **more}
            for arn in users
        ],
        "GroupDetailList": [],
        "RoleDetailList": [
            {"RoleName": "job", "RoleId": "AROA1", "Arn": JOB, "Path": "/", "RolePolicyList": listed,
             "AssumeRolePolicyDocument": {"Statement": []}, "InstanceProfileList": [{"Arn": f"arn:aws:iam::{ONE}:instance-profile/job"}]},
            {"RoleName": "AWSServiceRoleForX", "RoleId": "AROA2", "Path": "/aws-service-role/x.amazonaws.com/",
             "Arn": f"arn:aws:iam::{ONE}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
             "RolePolicyList": listed, "AssumeRolePolicyDocument": {"Statement": []}},
        ],
        "Policies": [],
    }  # fmt: skip


def read(dump: dict[str, Any], **files: Any) -> Imported:
    companions = aws.Companions(
        **{name: [(json.dumps(value), f"{name}.json")] for name, value in files.items()}
    )
    return aws.read(json.dumps(dump), "dump.json", companions=companions, strict=False)


def ask(imported: Imported, who: str, action: str, resource: str, **context: Any) -> Right:
    estate = Estate()
    estate.load("aws", imported.nodes, imported.edges, replace=True)
    return Rights(estate).check(f"identity:{who}", action, f"resource:aws:{resource}", None, context)


def tree(management: str = "999999999999", **levels: Any) -> dict[str, Any]:
    def policies(name: str) -> list[dict[str, Any]]:
        return [
            {"Id": f"p-{n}", "Name": f"n{n}", "Content": each}
            for n, each in enumerate(levels.get(name, [FULL]))
        ]

    leaf = {"Id": ONE, "Type": "Account", "Policies": policies("account")}
    unit = {"Id": "ou", "Policies": policies("unit"), "Children": [leaf]}
    return {
        "OrganizationId": "o-1",
        "ManagementAccountId": management,
        "Root": {"Id": "r", "Policies": policies("root"), "Children": [unit]},
    }


@pytest.mark.parametrize("level", ["root", "unit", "account"])
def test_each_level_of_the_organization_must_allow(level: str) -> None:
    """A node without leave for an action takes it from everybody below."""
    mine = account(ANN, documents=[FULL])
    assert ask(read(mine, organization=tree()), ANN, "s3:GetObject", BUCKET).allowed
    narrow = read(mine, organization=tree("999999999999", **{level: [policy(action="ec2:*")]}))
    assert not ask(narrow, ANN, "s3:GetObject", BUCKET).allowed
    assert ask(narrow, ANN, "ec2:RunInstances", "*").allowed


def test_a_denial_of_the_organization_wins() -> None:
    imported = read(account(ANN, documents=[FULL]), organization=tree(unit=[FULL, policy("Deny", "s3:*")]))
    assert ask(imported, ANN, "s3:GetObject", BUCKET).code == "denied_explicitly"


def test_control_policies_do_not_bind_the_management_account_and_service_linked_roles() -> None:
    """Both do what the identity's own policies say."""
    mine, denying = account(ANN, documents=[FULL]), {"account": [policy(action="ec2:*")]}
    linked = f"arn:aws:iam::{ONE}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
    assert ask(
        read(mine, organization=tree("999999999999", **denying)), linked, "s3:GetObject", BUCKET
    ).allowed
    assert ask(read(mine, organization=tree(ONE, **denying)), ANN, "s3:GetObject", BUCKET).allowed


def test_a_level_without_policies_allows_nothing() -> None:
    """What the tree does not hold is told as incomplete, and is no leave."""
    imported = read(account(ANN, documents=[FULL]), organization=tree(unit=[]))
    assert not ask(imported, ANN, "s3:GetObject", BUCKET).allowed
    assert any("holds none of its SCPs" in told for told in imported.report.incomplete)


def test_within_an_account_either_side_is_enough_across_accounts_both_are_needed() -> None:
    """Named by the bucket: Ann needs no policy, Eve of another account needs one of her own."""
    shared = [{"Resource": BUCKET, "Account": ONE, "Policy": policy(Principal={"AWS": [ANN, EVE]})}]
    poor = account(ANN, BOB, EVE)
    rich = account(ANN, BOB, EVE, documents=[FULL])
    assert ask(read(poor, resource_policies=shared), ANN, "s3:GetObject", f"{BUCKET}/k").allowed
    assert not ask(read(poor, resource_policies=shared), EVE, "s3:GetObject", f"{BUCKET}/k").allowed
    assert ask(read(rich, resource_policies=shared), EVE, "s3:GetObject", f"{BUCKET}/k").allowed
    private = [{"Resource": BUCKET, "Account": ONE, "Policy": policy(Principal={"AWS": ANN})}]
    assert not ask(read(rich, resource_policies=private), EVE, "s3:GetObject", f"{BUCKET}/k").allowed
    assert ask(read(rich, resource_policies=private), BOB, "s3:GetObject", f"{BUCKET}/k").allowed


def test_a_key_obeys_its_own_policy_first() -> None:
    """Without a word for the account the identity's own policy is worth nothing on the key."""
    key = f"arn:aws:kms:eu-west-1:{ONE}:key/k"
    mine = account(ANN, BOB, documents=[FULL])

    def shared(principal: Any) -> list[Any]:
        return [{"Resource": key, "Account": ONE, "Policy": policy(action="kms:*", Principal=principal)}]

    assert not ask(read(mine, resource_policies=shared({"AWS": ANN})), BOB, "kms:Decrypt", key).allowed
    whole = read(mine, resource_policies=shared({"AWS": f"arn:aws:iam::{ONE}:root"}))
    assert ask(whole, BOB, "kms:Decrypt", key).allowed


def test_not_principal_denies_all_but_those_named() -> None:
    """By AWS's documentation: the account beside a user stands for the user; a boundary takes the exception away."""
    denying = policy("Deny", "s3:*", NotPrincipal={"AWS": [ANN, f"arn:aws:iam::{ONE}:root"]})
    shared = [{"Resource": BUCKET, "Account": ONE, "Policy": denying}]
    imported = read(account(ANN, BOB, documents=[FULL]), resource_policies=shared)
    assert ask(imported, ANN, "s3:GetObject", f"{BUCKET}/k").allowed
    assert ask(imported, BOB, "s3:GetObject", f"{BUCKET}/k").code == "denied_explicitly"
    boundary = {"PermissionsBoundaryArn": "arn:aws:iam::aws:policy/x"}
    bounded = account(ANN, documents=[FULL], PermissionsBoundary=boundary)
    assert (
        ask(read(bounded, resource_policies=shared), ANN, "s3:GetObject", BUCKET).code == "denied_explicitly"
    )


def test_a_session_is_narrowed_by_its_own_policy() -> None:
    """It does what its role may and its policy allows."""
    session = f"arn:aws:sts::{ONE}:assumed-role/job/s"
    imported = read(account(ANN, documents=[FULL]), sessions=[{"Session": session, "Policy": policy()}])
    assert ask(imported, session, "s3:GetObject", BUCKET).allowed
    assert not ask(imported, session, "ec2:RunInstances", "*").allowed
    assert ask(imported, JOB, "ec2:RunInstances", "*").allowed


def test_targets_say_what_runs_as_whom() -> None:
    """An instance by its profile, managed by SSM; a function by its role; keys counted."""
    instances = {
        "Reservations": [{"OwnerId": ONE, "Instances": [
            {"InstanceId": "i-1", "Placement": {"AvailabilityZone": "eu-west-1a"},
             "IamInstanceProfile": {"Arn": f"arn:aws:iam::{ONE}:instance-profile/job"}}]}],
        "InstanceInformationList": [{"InstanceId": "i-1"}],
        "Functions": [{"FunctionArn": f"arn:aws:lambda:eu-west-1:{ONE}:function:f", "Role": JOB}],
        "AccessKeyMetadata": [{"UserName": "ann"}, {"UserName": "ann"}],
    }  # fmt: skip
    imported = read(account(ANN, BOB), targets=instances)
    runs = {(edge.start, edge.end) for edge in imported.edges if edge.type == "RUNS_AS"}
    instance = f"resource:aws:arn:aws:ec2:eu-west-1:{ONE}:instance/i-1"
    assert runs == {
        (instance, f"identity:{JOB}"),
        (f"resource:aws:arn:aws:lambda:eu-west-1:{ONE}:function:f", f"identity:{JOB}"),
    }
    nodes = {node.key: node.properties for node in imported.nodes}
    assert nodes[instance]["managed_by"] == "ssm"
    assert [nodes[f"identity:{arn}"]["access_key_count"] for arn in (ANN, BOB)] == [2, 0]


def test_a_file_without_any_list_is_refused() -> None:
    with pytest.raises(BadInput, match=r"targets\.json\[0\].* holds none of Reservations"):
        read(account(ANN), targets={"Foo": []})


@pytest.mark.parametrize(
    ("context", "code"),
    [
        ({}, "condition_unknown"),
        ({"aws:SourceIp": "10.1.1.1"}, "entitled"),
        ({"AWS:sourceip": "10.1.1.1"}, "entitled"),
        ({"aws:SourceIp": "11.1.1.1"}, "not_entitled"),
        ({"aws:SourceIp": None}, "not_entitled"),
    ],
)
def test_a_condition_has_three_answers(context: dict[str, Any], code: str) -> None:
    """Unknown names the key; null says that the request has no such key."""
    document = policy(Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}})
    right = ask(read(account(ANN, documents=[document])), ANN, "s3:GetObject", BUCKET, **context)
    assert right.code == code
    assert right.missing == (("aws:SourceIp",) if code == "condition_unknown" else ())


def test_policy_variables_mean_whoever_asks() -> None:
    """The same policy lets Ann into her folder and Bob into his."""
    mine = account(ANN, BOB, documents=[policy(resource=f"{BUCKET}/${{aws:username}}/*")])
    imported = read(mine)
    allowed = {
        (who[-3:], folder): ask(imported, who, "s3:GetObject", f"{BUCKET}/{folder}/x").allowed
        for who in (ANN, BOB)
        for folder in ("ann", "bob")
    }
    assert [who for who, folder in allowed if allowed[who, folder]] == ["ann", "bob"]
    assert allowed["ann", "ann"]
    assert not ask(imported, JOB, "s3:GetObject", f"{BUCKET}/job/x").allowed


def test_a_right_on_a_key_is_unknown_without_its_policy() -> None:
    """The answer names what is missing; actions without a key, other services and keys whose policy is there are decided."""
    known, other = (f"arn:aws:kms:eu-west-1:{ONE}:key/{name}" for name in ("k", "x"))
    mine = account(ANN, documents=[FULL])
    imported = read(mine)
    asked = ask(imported, ANN, "kms:Decrypt", known)
    assert (asked.allowed, asked.code, asked.missing) == (
        False,
        "condition_unknown",
        ("graphsvc:KeyPolicyAllows",),
    )
    assert ask(imported, ANN, "kms:ListKeys", "*").allowed
    assert ask(imported, ANN, "s3:GetObject", BUCKET).allowed
    assert any("policies of KMS keys are not in the input" in each for each in imported.report.notes)
    root = policy(action="kms:*", Principal={"AWS": f"arn:aws:iam::{ONE}:root"})
    told = read(mine, resource_policies=[{"Resource": known, "Account": ONE, "Policy": root}])
    assert ask(told, ANN, "kms:Decrypt", known).allowed
    assert ask(told, ANN, "kms:Decrypt", other).code == "condition_unknown"
