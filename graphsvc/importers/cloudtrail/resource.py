"""The resource that a call is about: one ARN, the most specific that the event tells."""

from __future__ import annotations

from graphsvc.core.value import Json
from graphsvc.importers.aws.arn import parse_arn
from graphsvc.importers.cloudtrail.event import Event, action_name, child
from graphsvc.importers.cloudtrail.subject import subject_of

__all__ = ["resource_kind", "resource_of"]

# By service: request parameters, most specific first, and the ARN that each makes. `{}` is the value.
_GLOBAL = "arn:{partition}:{service}::{account}:"
_LOCAL = "arn:{partition}:{service}:{region}:{account}:"
_EC2 = "arn:{partition}:ec2:{region}:{account}:"
_SHAPES: dict[str, tuple[tuple[str, str], ...]] = {
    "iam": (
        ("roleName", _GLOBAL + "role/{value}"),
        ("userName", _GLOBAL + "user/{value}"),
        ("groupName", _GLOBAL + "group/{value}"),
        ("instanceProfileName", _GLOBAL + "instance-profile/{value}"),
        ("policyArn", _GLOBAL + "policy/{value}"),
        ("policyName", _GLOBAL + "policy/{value}"),
        ("sAMLProviderArn", _GLOBAL + "saml-provider/{value}"),
        ("openIDConnectProviderArn", _GLOBAL + "oidc-provider/{value}"),
    ),
    "sts": (("roleArn", _GLOBAL + "role/{value}"),),
    "ec2": (
        ("snapshotId", _EC2 + "snapshot/{value}"),
        ("imageId", _EC2 + "image/{value}"),
        ("volumeId", _EC2 + "volume/{value}"),
        ("instanceId", _EC2 + "instance/{value}"),
        ("instanceIds", _EC2 + "instance/{value}"),
        ("instancesSet", _EC2 + "instance/{value}"),
        ("groupId", _EC2 + "security-group/{value}"),
        ("networkInterfaceId", _EC2 + "network-interface/{value}"),
        ("subnetId", _EC2 + "subnet/{value}"),
        ("vpcId", _EC2 + "vpc/{value}"),
        ("keyName", _EC2 + "key-pair/{value}"),
    ),
    "ssm": (
        ("instanceId", _EC2 + "instance/{value}"),
        ("instanceIds", _EC2 + "instance/{value}"),
        ("target", _EC2 + "instance/{value}"),
        ("documentName", _LOCAL + "document/{value}"),
        ("name", _LOCAL + "parameter/{value}"),
    ),
    "ec2-instance-connect": (("instanceId", _EC2 + "instance/{value}"),),
    "secretsmanager": (("secretId", _LOCAL + "secret:{value}"), ("name", _LOCAL + "secret:{value}")),
    "lambda": (("functionName", _LOCAL + "function:{value}"), ("layerName", _LOCAL + "layer:{value}")),
    "cloudtrail": (("trailName", _LOCAL + "trail/{value}"), ("name", _LOCAL + "trail/{value}")),
    "s3": (("bucketName", "arn:{partition}:s3:::{value}"),),
    "kms": (("keyId", _LOCAL + "key/{value}"),),
    "dynamodb": (("tableName", _LOCAL + "table/{value}"),),
    "rds": (
        ("dBSnapshotIdentifier", _LOCAL + "snapshot:{value}"),
        ("dBClusterSnapshotIdentifier", _LOCAL + "cluster-snapshot:{value}"),
        ("dBInstanceIdentifier", _LOCAL + "db:{value}"),
        ("dBClusterIdentifier", _LOCAL + "cluster:{value}"),
    ),
    "sns": (("topicArn", _LOCAL + "{value}"),),
    "sqs": (("queueName", _LOCAL + "{value}"),),
    "logs": (("logGroupName", _LOCAL + "log-group:{value}"),),
    "ecr": (("repositoryName", _LOCAL + "repository/{value}"),),
    "cloudformation": (("stackName", _LOCAL + "stack/{value}"),),
    "guardduty": (("detectorId", _LOCAL + "detector/{value}"),),
}
# Made without naming a user, these are about the caller.
_OF_ONESELF = frozenset(
    {
        "ChangePassword", "CreateAccessKey", "DeleteAccessKey", "GetUser", "ListAccessKeys", "UpdateAccessKey",
        "CreateLoginProfile", "GetLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile",
    }
)  # fmt: skip


def resource_of(event: Event) -> str:
    """The ARN of what the call is about.

    A name in a well-known request parameter makes an ARN with the event's account and region (of
    several, the first); else an ARN among the event's `resources` or request parameters; else
    `arn:<partition>:<service>:<region>:<account>:*`, for the call is about the service as a whole.
    """
    service, _, operation = action_name(event).partition(":")
    caller = subject_of(event)
    own = parse_arn(caller.id)
    parts = {
        "partition": own.partition if own else "aws",
        "service": service,
        "region": _text(event.get("awsRegion")),
        "account": _text(event.get("recipientAccountId")) or caller.account,
    }
    request = event.get("requestParameters")
    for name, shape in _SHAPES.get(service, ()):
        value = _first(child(request, name))
        if value:
            return _arn(shape, name, value, request, parts)
    if service == "iam" and operation in _OF_ONESELF:
        return caller.id
    listed = event.get("resources")
    for item in listed if isinstance(listed, list) else []:
        arn = _text(child(item, "ARN")) or _text(child(item, "arn"))
        if arn:
            return arn
    for parameter in request.values() if isinstance(request, dict) else ():
        if isinstance(parameter, str) and parse_arn(parameter):
            return parameter
    return _LOCAL.format(**parts) + "*"


def resource_kind(arn: str) -> str:
    """What kind of thing an ARN names: `iam:role`, `ec2:instance`, `secretsmanager:secret`, `s3:bucket` ..."""
    parts = parse_arn(arn)
    if parts is None:
        return "unknown"
    if parts.service == "s3":
        return "s3:object" if "/" in parts.resource else "s3:bucket"
    if parts.resource == "*":
        return parts.service
    head = parts.resource.replace("/", ":").partition(":")
    return f"{parts.service}:{head[0]}" if head[1] else parts.service


def _arn(shape: str, name: str, value: str, request: Json, parts: dict[str, str]) -> str:
    service = parts["service"]
    if service == "s3" and (key := _text(child(request, "key"))):
        value = f"{value}/{key}"
    if parse_arn(value):
        return value
    if service == "lambda":
        # `<account>:function:<name>` and `<name>:<alias>` are ways to write a function's name too.
        value = value.rpartition("function:")[2]
    elif service == "iam" and name in ("roleName", "userName"):
        # The path is part of the ARN; only a creating call tells it.
        value = f"{_text(child(request, 'path')).strip('/')}/{value}".lstrip("/")
    elif service in ("ssm", "kms", "cloudformation"):
        value = value.removeprefix("/").removeprefix("key/")
    return shape.format(**parts, value=value)


def _first(value: Json) -> str:
    if isinstance(value, dict):
        # EC2 writes lists as {"items": [{"instanceId": ...}]}.
        value = value.get("items")
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        value = next((item for item in value.values() if isinstance(item, str)), None)
    return _text(value)


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
