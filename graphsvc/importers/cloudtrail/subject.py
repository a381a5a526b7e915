"""Who made a call: the identity of an event, and the chain that the call belongs to."""

from __future__ import annotations

import msgspec

from graphsvc.importers.aws.arn import account_arn, parse_arn
from graphsvc.importers.cloudtrail.event import Event, child, identity_of

__all__ = ["Subject", "chain_of", "subject_of"]

_PEOPLE = frozenset({"IAMUser", "Root", "FederatedUser", "SAMLUser", "IdentityCenterUser"})


class Subject(msgspec.Struct, frozen=True):
    """An identity as events show it. account: 12 digits, empty when the event has none.

    session: the role session's name, of sessions only. unique_id: the id AWS gave it, if known.
    """

    id: str
    kind: str
    aws_type: str
    account: str = ""
    session: str | None = None
    unique_id: str | None = None


def subject_of(event: Event) -> Subject:
    """The identity that made the call; a session of a role is the role (its ARN)."""
    who = identity_of(event)
    form = str(who.get("type") or "unknown")
    arn, principal = _text(who, "arn"), _text(who, "principalId")
    account = _text(who, "accountId")
    kind = "human" if form in _PEOPLE else "service"
    if form in ("AssumedRole", "FederatedUser"):
        issuer = child(who, "sessionContext", "sessionIssuer")
        issuer = issuer if isinstance(issuer, dict) else {}
        role = _text(issuer, "arn") or _role_of(arn)
        session = arn.rpartition("/")[2] or principal.partition(":")[2]
        return Subject(
            role or arn or principal or form,
            kind,
            "role" if form == "AssumedRole" else "user",
            _text(issuer, "accountId") or account,
            session or None,
            _text(issuer, "principalId") or None,
        )
    if form == "AWSService" or (not arn and _text(who, "invokedBy")):
        return Subject(_text(who, "invokedBy") or str(event["eventSource"]), "service", "service")
    if form == "AWSAccount" and account:
        return Subject(account_arn(account), "service", "account", account)
    aws_type = {"IAMUser": "user", "Root": "account"}.get(form, form)
    return Subject(arn or principal or form, kind, aws_type, account, None, principal or None)


def chain_of(event: Event) -> str:
    """One chain per access key; a session's key is its own. Without a key: per principal."""
    who = identity_of(event)
    key = _text(who, "accessKeyId") or _text(who, "principalId") or subject_of(event).id
    return f"cloudtrail:{key}"


def _role_of(session_arn: str) -> str:
    """The role's ARN as far as a session's ARN tells (it leaves the role's path out)."""
    arn = parse_arn(session_arn)
    if arn is None or not arn.resource.startswith("assumed-role/"):
        return ""
    return f"arn:{arn.partition}:iam::{arn.account}:role/{arn.resource.split('/')[1]}"


def _text(value: Event, name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
