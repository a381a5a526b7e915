"""Conditions of AWS statements, one by one: each row is what the IAM user guide says of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.json import encode

from graphsvc.core.estate import Estate
from graphsvc.core.graph import Node
from graphsvc.core.marker import NOT_KEPT
from graphsvc.core.native import Asked, compile_native
from graphsvc.core.permission import compile_permission
from graphsvc.core.value import Json

_ACCOUNT = "arn:aws:iam::111111111111:"
ANN, ROLE, SESSION = f"{_ACCOUNT}user/ann", f"{_ACCOUNT}role/ops", f"{_ACCOUNT}assumed-role/ops/s"
BUCKET, OBJECT = "resource:aws:arn:aws:s3:::pictures", "resource:aws:arn:aws:s3:::pictures/ann/1"
TABLE = "resource:aws:arn:aws:dynamodb:eu-west-1:222222222222:table/t"
Answer = tuple[bool | None, tuple[str, ...]]
YES: Answer = (True, ())
NO: Answer = (False, ())


def _unknown(*keys: str) -> Answer:
    return None, keys


def _estate() -> Estate:
    def identity(arn: str, kind: str, **more: Json) -> Node:
        fields: dict[str, Json] = {"name": "ann", "aliases": ["AIDAANN"]} if kind == "user" else {}
        return Node(key=f"identity:{arn}", fields=fields, properties={"aws_type": kind, **more})

    nodes = [
        identity(ANN, "user", tags=[{"Key": "Team", "Value": "blue"}, "not a tag"]),
        identity(ROLE, "role", tags={"Team": ["red", "blue"]}),
        identity(SESSION, "session", session_of=ROLE),
        identity(f"{_ACCOUNT}root", "account", organization="o-1", organization_path="o-1/r/ou"),
        identity(f"{_ACCOUNT}user/bob", "user"),
        Node(key="identity:plain"),
        Node(key=BUCKET, properties={"account": "333333333333", "tags": {"secret": True}}),
    ]
    estate = Estate()
    estate.load("t", nodes, [], replace=True)
    return estate


def _judge(
    statement: dict[str, Any],
    who: str = ANN,
    what: str = BUCKET,
    version: str = "2012-10-17",
    **given: Json,
) -> Answer:
    test = compile_native({"text": encode(statement).decode(), "version": version})
    assert test is not None
    keys = {key.replace("__", ":"): value for key, value in given.items()}
    return test.judge(Asked(_estate(), f"identity:{who}", what, given=keys))


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "answer"),
    [
        ("StringEquals", "a", "a", YES),
        ("StringEquals", "a", "A", NO),
        ("StringEqualsIgnoreCase", "a", "A", YES),
        ("StringNotEquals", ["a", "b"], "b", NO),
        ("StringNotEquals", ["a", "b"], "c", YES),
        ("StringLike", "a*c?", "abbcd", YES),
        ("StringNotLike", "a*", "ba", YES),
        ("StringEqualsIfExists", "a", None, YES),
        ("StringEquals", "a", None, NO),
        ("StringNotEquals", "a", None, YES),
        ("NumericLessThan", "3", "2", YES),
        ("NumericLessThan", "3", "many", NO),
        ("NumericGreaterThanEquals", "3", "3", YES),
        ("NumericNotEquals", "3", "3.0", NO),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59", YES),
        ("DateGreaterThanEquals", "0", "1970-01-01T00:00:00Z", YES),
        ("DateEquals", "soon", "2025-12-31T23:59:59Z", NO),
        ("Bool", "TRUE", True, YES),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", YES),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", NO),
        ("IpAddress", "10.0.0.0/8", "somewhere", NO),
        ("ArnLike", "arn:aws:s3:*:*:b*", "arn:aws:s3:::bucket", YES),
        ("ArnLike", "arn:aws:*", "arn:aws:s3:::bucket", NO),
        ("Null", "true", None, YES),
        ("Null", "false", "a", YES),
        ("Null", True, "a", NO),
        ("ForAnyValue:StringEquals", ["a", "b"], ["x", "b"], YES),
        ("ForAnyValue:StringEquals", ["a", "b"], ["x", "y"], NO),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "b"], YES),
        ("ForAllValues:StringEquals", ["a", "b"], ["a", "x"], NO),
        ("ForAllValues:StringEquals", ["a", "b"], None, YES),
        ("ForAnyValue:StringNotEquals", "a", None, NO),
    ],
)
def test_an_operator_says_of_a_value_what_the_guide_says(
    operator: str, wanted: Json, value: Json, answer: Answer
) -> None:
    assert _judge({"Condition": {operator: {"x:Key": wanted}}}, x__key=value) == answer


def test_a_value_that_was_not_kept_is_unknown() -> None:
    """That it was there is known, and nothing else."""
    assert _judge({"Condition": {"StringEquals": {"x:Key": "a"}}}, x__key={NOT_KEPT: "digest"}) == _unknown(
        "x:Key"
    )


@pytest.mark.parametrize(
    ("who", "key", "value", "answer"),
    [
        (ANN, "aws:PrincipalArn", ANN, YES),
        (SESSION, "aws:PrincipalArn", ROLE, YES),
        (ANN, "aws:PrincipalAccount", "111111111111", YES),
        (ANN, "aws:PrincipalType", "User", YES),
        (f"{_ACCOUNT}root", "aws:PrincipalType", "Account", YES),
        (ROLE, "aws:PrincipalType", "AssumedRole", YES),
        (ANN, "aws:PrincipalIsAWSService", "false", YES),
        (ANN, "aws:username", "ann", YES),
        (ROLE, "aws:username", "ann", NO),
        (ANN, "aws:userid", "AIDAANN", YES),
        (ROLE, "aws:userid", "AIDAANN", _unknown("aws:userid")),
        (ANN, "aws:PrincipalOrgID", "o-1", YES),
        (ANN, "aws:PrincipalOrgPaths", "o-1/r/ou", YES),
        (ANN, "aws:PrincipalOrgMasterAccountId", "1", _unknown("aws:PrincipalOrgMasterAccountId")),
        (ANN, "aws:PrincipalTag/team", "blue", YES),
        (ANN, "aws:PrincipalTag/other", "blue", NO),
        (f"{_ACCOUNT}user/bob", "aws:PrincipalTag/Team", "blue", NO),
        (SESSION, "aws:PrincipalTag/Team", "red", YES),
        (SESSION, "aws:PrincipalTag/Other", "red", _unknown("aws:PrincipalTag/Other")),
        ("plain", "aws:PrincipalArn", "plain", _unknown("aws:PrincipalArn")),
        ("nobody", "aws:PrincipalAccount", "1", _unknown("aws:PrincipalAccount")),
        (ANN, "x:Anything", "1", _unknown("x:Anything")),
    ],
)
def test_the_graph_says_who_asks(who: str, key: str, value: str, answer: Answer) -> None:
    """Its word wins over the request's; what it does not say is unknown, which is not absent."""
    assert _judge({"Condition": {"StringEquals": {key: value}}}, who) == answer


