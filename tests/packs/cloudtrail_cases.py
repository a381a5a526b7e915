"""What the pack `cloud` says of each recorded attack technique, and the benign twin that it lets pass.

An estate imported from the events alone knows who exists and what they did. What makes a call an attack
is something an organisation knows besides: its own accounts, the policies it vetted, who runs a trail,
which instances hold credentials. Each case gives these facts as graph records (`facts`), and the twin
either the facts that make the same events ordinary (`twin_facts`) or events about ordinary things
(`twin_events`); nothing else differs.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from graphsvc.importers.aws.arn import account_group
from graphsvc.importers.cloudtrail import to_trace

Record = dict[str, Any]
Events = list[Record]

VETTED_POLICY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
_ADMIN_POLICY = "arn:aws:iam::aws:policy/AdministratorAccess"


@dataclass(frozen=True)
class Case:
    """One file. decisive: index of the action to stop, in the order of `to_trace`; all before pass.

    action: that action's name. pattern: whose completion stops it. facts, twin_facts: graph records beside
    the imported estate, of the events. also: later actions (index, pattern) that are stopped on their own.
    """

    file: str
    decisive: int
    action: str
    pattern: str
    verdict: str
    facts: Callable[[Events], list[Record]]
    twin_facts: Callable[[Events], list[Record]]
    twin_events: Callable[[Events], Events] = copy.deepcopy
    also: tuple[tuple[int, str], ...] = ()


def _trace(events: Events) -> list[Record]:
    return [dict(record) for record in to_trace(events)]


def account_of(events: Events) -> str:
    """The account that recorded the events."""
    return str(events[0]["recipientAccountId"])


def ordinary(events: Events) -> list[Record]:
    """What every estate knows: its own account, and the policies it hands out freely."""
    account = account_of(events)
    group = account_group(account)
    return [
        {"node": {"type": "identity", "id": account, "kind": "service", "status": "active"}},
        _resource(VETTED_POLICY),
        _knows(group, f"identity:{account}"),
        _knows(group, f"resource:aws:{VETTED_POLICY}"),
    ]


def _knows(group: str, thing: str) -> Record:
    return {"edge": {"type": "KNOWS", "from": group, "to": thing}}


def _runs(events: Events, *things: str) -> list[Record]:
    """The people who act belong to a group that runs these things."""
    people = {action["subject"]["id"] for action in _trace(events) if action["subject"]["type"] == "human"}
    return [
        {"node": {"type": "group", "id": "operators"}},
        *(
            {"edge": {"type": "MEMBER_OF", "from": f"identity:{who}", "to": "group:operators"}}
            for who in sorted(people)
        ),
        # A thing of type `aws` is in the estate already, with more to say about it.
        *(_named(thing) for thing in things if not thing.startswith("aws:")),
        *(_knows("group:operators", f"resource:{thing}") for thing in things),
    ]


def _named(thing: str) -> Record:
    kind, _, name = thing.partition(":")
    return {"node": {"type": "resource", "resource_type": kind, "id": name}}


def _resource(arn: str, *, labels: tuple[str, ...] = (), tier: str | None = None) -> Record:
    return {
        "node": {"type": "resource", "resource_type": "aws", "id": arn, "labels": list(labels), "tier": tier}
    }


def _target(events: Events, action: str) -> str:
    return next(
        str(record["resource"]["id"]) for record in _trace(events) if record["action"]["name"] == action
    )


def _parameter(events: Events, name: str) -> Any:
    return next(
        value
        for event in events
        if isinstance(value := (event.get("requestParameters") or {}).get(name), str | list)
    )


def _replaced(old: str, new: Callable[[Events], str]) -> Callable[[Events], Events]:
    def twin(events: Events) -> Events:
        changed: Events = json.loads(json.dumps(events).replace(old, new(events)))
        return changed

    return twin


def _one_secret(events: Events) -> Events:
    twin = copy.deepcopy(events)
    secret = _parameter(twin, "secretId")
    for event in twin:
        if event["eventName"] == "GetSecretValue":
            event["requestParameters"]["secretId"] = secret
    return twin


# -- facts of single cases --------------------------------------------------------------------------


def _valued_trail(events: Events) -> list[Record]:
    return [*ordinary(events), _resource(_target(events, "cloudtrail:StopLogging"), tier="high")]


def _run_trail(events: Events) -> list[Record]:
    return [*_valued_trail(events), *_runs(events, f"trail:{_parameter(events, 'name')}")]


def _privileged_function(events: Events) -> list[Record]:
    return [
        *ordinary(events),
        _resource(_target(events, "lambda:UpdateFunctionCode"), labels=("privileged",)),
    ]


def _run_function(events: Events) -> list[Record]:
    return [*_privileged_function(events), *_runs(events, f"aws:{_parameter(events, 'functionName')}")]


def _run_login(events: Events) -> list[Record]:
    return [*ordinary(events), *_runs(events, f"login:{_parameter(events, 'userName')}")]


def _run_instances(events: Events) -> list[Record]:
    return [
        *ordinary(events),
        *_runs(events, *(f"instance:{name}" for name in _parameter(events, "instanceIds"))),
    ]


def _instance_with_credentials(events: Events) -> list[Record]:
    roles = {action["subject"]["id"] for action in _trace(events) if action["subject"]["type"] == "service"}
    return [
        *_run_instances(events),
        _resource(_target(events, "ssm:SendCommand"), labels=("credentials",)),
        {"node": {"type": "group", "id": "instance-roles"}},
        *(
            {"edge": {"type": "MEMBER_OF", "from": f"identity:{role}", "to": "group:instance-roles"}}
            for role in roles
        ),
    ]


CASES = (
    Case(
        file="aws.credential-access.ec2-steal-instance-credentials.json",
        decisive=39,
        action="ssm:GetCommandInvocation",
        pattern="aws-instance-credentials-read-back",
        verdict="ESCALATE",
        facts=_instance_with_credentials,
        twin_facts=_run_instances,
        also=((44, "aws-instance-credentials-used"),),
    ),
    Case(
        file="aws.credential-access.secretsmanager-retrieve-secrets.json",
        decisive=11,
        action="secretsmanager:GetSecretValue",
        pattern="aws-read-many-secrets",
        verdict="DENY",
        facts=ordinary,
        twin_facts=ordinary,
        twin_events=_one_secret,
    ),
    Case(
        file="aws.defense-evasion.cloudtrail-stop.json",
        decisive=0,
        action="cloudtrail:StopLogging",
        pattern="aws-stop-audit-trail",
        verdict="DENY",
        facts=_valued_trail,
        twin_facts=_run_trail,
    ),
    Case(
        file="aws.execution.ssm-send-command.json",
        decisive=50,
        action="ssm:SendCommand",
        pattern="aws-command-after-discovery",
        verdict="DENY",
        facts=ordinary,
        twin_facts=_run_instances,
    ),
    Case(
        file="aws.exfiltration.ec2-share-ebs-snapshot.json",
        decisive=0,
        action="ec2:ModifySnapshotAttribute",
        pattern="aws-share-storage-outside",
        verdict="DENY",
        facts=ordinary,
        twin_facts=ordinary,
        twin_events=_replaced("098797384747", account_of),
    ),
    Case(
        file="aws.persistence.iam-backdoor-role.json",
        decisive=0,
        action="iam:UpdateAssumeRolePolicy",
        pattern="aws-backdoor-role-trust",
        verdict="DENY",
        facts=ordinary,
        twin_facts=ordinary,
        twin_events=_replaced("193672423079", account_of),
    ),
    Case(
        file="aws.persistence.iam-create-admin-user.json",
        decisive=1,
        action="iam:AttachUserPolicy",
        pattern="aws-create-admin-user",
        verdict="DENY",
        facts=ordinary,
        twin_facts=ordinary,
        twin_events=_replaced(_ADMIN_POLICY, lambda events: VETTED_POLICY),
    ),
    Case(
        file="aws.persistence.iam-create-backdoor-role.json",
        decisive=1,
        action="iam:AttachRolePolicy",
        pattern="aws-create-backdoor-role",
        verdict="DENY",
        facts=ordinary,
        twin_facts=ordinary,
        twin_events=_replaced("193672423079", account_of),
    ),
    Case(
        file="aws.persistence.lambda-overwrite-code.json",
        decisive=0,
        action="lambda:UpdateFunctionCode",
        pattern="aws-overwrite-function-code",
        verdict="DENY",
        facts=_privileged_function,
        twin_facts=_run_function,
    ),
    Case(
        file="aws.privilege-escalation.iam-update-user-login-profile.json",
        decisive=0,
        action="iam:UpdateLoginProfile",
        pattern="aws-take-over-login",
        verdict="DENY",
        facts=ordinary,
        twin_facts=_run_login,
    ),
)
