"""The AWS importer on small accounts that show one thing each."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers import aws
from graphsvc.importers.result import Imported

ACCOUNT = "arn:aws:iam::111122223333:"
ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def _policy(*statements: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements[0] if len(statements) == 1 else list(statements)}


def _user(**more: Any) -> dict[str, Any]:
    return {"UserName": "ann", "UserId": "AIDA1", "Arn": ACCOUNT + "user/ann", **more}


def _role(trust: Any, **more: Any) -> dict[str, Any]:
    role = {"RoleName": "job", "RoleId": "AROA1", "Arn": ACCOUNT + "role/job"}
    return {**role, "AssumeRolePolicyDocument": trust, **more}


def _read(users: Any = (), roles: Any = (), policies: Any = (), strict: bool = True, **more: Any) -> Imported:
    dump = {
        "UserDetailList": users,
        "GroupDetailList": [],
        "RoleDetailList": roles,
        "Policies": policies,
        **more,
    }
    return aws.read(json.dumps(dump), "dump.json", strict=strict)


def _with_statement(*statements: Any, strict: bool = True) -> Imported:
    policies = [{"PolicyName": "own", "PolicyDocument": _policy(*statements)}]
    return _read([_user(UserPolicyList=policies)], strict=strict)


def _permissions(imported: Imported) -> list[Node]:
    return [node for node in imported.nodes if node.kind == "permission"]


def _trust(*statements: Any) -> list[Edge]:
    edges = _read([_user()], [_role(_policy(*statements))]).edges
    return [edge for edge in edges if edge.type == "CAN_ASSUME"]


def _assume(principal: Json, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}


def test_not_action_and_not_resource_become_exceptions() -> None:
    """`NotAction` and `NotResource` become everything except what they list."""
    statement = {"Effect": "Deny", "NotAction": "iam:*", "NotResource": ["arn:aws:s3:::a/*"]}
    (node,) = _permissions(_with_statement(statement))
    assert {
        "effect": "deny",
        "actions": ["*"],
        "except_actions": ["iam:*"],
        "resources": ["aws:*"],
        "except_resources": ["aws:arn:aws:s3:::a/*"],
        "fold": True,
    }.items() <= node.fields.items()


def test_condition_is_kept_and_its_keys_are_named() -> None:
    """A condition stays in the statement's text, its keys are listed and it is counted."""
    condition = {
        "StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"},
        "Bool": {"aws:ViaAWSService": "true"},
    }
    imported = _with_statement({**ALLOW, "Condition": condition})
    native = _permissions(imported)[0].fields["native"]
    assert isinstance(native, dict)
    assert native["condition_keys"] == ["aws:ViaAWSService", "iam:PassedToService"]
    assert json.loads(str(native["text"]))["Condition"] == condition
    assert imported.report.counts["conditional"] == 1


def test_permission_ids_use_unique_sids() -> None:
    """A permission is named by its Sid where that is unique and no number, else by its index."""
    sids = ("Read", "", "Twice", "Twice", "7")
    imported = _with_statement(*({**ALLOW, "Sid": sid} for sid in sids))
    names = [node.id.rpartition("/")[2] for node in _permissions(imported)]
    assert names == ["1", "2", "3", "4", "Read"]


@pytest.mark.parametrize(
    "statement",
    [
        {"Effect": "Maybe", "Action": "a:b", "Resource": "*"},
        {"Effect": "Allow", "Resource": "*"},
        {"Effect": "Allow", "Action": "a:b", "NotAction": "a:c", "Resource": "*"},
        {"Effect": "Allow", "Action": [1], "Resource": "*"},
        {**ALLOW, "Condition": "aws:MultiFactorAuthPresent"},
        {**ALLOW, "Condition": {"Bool": "aws:MultiFactorAuthPresent"}},
        "Allow",
    ],
)
def test_malformed_statement_never_becomes_a_right(statement: Any) -> None:
    """A statement outside the grammar refuses the dump, or is skipped and reported; it grants nothing."""
    with pytest.raises(BadInput, match=r"dump\.json\.UserDetailList\[0\].*Statement\[0\]"):
        _with_statement(statement)
    imported = _with_statement(statement, strict=False)
    assert _permissions(imported) == []
    assert len(imported.report.skipped) == 1
    assert imported.report.incomplete


def test_url_encoded_document_is_read() -> None:
    """A policy document as URL-encoded text gives what the object gives."""
    policy = {"PolicyName": "own", "PolicyDocument": quote(json.dumps(_policy(ALLOW)))}
    assert _permissions(_read([_user(UserPolicyList=[policy])])) == _permissions(_with_statement(ALLOW))


@pytest.mark.parametrize(
    ("principal", "start"),
    [
        ({"AWS": ACCOUNT + "user/ann"}, ACCOUNT + "user/ann"),
        ({"AWS": "AIDA1"}, ACCOUNT + "user/ann"),
        ({"AWS": "111122223333"}, ACCOUNT + "root"),
        ({"AWS": "arn:aws:iam::999988887777:root"}, "arn:aws:iam::999988887777:root"),
        ({"Service": ["ec2.amazonaws.com"]}, "ec2.amazonaws.com"),
        ({"Federated": ACCOUNT + "saml-provider/idp"}, ACCOUNT + "saml-provider/idp"),
        ("*", "*"),
    ],
)
def test_principals_of_trust(principal: Json, start: str) -> None:
    """Each form of principal gives one unconditional edge from the identity it names."""
    (edge,) = _trust(_assume(principal))
    assert (edge.start, edge.end) == (f"identity:{start}", f"identity:{ACCOUNT}role/job")
    assert edge.properties["conditional"] is False