@pytest.mark.parametrize(
    ("what", "key", "value", "answer"),
    [
        (BUCKET, "aws:ResourceAccount", "333333333333", YES),
        (f"{BUCKET}:of-nobody", "aws:ResourceAccount", "1", _unknown("aws:ResourceAccount")),
        (OBJECT, "s3:ResourceAccount", "333333333333", YES),
        (TABLE, "aws:ResourceAccount", "222222222222", YES),
        ("resource:doc:1", "aws:ResourceAccount", "1", _unknown("aws:ResourceAccount")),
        ("role:r", "aws:ResourceAccount", "1", _unknown("aws:ResourceAccount")),
        (BUCKET, "aws:ResourceTag/Secret", "true", YES),
        (BUCKET, "aws:ResourceTag/Other", "true", NO),
        (OBJECT, "s3:ExistingObjectTag/Secret", "true", _unknown("s3:ExistingObjectTag/Secret")),
    ],
)
def test_the_graph_says_what_is_asked_for(what: str, key: str, value: str, answer: Answer) -> None:
    assert _judge({"Condition": {"StringEquals": {key: value}}}, what=what) == answer


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ({"Resource": "arn:aws:s3:::pictures/${aws:username}/*"}, YES),
        ({"Resource": ["arn:aws:s3:::other/*", "arn:aws:s3:::pictures/${aws:username}/*"]}, YES),
        ({"Resource": "arn:aws:s3:::pictures/${x:Folder}/*"}, _unknown("x:Folder")),
        ({"Resource": "arn:aws:s3:::films/${x:Folder}/*"}, NO),
        ({"Resource": "arn:aws:s3:::pictures/${aws:PrincipalTag/none}/*"}, NO),
        ({"Resource": "arn:aws:s3:::pictures/${aws:PrincipalTag/none, 'ann'}/*"}, YES),
        ({"NotResource": "arn:aws:s3:::pictures/${aws:username}/*"}, NO),
        ({"NotResource": "arn:aws:s3:::pictures/${x:Folder}/*"}, _unknown("x:Folder")),
        ({"NotResource": "arn:aws:s3:::films/${x:Folder}/*"}, YES),
        ({"NotResource": "arn:aws:s3:::pictures/${aws:PrincipalTag/none}/*"}, NO),
    ],
)
def test_variables_stand_for_what_is_known(statement: dict[str, Any], answer: Answer) -> None:
    """One that nobody knows is unknown where it could fit, and one that the request has not never fits."""
    assert _judge(statement, what=OBJECT) == answer


