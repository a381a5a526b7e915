"""Policies of resources: what they give and forbid, to whom, and whose word is needed besides.

Within an account an identity that a resource's policy names needs no policy of its own; across accounts both sides must
allow; a key of KMS obeys its own policy first. So a statement is a grant to those of its own account that it names, and
stands in a level of caps, `resource side`, for those who need both. A user or a session that is named by itself is not
limited by what its boundary leaves out, a session not by what its policy does; nor is whoever `*` means by a boundary. Source: "Policy evaluation logic" of the AWS IAM user guide, "Key policies" of the KMS guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.aws.arn import ACCOUNT_ID, RESOURCE_TYPE, account_group, parse_arn
from graphsvc.importers.aws.cap import LEVEL, cap, own_account_cap
from graphsvc.importers.aws.companion import File, listed
from graphsvc.importers.aws.document import Statement, principals, read_document, statements
from graphsvc.importers.aws.key_policy import EVERY_ACTION, key_caps
from graphsvc.importers.aws.permission import names_of, permission_node
from graphsvc.importers.result import Collector

__all__ = ["People", "take_resource_policies"]

_FORM = "{Resource: ARN, Policy, Account}"


@dataclass(frozen=True, slots=True)
class People:
    """accounts: identities' keys by account. known: keys by what a policy may call them. bounded: who has a boundary.

    sessions: those that have policies of their own.
    """

    accounts: Mapping[str, Sequence[str]]
    known: Mapping[str, str]
    bounded: frozenset[str] = frozenset()
    sessions: frozenset[str] = frozenset()


def take_resource_policies(files: Sequence[File], people: People, collector: Collector) -> None:
    """Take the grants, denials and caps of resource policies, and a node for each resource."""
    read: list[tuple[str, str, str, dict[str, Json]]] = []
    keys: list[str] = []
    for place, entry in listed(files, _FORM):
        arn, account = entry.get("Resource"), entry.get("Account")
        parts = parse_arn(arn) if isinstance(arn, str) else None
        if parts is None:
            collector.skip(f"{place}.Resource", "must be the ARN of the resource")
            continue
        owner = str(account or parts.account)
        if not ACCOUNT_ID.fullmatch(owner):
            collector.skip(f"{place}.Account", f"must be the account of `{arn}`")
            continue
        try:
            document = read_document(entry.get("Policy"), f"{place}.Policy")
        except BadInput as error:
            collector.skip(f"{place}.Policy", str(error))
            continue
        collector.counts["resource_policies"] += 1
        read.append((place, str(arn), owner, document))
        if parts.service == "kms":
            keys.append(str(arn))
    for account in people.accounts:
        own = own_account_cap(account, EVERY_ACTION, collector)
        for each in (own, *key_caps(keys, collector)):
            cap(account_group(account), each, LEVEL, "", collector)
    for place, arn, owner, document in read:
        _Taken(arn, owner, people, collector).take(document, f"{place}.Policy")


@dataclass(frozen=True, slots=True)
class _Taken:
    arn: str
    owner: str
    people: People
    collector: Collector

    def take(self, document: dict[str, Json], place: str) -> None:
        try:
            found = statements(document, place)
        except BadInput as error:
            self.collector.skip(place, str(error))
            self.collector.incomplete(f"`{self.arn}`: its policy cannot be read")
            return
        public = False
        for index, (label, statement) in enumerate(zip(names_of(found), found, strict=True)):
            where = f"{place}.Statement[{index}]"
            try:
                filled = self._about_this(statement)
                node = permission_node(
                    filled,
                    f"{self.arn}#policy/{label}",
                    self.arn,
                    "resource policy",
                    where,
                    version=document.get("Version"),
                )
                named = self._named(statement, where)
            except BadInput as error:
                self.collector.skip(where, str(error))
                self.collector.incomplete(f"`{self.arn}`: statement {label} of its policy cannot be read")
                continue
            self.collector.node(node)
            self.collector.counts["statements_resource"] += 1
            if statement["Effect"] == "Deny":
                self._deny(statement, node.key, named)
            elif "NotPrincipal" in statement:
                self.collector.incomplete(
                    f"`{self.arn}`: an Allow with `NotPrincipal` is kept, but not judged"
                )
            else:
                public = self._allow(node.key, named, "Condition" in statement) or public
        labels = ("public",) if public else ()
        properties: dict[str, Json] = {"account": self.owner, "resource_policy": document}
        self.collector.merge(
            Node(key=f"resource:{RESOURCE_TYPE}:{self.arn}", labels=labels, properties=properties)
        )

    def _about_this(self, statement: Statement) -> Statement:
        """`*` in a resource's own policy is that resource, and what is in it."""
        if statement.get("Resource") in (None, "*", ["*"]) and "NotResource" not in statement:
            return {**statement, "Resource": [self.arn, f"{self.arn}/*"]}
        return statement

    def _named(self, statement: Statement, where: str) -> list[tuple[str, str]]:
        kind = "NotPrincipal" if "NotPrincipal" in statement else "Principal"
        found = principals(statement, kind, where)
        if not found:
            raise BadInput(f"{where}: a statement of a resource's policy needs a `Principal`", field=where)
        return found

    def _allow(self, permission: str, named: Sequence[tuple[str, str]], conditional: bool) -> bool:
        public = False
        for kind, name in named:
            if kind not in ("AWS", "CanonicalUser"):
                self._outside(name, {"Service": "service"}.get(kind, "federated"))
                self._grant(f"identity:{name}", permission)
            elif name == "*":
                public = public or not conditional
                for each in self.people.accounts:
                    self._side(account_group(each), permission)
                if self.owner in self.people.accounts:
                    self._grant(account_group(self.owner), permission)
                    for key in sorted(self.people.bounded):
                        self._unbound(key, permission)
            elif (account := _account_named(name)) is not None:
                if account in self.people.accounts:
                    self._side(account_group(account), permission)
                else:
                    self._outside(name, "account")
                    self._grant(f"identity:{name}", permission)
            else:
                self._allow_one(name, permission)
        return public

    def _allow_one(self, name: str, permission: str) -> None:
        key = self.people.known.get(name)
        if key is None:
            self._outside(name, "role" if ":role/" in name else "user")
            self._grant(f"identity:{name}", permission)
            return
        self._side(key, permission)
        if _home(key) == self.owner:
            self._grant(key, permission)
            if ":role/" not in key:
                self._unbound(key, permission)

    def _unbound(self, key: str, permission: str) -> None:
        """What a resource gives to somebody of its account holds beside boundary and session policy."""
        if _home(key) != self.owner:
            return
        if key in self.people.bounded or key in self.people.sessions:
            cap(key, self._copy(permission, "boundary"), "boundary", self.arn, self.collector)
        if key in self.people.sessions:
            cap(key, self._copy(permission, "session"), "session", self.arn, self.collector)

    def _copy(self, permission: str, level: str) -> str:
        """The same permission by another name: between two nodes there is one edge of a type, so one level."""
        key = f"{permission}@{level}"
        node = self.collector.find(permission)
        if node is not None:
            self.collector.node(Node(key=key, fields=node.fields, properties=node.properties))
        return key

    def _deny(self, statement: Statement, permission: str, named: Sequence[tuple[str, str]]) -> None:
        if "NotPrincipal" not in statement:
            for kind, name in named:
                if kind != "AWS":
                    continue
                account = _account_named(name)
                for holder in self._everybody() if name == "*" else self._holders(name, account):
                    self._grant(holder, permission)
            return
        # A boundary takes the exception away, whoever is named.
        named_keys = {self.people.known.get(name) for _, name in named} - {None}
        spared = named_keys - self.people.bounded
        # An account by itself is spared as a whole; beside one of its own it only stands for that one.
        whole = {_account_named(name) for _, name in named} - {_home(str(key)) for key in named_keys}
        for account, members in self.people.accounts.items():
            for member in members:
                if member not in spared and (account not in whole or member in self.people.bounded):
                    self._grant(member, permission)

    def _everybody(self) -> list[str]:
        return [account_group(account) for account in self.people.accounts]

    def _holders(self, name: str, account: str | None) -> list[str]:
        if account is not None:
            return [account_group(account)] if account in self.people.accounts else []
        key = self.people.known.get(name)
        return [key] if key is not None else []

    def _grant(self, holder: str, permission: str) -> None:
        self.collector.edge("GRANTED", holder, permission, {"via": "resource policy", "policy": self.arn})

    def _side(self, holder: str, permission: str) -> None:
        cap(holder, permission, LEVEL, self.arn, self.collector)

    def _outside(self, name: str, aws_type: str) -> None:
        key = f"identity:{name}"
        if not self.collector.has(key):
            self.collector.counts["external_principals"] += 1
            fields: dict[str, Json] = {"kind": "service", "status": "active", "name": name}
            self.collector.node(
                Node(key=key, fields=fields, properties={"aws_type": aws_type, "external": True})
            )


def _home(key: str) -> str | None:
    parts = parse_arn(key.removeprefix("identity:"))
    return parts.account if parts is not None else None


def _account_named(name: str) -> str | None:
    """The account that a principal stands for as a whole."""
    if ACCOUNT_ID.fullmatch(name):
        return name
    parts = parse_arn(name)
    return parts.account if parts is not None and parts.resource == "root" else None
