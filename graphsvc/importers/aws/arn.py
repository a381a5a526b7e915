"""Amazon resource names, and the ids that stand for an account as a whole."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["ACCOUNT_ID", "RESOURCE_TYPE", "Arn", "account_arn", "account_group", "parse_arn", "resource_glob"]

ACCOUNT_ID = re.compile(r"\d{12}")
# Every AWS resource has this type in the graph; its ARN is its id.
RESOURCE_TYPE = "aws"


class Arn(NamedTuple):
    """The parts of an ARN; `resource` is what follows the fifth colon."""

    partition: str
    service: str
    region: str
    account: str
    resource: str


def parse_arn(text: str) -> Arn | None:
    """The parts of an ARN, None when the text is not one."""
    parts = text.split(":", 5)
    return Arn(*parts[1:]) if len(parts) == 6 and parts[0] == "arn" else None


def account_arn(account: str, partition: str = "aws") -> str:
    """The id of the identity that stands for an account."""
    return f"arn:{partition}:iam::{account}:root"


def account_group(account: str) -> str:
    """The key of the group that all identities of an account are members of."""
    return f"group:aws-account:{account}"


def resource_glob(pattern: str) -> str:
    """A statement's resource pattern, written against resource texts `<type>:<id>`."""
    return f"{RESOURCE_TYPE}:{pattern}"
