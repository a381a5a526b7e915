"""What an AWS account says of its users, roles, groups and policies, as rules about rights ask for it.

Groups and policies are resources there, `aws:<ARN>`, with their kind as `aws_type`; who is in a group and what a policy
was attached to are edges of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.estate import Estate

__all__ = [
    "attached", "attached_to", "gives_rights", "groups_of", "has_member", "has_password", "is_editable", "key_count_below",
    "stands_for",
]  # fmt: skip

_RESOURCE = "resource:aws:"
# Paths of roles that AWS alone may change, and that answer any change of trust or policy with an error.
# Source: "Service-linked roles" of the AWS IAM user guide; "Referencing permission sets" of the IAM Identity Center user guide.
_OWNED_BY_AWS = (":role/aws-service-role/", ":role/aws-reserved/")


def stands_for(estate: Estate, thing: str, kind: str) -> bool:
    """Whether a resource is a group or a policy of an account."""
    node = estate.node(thing)
    return node is not None and node.properties.get("aws_type") == kind


def has_member(estate: Estate, group: str, identity: str) -> bool:
    """Whether an identity is in a group, given as the resource that stands for it."""
    return f"group:{group.removeprefix(_RESOURCE)}" in estate.holders(identity)


def groups_of(estate: Estate, identity: str) -> Iterable[str]:
    """Resources that stand for the groups an identity is in."""
    found = (each.removeprefix("group:") for each in estate.holders(identity) if each.startswith("group:"))
    return [_RESOURCE + each for each in found]


def gives_rights(estate: Estate, group: str) -> bool:
    """Whether anything is granted to a group, given as the resource that stands for it."""
    return bool(estate.out("GRANTED", f"group:{group.removeprefix(_RESOURCE)}"))


def attached(estate: Estate, policy: str, identity: str) -> bool:
    """Whether a policy is attached to an identity or to a group it is in."""
    return policy in attached_to(estate, identity)


def attached_to(estate: Estate, identity: str) -> Iterable[str]:
    """Policies that are attached to an identity or to a group it is in."""
    granted = (key for holder in estate.holders(identity) for key in estate.out("GRANTED", holder))
    # The key of a statement begins with the policy that it stands in.
    return {_RESOURCE + key.removeprefix("permission:").partition("#")[0] for key in granted}


def is_editable(_: Estate, role: str) -> bool:
    """Whether an account can change a role: service-linked roles and those of Identity Center it cannot."""
    return not any(path in role for path in _OWNED_BY_AWS)


def has_password(estate: Estate, user: str) -> bool | None:
    """Whether a user can sign in with a password; None when nobody said."""
    node = estate.node(user)
    known = node.properties.get("has_password") if node is not None else None
    return known if isinstance(known, bool) else None


def key_count_below(estate: Estate, user: str, limit: int) -> bool | None:
    """Whether a user has fewer keys than that; None when nobody said how many."""
    node = estate.node(user)
    count = node.properties.get("access_key_count") if node is not None else None
    return count < limit if isinstance(count, int) else None
