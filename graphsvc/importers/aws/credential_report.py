"""The credential report of an account: who has a password, and how many keys.

`aws iam get-credential-report` answers `{"Content": base64 of CSV, "ReportFormat": "text/csv"}`. A key that was ever made
and not deleted has a day of its last rotation, active or not; an account takes two keys of a user, whichever they are.
Source: "Getting credential reports for your AWS account" of the AWS IAM user guide.
"""

from __future__ import annotations

import csv
from base64 import b64decode
from binascii import Error
from dataclasses import dataclass
from io import StringIO

from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["Credentials", "read_credential_report"]

_COLUMNS = ("user", "password_enabled", "access_key_1_last_rotated", "access_key_2_last_rotated")
_NOTHING = ("", "N/A", "not_supported", "no_information")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Of one user. password: None where the report does not say."""

    password: bool | None
    keys: int


def read_credential_report(content: Json, place: str) -> dict[str, Credentials]:
    """By user name; BadInput names the place and what is wrong."""
    try:
        text = b64decode(str(content), validate=True).decode("utf-8")
    except (Error, UnicodeDecodeError):
        raise BadInput(
            f"{place}.Content: must be base64 of CSV, as `aws iam get-credential-report` answers it",
            field=place,
        ) from None
    rows = csv.DictReader(StringIO(text))
    missing = [column for column in _COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise BadInput(f"{place}.Content: has no column `{missing[0]}`", field=place)
    return {
        row["user"]: Credentials(
            password={"true": True, "false": False}.get(row["password_enabled"]),
            keys=sum(row[column] not in _NOTHING for column in _COLUMNS[2:]),
        )
        for row in rows
    }
