"""Who is let in by a call that shares a resource or changes who is trusted."""

from __future__ import annotations

from collections.abc import Iterator

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.aws.arn import parse_arn
from graphsvc.importers.aws.document import principals, read_document, statements
from graphsvc.importers.cloudtrail.event import Event, action_name, child

__all__ = ["shared_with"]

# Anybody at all, and somebody whom the event does not let us name; neither is ever a known account.
_ANYONE, _UNREADABLE = "*", "?"

# Where a request lists those it lets in, by operation.
_GRANTEES: dict[str, tuple[tuple[str, ...], ...]] = {
    "ec2:ModifySnapshotAttribute": (("createVolumePermission", "add", "items"),),
    "ec2:ModifyImageAttribute": (("launchPermission", "add", "items"),),
    "ec2:ModifyVpcEndpointServicePermissions": (("addAllowedPrincipals",),),
    "rds:ModifyDBSnapshotAttribute": (("valuesToAdd",),),
    "rds:ModifyDBClusterSnapshotAttribute": (("valuesToAdd",),),
    "ssm:ModifyDocumentPermission": (("accountIdsToAdd",),),
    "lambda:AddPermission": (("principal",),),
    "lambda:AddLayerVersionPermission": (("principal",),),
    "kms:CreateGrant": (("granteePrincipal",),),
    "sns:AddPermission": (("aWSAccountId",), ("aWSAccountIds",)),
    "sqs:AddPermission": (("aWSAccountIds",),),
    "ram:CreateResourceShare": (("principals",),),
    "ram:AssociateResourceShare": (("principals",),),
}
# Where a request holds a policy that names principals, by operation.
_POLICIES: dict[str, tuple[tuple[str, ...], ...]] = {
    "iam:UpdateAssumeRolePolicy": (("policyDocument",),),
    "iam:CreateRole": (("assumeRolePolicyDocument",),),
    "s3:PutBucketPolicy": (("bucketPolicy",), ("policy",)),
    "kms:PutKeyPolicy": (("policy",),),
    "kms:CreateKey": (("policy",),),
    "secretsmanager:PutResourcePolicy": (("resourcePolicy",),),
    "ecr:SetRepositoryPolicy": (("policyText",),),
    "sns:SetTopicAttributes": (("attributeValue",),),
    "sqs:SetQueueAttributes": (("attributes", "Policy"),),
    "lambda:PutResourcePolicy": (("policy",),),
}
_ITEM_FIELDS = ("userId", "group", "principal", "organizationArn", "organizationalUnitArn")


def shared_with(event: Event) -> list[str] | None:
    """Accounts (12 digits) and principals outside AWS that the call lets in; None when it lets nobody in by its kind.

    All are listed, the own account included, in the order of the request, each once. `*` is anyone,
    `?` somebody whom a policy that cannot be read may name. Services of AWS are left out.
    """
    name = action_name(event)
    request = event.get("requestParameters")
    if name not in _GRANTEES and name not in _POLICIES:
        return None
    found: dict[str, None] = {}
    for path in _GRANTEES.get(name, ()):
        found.update(dict.fromkeys(_grantees(child(request, *path))))
    for path in _POLICIES.get(name, ()):
        document = child(request, *path)
        if name == "sns:SetTopicAttributes" and child(request, "attributeName") != "Policy":
            continue
        if document is not None:
            found.update(dict.fromkeys(_policy(document)))
    return list(found)


def _grantees(value: Json) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, dict):
            for field in _ITEM_FIELDS:
                yield from _grantees(item.get(field))
        elif isinstance(item, str):
            yield from _account(item)


def _policy(document: Json) -> Iterator[str]:
    try:
        for statement in statements(read_document(document, "policy"), "policy"):
            if statement["Effect"] == "Allow":
                if "NotPrincipal" in statement:
                    yield _ANYONE
                for kind, name in principals(statement, "Principal", "policy"):
                    if kind != "Service":
                        yield from _account(name)
    except BadInput:
        yield _UNREADABLE


def _account(name: str) -> Iterator[str]:
    arn = parse_arn(name)
    if name in ("all", _ANYONE):
        yield _ANYONE
    elif arn and arn.account:
        yield arn.account
    elif not name.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        yield name
