"""What is known of the keys that AWS conditions ask for: of the identity, of the resource, of the request.

A key of the request's context counts as it is written; null says that the request has no such key. What the graph
says of the identity or resource wins over the context, for nobody may name their own account. All else is unknown,
which is not the same as absent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from graphsvc.core.estate import Estate
from graphsvc.core.event import Event
from graphsvc.core.graph import Node
from graphsvc.core.marker import is_unkept
from graphsvc.core.value import Json

__all__ = ["ABSENT", "Asked", "Found"]

ABSENT: Final[tuple[str, ...]] = ()
# None: nobody can say; (): the request has no such key; else its values.
Found = tuple[str, ...] | None
_NONE: Final[Mapping[str, Json]] = {}
# What the importer asks for: the account of a resource where that is known, as no request says it.
_OWN_ACCOUNT: Final = "graphsvc:resourceaccount"
_TAGS: Final = ("aws:resourcetag/", "iam:resourcetag/", "ec2:resourcetag/", "s3:existingobjecttag/")


@dataclass(slots=True)
class Asked:
    """One question. identity, resource: node keys. given: keys that are known besides, by a rule or a caller."""

    estate: Estate
    identity: str
    resource: str
    event: Event | None = None
    given: Mapping[str, Json] = field(default_factory=dict)

    def find(self, key: str) -> Found:
        """The values of a condition key, whatever its case."""
        name = key.lower()
        mine = self._of_identity(name)
        if mine is not None:
            return mine
        theirs = self._of_resource(name)
        if theirs is not None:
            return theirs
        for source in (self.given, self.event.request.context if self.event is not None else _NONE):
            if key in source:
                return _texts(source[key])
            for other, value in source.items():
                if other.lower() == name:
                    return _texts(value)
        return None

    @property
    def is_session(self) -> bool:
        """True when the identity acts with the credentials of a session only, as a role does."""
        node = self.estate.node(self.identity)
        return node is not None and node.properties.get("aws_type") == "role"

    def _of_identity(self, name: str) -> Found:
        node = self.estate.node(self.identity)
        arn = self.identity.removeprefix("identity:")
        parts = arn.split(":", 5)
        if node is None or len(parts) != 6 or parts[0] != "arn":
            return None
        kind = node.properties.get("aws_type")
        account = parts[4]
        match name:
            case "aws:principalarn":
                # Sessions of a role are asked for by the role.
                role = node.properties.get("session_of")
                return (role,) if isinstance(role, str) else (arn,)
            case "aws:principalaccount":
                return (account,)
            case "aws:principaltype":
                return {"user": ("User",), "account": ("Account",)}.get(str(kind), ("AssumedRole",))
            case "aws:principalisawsservice":
                return ("false",)
            case "aws:username":
                return (str(node.fields.get("name")),) if kind == "user" else ABSENT
            case "aws:userid":
                aliases = node.fields.get("aliases")
                if kind == "user" and isinstance(aliases, list) and aliases:
                    return (str(aliases[0]),)
                return None
            case "aws:principalorgid" | "aws:principalorgpaths" | "aws:principalorgmasteraccountid":
                return self._of_account(name, account, parts[1])
        if name.startswith("aws:principaltag/"):
            of = node.properties.get("session_of")
            node = self.estate.node(f"identity:{of}") or node
            return _tag(node, name.partition("/")[2], whole=kind == "user")
        return None

    def _of_account(self, name: str, account: str, partition: str) -> Found:
        node = self.estate.node(f"identity:arn:{partition}:iam::{account}:root")
        wanted = {"aws:principalorgid": "organization", "aws:principalorgpaths": "organization_path"}
        value = node.properties.get(wanted.get(name, "organization_management")) if node is not None else None
        return (value,) if isinstance(value, str) else None

    def _of_resource(self, name: str) -> Found:
        if not self.resource.startswith("resource:"):
            return None
        resource = self.resource.split(":", 2)[-1]
        if name in ("aws:resourceaccount", "s3:resourceaccount", _OWN_ACCOUNT):
            # What is in a bucket is where the bucket is.
            for key in dict.fromkeys((self.resource, self.resource.partition("/")[0])):
                node = self.estate.node(key)
                stored = node.properties.get("account") if node is not None else None
                if isinstance(stored, str):
                    return (stored,)
            parts = resource.split(":", 5)
            if len(parts) == 6 and parts[4].isdigit():
                return (parts[4],)
            return ABSENT if name == _OWN_ACCOUNT else None
        for prefix in _TAGS:
            if name.startswith(prefix):
                node = self.estate.node(self.resource) or self.estate.node(f"identity:{resource}")
                return None if node is None else _tag(node, name.removeprefix(prefix), whole=True)
        return None


def _tag(node: Node, name: str, *, whole: bool) -> Found:
    """The value of a tag. whole: those listed are all there are, so that one that is not listed is absent."""
    tags = node.properties.get("tags")
    if isinstance(tags, list):
        for tag in tags:
            if isinstance(tag, dict) and str(tag.get("Key")).lower() == name:
                return (str(tag.get("Value")),)
        return ABSENT if whole else None
    if isinstance(tags, dict):
        found = {key.lower(): value for key, value in tags.items()}.get(name)
        return _texts(found) if found is not None else ABSENT if whole else None
    # A user without a list of tags has none; what a resource has nobody said.
    return ABSENT if whole and node.kind == "identity" else None


def _texts(value: Json) -> Found:
    if value is None:
        return ABSENT
    if is_unkept(value):
        return None
    listed = value if isinstance(value, list) else [value]
    return tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in listed)
