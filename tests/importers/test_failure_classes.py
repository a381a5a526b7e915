"""Where other analyzers were wrong: the classes that no other test of ours names; all are listed in docs/importers.md."""

from __future__ import annotations

import re
from typing import Any

import pytest

from graphsvc.core.policy.load import load_policy
from graphsvc.explore.combination import combinations
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.path import blast_radius
from graphsvc.importers.result import Imported
from graphsvc.packs import pack_file, pack_text
from tests.importers.test_aws_beside import ANN, BOB, JOB, ONE, account, ask, policy, read, tree
from tests.support.requirement import REPOSITORY

PACK = load_policy(pack_text("aws_escalation"), pack_file("aws_escalation"))


def _view(imported: Imported) -> EstateView:
    return view_of(imported.nodes, imported.edges, [PACK])


def _found(imported: Imported) -> set[tuple[str, str]]:
    view = _view(imported)
    return {(each.identity, each.pattern) for each in combinations(view, view.identities())}


def _trusting(
    dump: dict[str, Any], principal: dict[str, Any], condition: Any = None, action: str = "sts:AssumeRole"
) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": action}
    if condition is not None:
        statement["Condition"] = condition
    dump["RoleDetailList"][0]["AssumeRolePolicyDocument"] = {
        "Version": "2012-10-17",
        "Statement": [statement],
    }
    return dump


def _group(dump: dict[str, Any], document: Any) -> dict[str, Any]:
    dump["GroupDetailList"] = [
        {"GroupName": "g", "GroupId": "AGPA1", "Arn": f"arn:aws:iam::{ONE}:group/g",
         "GroupPolicyList": [{"PolicyName": "own", "PolicyDocument": document}]}
    ]  # fmt: skip
    dump["UserDetailList"][0]["GroupList"] = ["g"]
    return dump


def test_rights_of_several_policies_and_groups_add_up() -> None:
    """Half of it by the user's own policy, half by a group's: together it is one escalation."""
    dump = _trusting(
        account(ANN, documents=[policy(action="iam:PassRole")]), {"Service": "ec2.amazonaws.com"}
    )
    assert (ANN, "aws-ec2-001") not in _found(read(dump))
    assert (ANN, "aws-ec2-001") in _found(read(_group(dump, policy(action="ec2:RunInstances"))))


def test_a_right_on_what_exists_counts_where_it_exists() -> None:
    """Code of a function may be changed: that is nothing without a function, and its role with one."""
    dump = account(ANN, documents=[policy(action=["lambda:UpdateFunctionCode", "lambda:InvokeFunction"])])
    function = {"Functions": [{"FunctionArn": f"arn:aws:lambda:eu-west-1:{ONE}:function:f", "Role": JOB}]}
    changed = {pattern for _, pattern in _found(read(dump, targets=function))}
    assert changed - {pattern for _, pattern in _found(read(dump))}


@pytest.mark.parametrize(("keys", "found"), [(1, True), (2, False)])
def test_a_third_key_cannot_be_made(keys: int, found: bool) -> None:
    dump = account(ANN, BOB, documents=[policy(action="iam:CreateAccessKey", resource=BOB)])
    listed = {"AccessKeyMetadata": [{"UserName": "bob"}] * keys}
    assert ((ANN, "aws-iam-002") in _found(read(dump, targets=listed))) is found


def test_a_wildcard_in_the_middle_of_a_service_is_read() -> None:
    dump = _trusting(
        account(ANN, documents=[policy(action=["iam:Pass*", "EC2:Run*"])]), {"Service": "ec2.amazonaws.com"}
    )
    assert (ANN, "aws-ec2-001") in _found(read(dump))


def test_actions_are_compared_without_their_case() -> None:
    """`ssm:sendCommand` stands in real policies."""
    assert ask(
        read(account(ANN, documents=[policy(action="ssm:sendCommand")])), ANN, "ssm:SendCommand", "x"
    ).allowed


def test_a_boundary_is_no_grant() -> None:
    """It allows everything and gives nothing."""
    full = f"arn:aws:iam::{ONE}:policy/full"
    dump = account(ANN, documents=[])
    dump["Policies"] = [
        {"PolicyName": "full", "Arn": full, "DefaultVersionId": "v1",
         "PolicyVersionList": [{"VersionId": "v1", "IsDefaultVersion": True, "Document": policy(action="*")}]}
    ]  # fmt: skip
    dump["UserDetailList"][0]["PermissionsBoundary"] = {
        "PermissionsBoundaryType": "Policy",
        "PermissionsBoundaryArn": full,
    }
    assert not ask(read(dump), ANN, "s3:GetObject", "arn:aws:s3:::data/x").allowed


def test_whoever_the_organization_limits_is_no_administrator() -> None:
    """The flag is worked out after control policies, not before."""
    dump = account(ANN, documents=[policy(action="*")])
    assert _view(read(dump)).has_everything(f"identity:{ANN}")
    limited = read(dump, organization=tree(account=[policy(action="s3:*")]))
    assert not _view(limited).has_everything(f"identity:{ANN}")


def test_nobody_walks_through_a_role_that_only_a_service_may_assume() -> None:
    dump = _trusting(
        account(ANN, documents=[policy(action="sts:AssumeRole")]), {"Service": "ec2.amazonaws.com"}
    )
    assert f"identity:{JOB}" not in blast_radius(_view(read(dump)), f"identity:{ANN}").came


def test_a_condition_on_whose_token_it_is_stays_with_the_trust() -> None:
    """Federation by OIDC without its `sub` would let in every repository there is."""
    provider = f"arn:aws:iam::{ONE}:oidc-provider/token.actions.githubusercontent.com"
    sub = {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:acme/shop:ref:refs/heads/main"}}
    dump = _trusting(account(ANN), {"Federated": provider}, sub, "sts:AssumeRoleWithWebIdentity")
    (edge,) = [each for each in read(dump).edges if each.type == "CAN_ASSUME"]
    assert edge.properties["conditional"] is True
    assert "token.actions.githubusercontent.com:sub" in str(edge.properties)


def test_every_test_that_the_page_names_is_there() -> None:
    """The table of docs/importers.md names tests; all of them exist."""
    page = (REPOSITORY / "docs" / "importers.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    defined = "".join(path.read_text("utf-8") for path in (REPOSITORY / "tests").rglob("test_*.py"))
    assert len(named) > 25
    assert {name for name in named if f"def {name}(" not in defined} == set()
