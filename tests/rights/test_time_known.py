"""Times that conditions ask for: what has passed is decided where nobody asks about a request of the past."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.json import encode

from graphsvc.core.estate import Estate
from graphsvc.core.graph import Node
from graphsvc.core.native import Asked, compile_native

_ARN = "arn:aws:iam::111111111111:"
PAST, FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"


def _judge(condition: dict[str, Any], who: str = "role/r") -> bool | None:
    estate = Estate()
    kind = who.partition("/")[0]
    estate.load("t", [Node(key=f"identity:{_ARN}{who}", properties={"aws_type": kind})], [], replace=True)
    test = compile_native({"text": encode({"Condition": condition}).decode(), "version": "2012-10-17"})
    assert test is not None
    return test.judge(Asked(estate, f"identity:{_ARN}{who}", "resource:*"))[0]


@pytest.mark.parametrize("key", ["aws:CurrentTime", "aws:TokenIssueTime", "aws:tokenissuetime"])
def test_what_has_passed_is_decided(key: str) -> None:
    assert _judge({"DateLessThan": {key: PAST}}) is False
    assert _judge({"DateGreaterThan": {key: PAST}}) is True
    assert _judge({"DateNotEquals": {key: PAST}}) is True


def test_the_denial_that_revokes_older_sessions_binds_no_new_one() -> None:
    """What AWS attaches as AWSRevokeOlderSessions."""
    assert _judge({"DateLessThan": {"aws:TokenIssueTime": PAST}}, "role/r") is False
    assert _judge({"DateLessThan": {"aws:TokenIssueTime": PAST}}, "user/u") is False


def test_a_user_may_come_without_a_session() -> None:
    """Then there is no such time, and the condition is not met: nobody knows which."""
    assert _judge({"DateGreaterThan": {"aws:TokenIssueTime": PAST}}, "user/u") is None
    assert _judge({"DateGreaterThanIfExists": {"aws:TokenIssueTime": PAST}}, "user/u") is True


@pytest.mark.parametrize(
    "condition",
    [
        {"DateLessThan": {"aws:CurrentTime": FUTURE}},
        {"DateGreaterThan": {"aws:CurrentTime": FUTURE}},
        {"DateLessThan": {"aws:CurrentTime": [PAST, FUTURE]}},
        {"DateLessThan": {"aws:CurrentTime": "no time"}},
        {"StringLike": {"aws:CurrentTime": PAST}},
        {"DateLessThan": {"my:Time": PAST}},
    ],
)
def test_anything_else_stays_unknown(condition: dict[str, Any]) -> None:
    assert _judge(condition) is None