def test_variables_in_values_are_filled_and_their_signs_are_plain() -> None:
    like = {"StringLike": {"x:Key": "${aws:username}-${*}"}}
    assert _judge({"Condition": like}, x__key="ann-*") == YES
    assert _judge({"Condition": like}, x__key="ann-b") == NO
    assert _judge({"Condition": {"StringEquals": {"x:Key": "${x:Other}"}}}, x__key="a") == _unknown("x:Other")
    absent = {"x:Key": "${aws:PrincipalTag/none}"}
    assert _judge({"Condition": {"StringEquals": absent}}, x__key="a") == NO
    assert _judge({"Condition": {"StringNotEquals": absent}}, x__key="a") == NO
    old = {"Condition": {"StringEquals": {"x:Key": "${aws:username}"}}}
    assert _judge(old, version="2008-10-17", x__key="${aws:username}") == YES


def test_for_a_user_the_age_of_a_session_may_be_unknown() -> None:
    """A key of their own has no such time; whatever holds without one holds."""
    later = {"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}}
    assert _judge({"Condition": later}) == _unknown("aws:TokenIssueTime")
    assert _judge({"Condition": {"ForAnyValue:DateGreaterThan": later["DateGreaterThan"]}}, ROLE)[0] is None


def test_keys_are_found_whatever_their_case() -> None:
    condition = {"Condition": {"StringEquals": {"X:kEY": "a"}}}
    assert _judge(condition, x__key="a") == YES
    assert _judge({"Condition": {"StringEquals": {"x:key": "a"}}}, x__key="a") == YES


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "[]",
        '{"Condition": "x"}',
        '{"Condition": {"StringResembles": {"k": "v"}}}',
        '{"Condition": {"ForSome:StringEquals": {"k": "v"}}}',
        '{"Condition": {"ForAnyValue:Null": {"k": "true"}}}',
        '{"Condition": {"StringEquals": "v"}}',
    ],
)
def test_a_condition_that_cannot_be_read_is_unknown(text: str) -> None:
    """It never counts as met, and says so."""
    test = compile_native({"text": text, "version": "2012-10-17"})
    assert test is not None
    assert test.judge(Asked(_estate(), f"identity:{ANN}", BUCKET)) == _unknown("its condition")


def test_a_statement_without_conditions_has_no_test() -> None:
    assert compile_native({"text": '{"Resource": "*"}', "version": "2012-10-17"}) is None
    assert compile_native({"text": '{"Resource": "a/${x}"}', "version": "2008-10-17"}) is None
    assert compile_native({}) is None
    unreadable = compile_native({"condition_keys": ["x"]})
    assert unreadable is not None
    assert unreadable.judge(Asked(_estate(), f"identity:{ANN}", BUCKET)) == _unknown("its condition")


def test_a_resource_that_is_asked_of_as_it_is_written_fits() -> None:
    """Whoever looks for what a statement may come to mean asks with `*` for its variables."""
    statement = {"Resource": "arn:aws:s3:::pictures/${x:Folder}/*"}
    assert _judge(statement, what="resource:aws:arn:aws:s3:::pictures/*/*") == YES


def test_who_asks_decides_what_a_statement_is_about_and_leaves_out() -> None:
    """Variables in resources stand for whatever they may be filled with; left out is only what is for certain."""
    kept, mine = "aws:arn:aws:s3:::kept/*", "aws:arn:aws:s3:::${aws:username}/*"
    for element, key, resources, excepted in (
        ("Resource", "resources", ("aws:arn:aws:s3:::*/*", kept), ()),
        ("NotResource", "except_resources", (), (kept,)),
    ):
        statement = {
            "Action": "s3:*",
            "Effect": "Allow",
            element: [mine.removeprefix("aws:"), kept.removeprefix("aws:")],
        }
        native: dict[str, Json] = {"text": encode(statement).decode(), "version": "2012-10-17"}
        fields: dict[str, Json] = {
            "actions": ["s3:*"],
            "effect": "allow",
            key: [mine, kept],
            "native": native,
        }
        permission = compile_permission(Node(key="permission:p", fields=fields), ())
        assert (permission.resources, permission.except_resources) == (resources, excepted)
