"""The credential report of an account, as the AWS command line answers it."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from graphsvc.core.graph import Node
from graphsvc.errors import BadInput
from tests.importers.test_aws_beside import ANN, BOB, account, read

_HEAD = "user,arn,password_enabled,access_key_1_active,access_key_1_last_rotated,access_key_2_last_rotated"


def _report(*rows: str, head: str = _HEAD) -> dict[str, Any]:
    return {"Content": b64encode("\n".join((head, *rows)).encode()).decode(), "ReportFormat": "text/csv"}


def _users(report: dict[str, Any]) -> dict[str, Node]:
    imported = read(account(ANN, BOB), targets=report)
    return {node.key.removeprefix("identity:"): node for node in imported.nodes}


def test_who_has_a_password_and_how_many_keys_is_known() -> None:
    """A key that is off is a key: an account takes two of a user, whichever they are."""
    users = _users(
        _report(
            "<root_account>,arn:aws:iam::1:root,not_supported,false,N/A,N/A",
            f"ann,{ANN},true,false,2024-01-02T03:04:05+00:00,2024-01-02T03:04:05+00:00",
            f"bob,{BOB},false,false,N/A,N/A",
        )
    )
    told = {
        arn: (users[arn].properties.get("has_password"), users[arn].properties.get("access_key_count"))
        for arn in (ANN, BOB)
    }
    assert told == {ANN: (True, 2), BOB: (False, 0)}


def test_without_a_report_nothing_is_said_of_passwords() -> None:
    imported = read(account(ANN))
    assert all("has_password" not in node.properties for node in imported.nodes)


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({"Content": "not base64!"}, "must be base64 of CSV"),
        (_report("ann", head="user"), "has no column `password_enabled`"),
    ],
)
def test_a_report_that_is_none_is_refused(report: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        _users(report)
