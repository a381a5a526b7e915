"""Random organizations of two accounts, as an account dump with its companions and as simulations for the evaluator."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphsvc.core.estate import Estate
from graphsvc.core.rights import Rights
from graphsvc.importers import aws

A, B = "111111111111", "222222222222"
BUCKET, OTHER_BUCKET = "arn:aws:s3:::data", "arn:aws:s3:::theirs"
QUEUE = f"arn:aws:sqs:eu-west-1:{A}:jobs"
KEY = f"arn:aws:kms:eu-west-1:{A}:key/k1"
OBJECTS = {
    "s3:GetObject": [f"{BUCKET}/ann/x", f"{BUCKET}/bob/y", f"{OTHER_BUCKET}/z"],
    "s3:PutObject": [f"{BUCKET}/ann/x", f"{OTHER_BUCKET}/z"],
    "sqs:SendMessage": [QUEUE],
    "sqs:DeleteQueue": [QUEUE],
    "kms:Decrypt": [KEY],
    "iam:GetUser": [f"arn:aws:iam::{A}:user/ann", f"arn:aws:iam::{A}:user/bob"],
    "iam:CreateAccessKey": [f"arn:aws:iam::{A}:user/ann", f"arn:aws:iam::{A}:user/bob"],
    "lambda:InvokeFunction": [f"arn:aws:lambda:eu-west-1:{A}:function:f"],
}
ACTIONS = [
    "*", "s3:*", "s3:Get*", "s3:getobject", "s3:?utObject", "s3:GetObject", "sqs:*", "sqs:SendMessage", "kms:*",
    "kms:Decrypt", "iam:*", "iam:GetUser", "iam:*Key", "iam:CreateAccessKey", "lambda:Invoke*",
]  # fmt: skip
RESOURCES = [
    "*", "*", "*", f"{BUCKET}/*", f"{BUCKET}/ann/*", f"{BUCKET}/${{aws:username}}/*", f"{OTHER_BUCKET}/*", "arn:aws:s3:::*/?",
    QUEUE, KEY, f"arn:aws:iam::{A}:user/*", "arn:aws:iam::*:user/${aws:username}", f"arn:aws:iam::{A}:user/bob",
    "arn:aws:s3:::${aws:PrincipalTag/bucket, 'data'}/*", "arn:aws:lambda:*:*:function:f", "arn:aws:sqs:*:*:j?bs",
]  # fmt: skip
CONTEXTS: dict[str, list[Any]] = {
    "aws:SourceIp": ["10.1.2.3", "203.0.113.9", "2001:db8::5"],
    "aws:SecureTransport": ["true", "false"],
    "aws:MultiFactorAuthPresent": ["true", "false"],
    "aws:CurrentTime": ["2026-05-01T00:00:00Z", "2027-01-01T12:00:00Z"],
    "aws:MultiFactorAuthAge": ["30", "7200"],
    "aws:RequestTag/team": ["red", "Blue"],
    "aws:TagKeys": [["team"], ["team", "cost"], ["other"]],
    "aws:SourceArn": ["arn:aws:s3:::data", "arn:aws:sns:eu-west-1:111111111111:topic"],
    "aws:UserAgent": ["curl/8", "Mozilla/5.0"],
}
CONDITIONS: list[dict[str, Any]] = [
    {"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}},
    {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"Bool": {"aws:SecureTransport": "false"}},
    {"Bool": {"aws:MultiFactorAuthPresent": True}},
    {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}},
    {"Null": {"aws:MultiFactorAuthAge": "true"}},
    {"Null": {"aws:RequestTag/team": False}},
    {"NumericLessThan": {"aws:MultiFactorAuthAge": "3600"}},
    {"NumericGreaterThanEqualsIfExists": {"aws:MultiFactorAuthAge": 7200}},
    {"NumericNotEquals": {"aws:MultiFactorAuthAge": ["30", "31"]}},
    {"DateGreaterThan": {"aws:CurrentTime": "2026-06-01T00:00:00Z"}},
    {"DateLessThanEquals": {"aws:CurrentTime": "2026-05-01T00:00:00Z"}},
    {"StringEquals": {"aws:RequestTag/team": ["red", "green"]}},
    {"StringNotEquals": {"aws:RequestTag/team": ["red", "green"]}},
    {"StringEqualsIgnoreCase": {"aws:RequestTag/team": "BLUE"}},
    {"StringNotEqualsIgnoreCase": {"AWS:requesttag/TEAM": "BLUE"}},
    {"StringLike": {"aws:UserAgent": ["curl/*", "wget/?"]}},
    {"StringNotLike": {"aws:UserAgent": "Mozilla*"}},
    {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/a*"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:s3:*:*:data"}},
    {"ArnNotEquals": {"aws:SourceArn": "arn:aws:sns:*:111111111111:*"}},
    {"ArnEqualsIfExists": {"aws:SourceArn": "arn:aws:s3:::data"}},
    {"StringEquals": {"aws:PrincipalAccount": A}},
    {"StringEquals": {"aws:PrincipalTag/bucket": ["data", "${aws:username}"]}},
    {"StringEqualsIfExists": {"aws:username": "ann"}},
    {"StringNotEqualsIfExists": {"aws:RequestTag/team": "${aws:PrincipalTag/bucket}"}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["team", "cost"]}},
    {"ForAnyValue:StringLike": {"aws:TagKeys": ["co*"]}},
    {"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["team"]}},
    {"ForAllValues:StringNotLike": {"aws:TagKeys": ["oth*"]}},
    {"StringEquals": {"aws:RequestTag/team": "red"}, "Bool": {"aws:SecureTransport": "true"}},
]
FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass
class Person:
    """Somebody who asks. policies: of its own and of its groups."""

    arn: str
    account: str
    simulated: str
    name: str | None
    tags: dict[str, str]
    policies: list[Any] = field(default_factory=list)
    boundary: Any = None
    session: Any = None


@dataclass
class Case:
    """One organization with its questions."""

    dump: dict[str, Any]
    organization: dict[str, Any]
    resource_policies: list[dict[str, Any]]
    sessions: list[dict[str, Any]]
    people: list[Person]
    levels: dict[str, list[Any]]

    def rights(self) -> Rights:
        companions = aws.Companions(
            organization=[(json.dumps(self.organization), "scp.json")],
            resource_policies=[(json.dumps(self.resource_policies), "resources.json")],
            targets=[(json.dumps({"Resources": [{"Arn": BUCKET, "Account": A}]}), "targets.json")],
            sessions=[(json.dumps(self.sessions), "sessions.json")],
        )
        read = aws.read(json.dumps(self.dump), "dump.json", companions=companions)
        estate = Estate()
        estate.load("aws", read.nodes, read.edges, replace=True)
        return Rights(estate)


def make(seed: int) -> Case:
    """The organization of a seed."""
    pick = random.Random(seed)
    people = [
        Person(f"arn:aws:iam::{A}:user/ann", A, f"arn:aws:iam::{A}:user/ann", "ann", {"bucket": "data"}),
        Person(f"arn:aws:iam::{A}:user/bob", A, f"arn:aws:iam::{A}:user/bob", "bob", {}),
        Person(
            f"arn:aws:iam::{A}:role/ops",
            A,
            f"arn:aws:sts::{A}:assumed-role/ops/s1",
            None,
            {"bucket": "theirs"},
        ),
        Person(f"arn:aws:iam::{B}:user/eve", B, f"arn:aws:iam::{B}:user/eve", "eve", {"bucket": "ann"}),
    ]
    managed = {f"arn:aws:iam::{A}:policy/m{number}": document(pick) for number in range(3)}
    boundary = document(pick, wide=True)
    group = document(pick)
    entries: list[dict[str, Any]] = []
    for person in people:
        inline = [document(pick) for _ in range(pick.choice([0, 1, 1, 2]))]
        attached = pick.sample(sorted(managed), pick.choice([0, 1, 1]))
        person.policies = [*inline, *(managed[arn] for arn in attached)]
        in_group = person.name is not None and person.account == A and pick.random() < 0.5
        if in_group:
            person.policies.append(group)
        kind = "User" if person.name is not None else "Role"
        entry: dict[str, Any] = {
            f"{kind}Name": person.arn.rpartition("/")[2],
            f"{kind}Id": f"AID{person.arn[-3:]}",
            "Arn": person.arn,
            "Path": "/",
            f"{kind}PolicyList": [
                {"PolicyName": f"i{number}", "PolicyDocument": each} for number, each in enumerate(inline)
            ],
            "AttachedManagedPolicies": [{"PolicyArn": arn, "PolicyName": arn[-2:]} for arn in attached],
            "Tags": [{"Key": key, "Value": value} for key, value in person.tags.items()],
        }
        if kind == "User":
            entry["GroupList"] = ["team"] if in_group else []
        else:
            entry["AssumeRolePolicyDocument"] = {"Version": "2012-10-17", "Statement": []}
            entry["InstanceProfileList"] = []
        if pick.random() < 0.3:
            person.boundary = boundary
            entry["PermissionsBoundary"] = {"PermissionsBoundaryArn": f"arn:aws:iam::{A}:policy/bound"}
        entries.append(entry)
    sessions = []
    ops = people[2]
    if pick.random() < 0.7:
        arn = f"arn:aws:sts::{A}:assumed-role/ops/narrow"
        narrowed = Person(arn, A, arn, None, ops.tags, ops.policies, ops.boundary, document(pick, wide=True))
        sessions = [{"Session": arn, "Policy": narrowed.session}]
        people.append(narrowed)
    dump = {
        "UserDetailList": [entry for entry in entries if "UserName" in entry],
        "RoleDetailList": [entry for entry in entries if "RoleName" in entry],
        "GroupDetailList": [
            {"GroupName": "team", "GroupId": "AGP", "Arn": f"arn:aws:iam::{A}:group/team", "Path": "/",
             "GroupPolicyList": [{"PolicyName": "g", "PolicyDocument": group}], "AttachedManagedPolicies": []}
        ],
        "Policies": [
            {"PolicyName": arn[-5:], "Arn": arn, "DefaultVersionId": "v2", "PolicyVersionList": [
                {"VersionId": "v1", "IsDefaultVersion": False, "Document": FULL},
                {"VersionId": "v2", "IsDefaultVersion": True, "Document": each}]}
            for arn, each in (*managed.items(), (f"arn:aws:iam::{A}:policy/bound", boundary))
        ],
    }  # fmt: skip
    policies = []
    for arn, chance in ((BUCKET, 0.7), (QUEUE, 0.7), (KEY, 1.0)):
        if pick.random() < chance:
            policies.append({"Resource": arn, "Account": A, "Policy": _resource_policy(pick, arn)})
    policies.append({"Resource": OTHER_BUCKET, "Account": B, "Policy": _resource_policy(pick, OTHER_BUCKET)})
    organization, levels = _organization(pick)
    return Case(dump, organization, policies, sessions, people, levels)


def document(pick: random.Random, *, wide: bool = False) -> dict[str, Any]:
    """A policy of an identity; wide: one that caps, and so begins with much."""
    made = [_statement(pick) for _ in range(pick.choice([1, 1, 2, 3]))]
    if wide and pick.random() < 0.8:
        made.append({"Effect": "Allow", "Action": "*", "Resource": "*"})
    # The evaluator fills variables in whatever the version; AWS, and we, only in the newer one.
    old = "${" not in json.dumps(made) and pick.random() < 0.2
    version = "2008-10-17" if old else "2012-10-17"
    return {"Version": version, "Statement": made if len(made) > 1 or pick.random() < 0.7 else made[0]}


def _statement(pick: random.Random) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": "Deny" if pick.random() < 0.2 else "Allow"}
    actions = pick.sample(ACTIONS, pick.choice([1, 1, 2]))
    statement["NotAction" if pick.random() < 0.15 else "Action"] = _one_or_many(pick, actions)
    resources = pick.sample(RESOURCES, pick.choice([1, 1, 2]))
    # What a role's `${aws:username}` leaves out is told by nobody.
    negated = pick.random() < 0.15 and "${aws:username}" not in str(resources)
    statement["NotResource" if negated else "Resource"] = _one_or_many(pick, resources)
    if pick.random() < 0.35:
        statement["Condition"] = pick.choice(CONDITIONS)
    return statement


def _one_or_many(pick: random.Random, values: list[str]) -> Any:
    return values[0] if len(values) == 1 and pick.random() < 0.5 else values


def _resource_policy(pick: random.Random, arn: str) -> dict[str, Any]:
    service = arn.split(":")[2]
    actions = [each for each in ACTIONS if each.startswith(service)] + [f"{service}:*"]
    principals: list[Any] = [
        "*", {"AWS": "*"}, {"AWS": A}, {"AWS": f"arn:aws:iam::{A}:root"}, {"AWS": f"arn:aws:iam::{B}:root"},
        {"AWS": f"arn:aws:iam::{A}:user/ann"}, {"AWS": [f"arn:aws:iam::{A}:role/ops", f"arn:aws:iam::{B}:user/eve"]},
        {"AWS": f"arn:aws:iam::{A}:role/ops"}, {"Service": "s3.amazonaws.com"},
    ]  # fmt: skip
    made = []
    for _ in range(pick.choice([1, 2, 2, 3])):
        denies = pick.random() < 0.25
        statement: dict[str, Any] = {
            "Effect": "Deny" if denies else "Allow",
            "Principal": pick.choice(principals),
        }
        if denies and pick.random() < 0.3:
            del statement["Principal"]
            statement["NotPrincipal"] = {"AWS": f"arn:aws:iam::{A}:user/ann"}
        statement["Action"] = pick.choice(actions)
        whole = [f"{arn}/*"] if service == "s3" else [arn]
        statement["Resource"] = "*" if service == "kms" or pick.random() < 0.3 else whole
        if service == "s3" and pick.random() < 0.2:
            statement["Resource"] = f"{arn}/ann/*"
        if pick.random() < 0.25:
            statement["Condition"] = pick.choice(CONDITIONS)
        made.append(statement)
    return {"Version": "2012-10-17", "Statement": made}


def _organization(pick: random.Random) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    def policies(name: str) -> list[dict[str, Any]]:
        found = [FULL] if pick.random() < 0.85 else []
        if not found or pick.random() < 0.3:
            found.append(document(pick, wide=not found))
        return [{"Id": f"p-{name}{n}", "Name": f"{name}{n}", "Content": each} for n, each in enumerate(found)]

    accounts = [
        {"Id": account, "Type": "Account", "Policies": policies(f"a{account[0]}")} for account in (A, B)
    ]
    unit = {"Id": "ou-1", "Policies": policies("ou"), "Children": [accounts[0]]}
    root = {"Id": "r-1", "Policies": policies("root"), "Children": [unit, accounts[1]]}
    management = B if pick.random() < 0.2 else "999999999999"
    levels = {
        A: [root["Policies"], unit["Policies"], accounts[0]["Policies"]],
        B: [] if management == B else [root["Policies"], accounts[1]["Policies"]],
    }
    return {"OrganizationId": "o-1", "ManagementAccountId": management, "Root": root}, levels


@dataclass(frozen=True)
class Question:
    """One request of somebody. given: keys of its context; None for those it has not."""

    person: Person
    action: str
    resource: str
    given: dict[str, Any]


def questions(case: Case, seed: int, many: int) -> Iterator[Question]:
    """Random requests in a case."""
    pick = random.Random(seed)
    for _ in range(many):
        action = pick.choice(sorted(OBJECTS))
        given = {
            key: pick.choice(values) if pick.random() < 0.6 else None for key, values in CONTEXTS.items()
        }
        yield Question(pick.choice(case.people), action, pick.choice(OBJECTS[action]), given)


def simulation(case: Case, asked: Question) -> dict[str, Any]:
    """The same question for the evaluator, which is told all that it would look up."""
    person = asked.person
    context = {key: value for key, value in asked.given.items() if value is not None}
    role = person.arn
    if ":assumed-role/" in role:
        role = f"arn:aws:iam::{person.account}:role/{role.split('/')[1]}"
    context |= {"aws:PrincipalArn": role, "aws:PrincipalAccount": person.account}
    if person.name is not None:
        context["aws:username"] = person.name
    context |= {f"aws:PrincipalTag/{key}": value for key, value in person.tags.items()}
    owner = B if asked.resource.startswith(OTHER_BUCKET) else A
    policy = next(
        (e["Policy"] for e in case.resource_policies if asked.resource.startswith(e["Resource"])), None
    )
    made: dict[str, Any] = {
        "request": {
            "principal": person.simulated,
            "action": asked.action,
            "resource": {"resource": asked.resource, "accountId": owner},
            "contextVariables": context,
        },
        "identityPolicies": [{"name": f"p{n}", "policy": each} for n, each in enumerate(person.policies)],
        "serviceControlPolicies": [
            {
                "orgIdentifier": str(n),
                "policies": [{"name": e["Name"], "policy": e["Content"]} for e in level],
            }
            for n, level in enumerate(case.levels[person.account])
        ],
        "resourceControlPolicies": [],
    }
    if policy is not None:
        made["resourcePolicy"] = policy
    if person.boundary is not None:
        made["permissionBoundaryPolicies"] = [{"name": "bound", "policy": person.boundary}]
    if person.session is not None:
        made["sessionPolicy"] = person.session
    return made