def test_external_account_is_marked_and_has_its_number_as_alias() -> None:
    """A trusted account outside the dump becomes an identity marked external."""
    imported = _read(roles=[_role(_policy(_assume({"AWS": "999988887777"})))])
    node = next(node for node in imported.nodes if node.id == "arn:aws:iam::999988887777:root")
    assert node.properties["external"] is True
    assert node.fields["aliases"] == ["999988887777"]


def test_one_session_of_a_role_is_conditional_trust() -> None:
    """Trust in one session of a role is an edge from that role under a condition."""
    session = "arn:aws:sts::111122223333:assumed-role/job/night"
    (edge,) = _trust(_assume({"AWS": session}))
    assert edge.start == f"identity:{ACCOUNT}role/job"
    assert edge.properties["condition_keys"] == ["sts:RoleSessionName"]
    assert edge.properties["conditional"] is True


def test_deny_in_trust_gives_no_edge_and_makes_the_others_conditional() -> None:
    """A Deny is no way in, and what else is allowed is no longer certain."""
    (edge,) = _trust(_assume({"AWS": "999988887777"}), _assume("*") | {"Effect": "Deny"})
    assert edge.start == "identity:arn:aws:iam::999988887777:root"
    assert edge.properties["conditional"] is True


def test_trust_without_assume_gives_no_edge() -> None:
    """A statement that only lets sessions be tagged lets nobody in."""
    assert _trust(_assume("*") | {"Action": "sts:TagSession"}) == []


def test_missing_boundary_allows_nothing() -> None:
    """A boundary whose document is not in the dump caps by a permission without actions."""
    boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": ACCOUNT + "policy/cap"}
    imported = _read([_user(PermissionsBoundary=boundary)])
    (edge,) = [edge for edge in imported.edges if edge.type == "CAPPED_BY"]
    (node,) = _permissions(imported)
    assert (edge.end, node.fields["actions"]) == (node.key, [])
    assert edge.properties["level"] == "boundary"
    assert len(imported.report.incomplete) == 1


def test_only_the_default_version_is_in_force() -> None:
    """A policy's other versions are counted and give no permission."""
    versions = [
        {"VersionId": "v1", "IsDefaultVersion": False, "Document": _policy({**ALLOW, "Sid": "Old"})},
        {"VersionId": "v2", "IsDefaultVersion": True, "Document": _policy({**ALLOW, "Sid": "New"})},
    ]
    policy = {"PolicyName": "p", "Arn": ACCOUNT + "policy/p", "PolicyVersionList": versions}
    imported = _read(policies=[policy])
    assert [node.id for node in _permissions(imported)] == [ACCOUNT + "policy/p#p/New"]
    assert imported.report.counts["statements_not_default"] == 1


def test_own_account_is_known_to_its_identities() -> None:
    """Users are members of their account's group, which knows the account's own identity."""
    edges = {(edge.type, edge.start, edge.end) for edge in _read([_user()]).edges}
    group = "group:aws-account:111122223333"
    assert edges == {
        ("MEMBER_OF", f"identity:{ACCOUNT}user/ann", group),
        ("KNOWS", group, f"identity:{ACCOUNT}root"),
    }


def test_truncated_page_is_incomplete_until_the_last_page_is_there() -> None:
    """A page that says `IsTruncated` alone is incomplete; with the page after it, it is not."""
    lists: dict[str, list[Json]] = {
        "UserDetailList": [],
        "GroupDetailList": [],
        "RoleDetailList": [],
        "Policies": [],
    }
    first, last = json.dumps({**lists, "IsTruncated": True}), json.dumps({**lists, "IsTruncated": False})
    assert "IsTruncated" in aws.read(first, "1.json").report.incomplete[0]
    assert aws.read(first, "1.json", more=[(last, "2.json")]).report.incomplete == ()


def test_unknown_group_and_policy_are_incomplete() -> None:
    """A group or attached policy that the dump lacks is named as incomplete."""
    attached = [{"PolicyName": "x", "PolicyArn": ACCOUNT + "policy/x"}]
    report = _read([_user(GroupList=["gone"], AttachedManagedPolicies=attached)]).report
    assert [text for text in report.incomplete if "`gone`" in text or "policy/x" in text] == list(
        report.incomplete
    )
    assert len(report.incomplete) == 2


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"UserDetailList": 1}', '{"a"', "{]", "[" * 100_000]
)
def test_what_is_no_dump_is_refused(text: str) -> None:
    """Anything but an account dump is refused in one line that names the file."""
    with pytest.raises(BadInput, match=r"dump\.json") as caught:
        aws.read(text, "dump.json")
    assert "\n" not in str(caught.value)
