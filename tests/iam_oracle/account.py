"""Questions about real account dumps: each identity's policies flattened from the raw JSON, for the evaluator."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["condition_keys", "people", "simulations"]

# Actions with a resource of the kind that they take.
ASKED = {
    "iam:PassRole": "arn:aws:iam::{account}:role/{role}",
    "iam:CreateAccessKey": "arn:aws:iam::{account}:user/{user}",
    "iam:PutUserPolicy": "arn:aws:iam::{account}:user/{user}",
    "iam:ChangePassword": "arn:aws:iam::{account}:user/{user}",
    "iam:AttachRolePolicy": "arn:aws:iam::{account}:role/{role}",
    "iam:UpdateAssumeRolePolicy": "arn:aws:iam::{account}:role/{role}",
    "iam:CreatePolicyVersion": "arn:aws:iam::{account}:policy/any",
    "iam:CreateServiceLinkedRole": "arn:aws:iam::{account}:role/aws-service-role/ssm.amazonaws.com/AWSServiceRoleForAmazonSSM",
    "lambda:CreateFunction": "arn:aws:lambda:us-east-1:{account}:function:f",
    "lambda:InvokeFunction": "arn:aws:lambda:us-east-1:{account}:function:f",
    "lambda:UpdateFunctionCode": "arn:aws:lambda:us-east-1:{account}:function:f",
    "s3:GetObject": "arn:aws:s3:::some-bucket/key",
    "s3:PutBucketPolicy": "arn:aws:s3:::some-bucket",
    "ec2:RunInstances": "arn:aws:ec2:us-east-1:{account}:instance/*",
    "ec2:TerminateInstances": "arn:aws:ec2:us-east-1:{account}:instance/i-1",
    "ssm:SendCommand": "arn:aws:ec2:us-east-1:{account}:instance/i-1",
    "ssm:GetParameter": "arn:aws:ssm:us-east-1:{account}:parameter/p",
    "secretsmanager:GetSecretValue": "arn:aws:secretsmanager:us-east-1:{account}:secret:s-abcdef",
    "dynamodb:GetItem": "arn:aws:dynamodb:us-east-1:{account}:table/t",
    "cloudformation:CreateStack": "arn:aws:cloudformation:us-east-1:{account}:stack/s/1",
    "logs:CreateLogGroup": "arn:aws:logs:us-east-1:{account}:log-group:g",
    "sqs:SendMessage": "arn:aws:sqs:us-east-1:{account}:q",
    "rds:DeleteDBInstance": "arn:aws:rds:us-east-1:{account}:db:d",
}


def people(dump: dict[str, Any]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """(ARN, name of a user or empty, documents of its policies) of every user and role."""
    managed = {
        policy["Arn"]: version["Document"]
        for policy in dump["Policies"]
        for version in policy["PolicyVersionList"]
        if version["IsDefaultVersion"]
    }
    groups = {group["GroupName"]: group for group in dump["GroupDetailList"]}
    for kind, name in (("User", "UserDetailList"), ("Role", "RoleDetailList")):
        for entry in dump[name]:
            holders = [(kind, entry), *(("Group", groups[each]) for each in entry.get("GroupList", []))]
            documents = [
                document
                for holder_kind, holder in holders
                for document in (
                    *(each["PolicyDocument"] for each in holder.get(f"{holder_kind}PolicyList", [])),
                    *(managed[each["PolicyArn"]] for each in holder["AttachedManagedPolicies"]),
                )
            ]
            yield entry["Arn"], entry.get("UserName", ""), documents


def simulations(dump: dict[str, Any]) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """(ARN of who asks, action, resource, the evaluator's question), with a context that holds nothing more."""
    user, role = dump["UserDetailList"][0]["UserName"], dump["RoleDetailList"][0]["RoleName"]
    for arn, name, documents in people(dump):
        account = arn.split(":")[4]
        asking = arn if name else f"arn:aws:sts::{account}:assumed-role/{arn.rpartition('/')[2]}/s"
        for action, template in ASKED.items():
            for who in (user, name) if name and "{user}" in template else (user,):
                resource = template.format(account=account, user=who, role=role)
                context = {"aws:PrincipalArn": arn, "aws:PrincipalAccount": account}
                if name:
                    context["aws:username"] = name
                yield (
                    arn,
                    action,
                    resource,
                    {
                        "request": {
                            "principal": asking,
                            "action": action,
                            "resource": {"resource": resource, "accountId": account},
                            "contextVariables": context,
                        },
                        "identityPolicies": [
                            {"name": str(place), "policy": each} for place, each in enumerate(documents)
                        ],
                        "serviceControlPolicies": [],
                        "resourceControlPolicies": [],
                    },
                )


def condition_keys(dump: Any) -> set[str]:
    """Every key that a condition anywhere in the dump asks for."""
    found: set[str] = set()
    if isinstance(dump, dict):
        condition = dump.get("Condition")
        if isinstance(condition, dict):
            found.update(key for tests in condition.values() for key in tests)
        for value in dump.values():
            found |= condition_keys(value)
    elif isinstance(dump, list):
        for value in dump:
            found |= condition_keys(value)
    return found
