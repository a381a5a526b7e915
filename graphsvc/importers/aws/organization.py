"""Service control policies: caps on every identity of an account, one level for each node on its way down the tree.

They bind neither the management account nor service-linked roles. A level whose policies are not in the input allows
nothing, for a cap that is not known is no leave.
Source: "Service control policies (SCPs)" and "SCP evaluation" of the AWS Organizations user guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.aws.cap import cap, nothing_cap
from graphsvc.importers.aws.companion import File, listed
from graphsvc.importers.aws.permission import permissions
from graphsvc.importers.result import Collector

__all__ = ["Organization", "read_organizations"]

_FORM = "{Id, Name, Policies: [{Id, Name, Content}], Children: [{..., Type}]}"


@dataclass(frozen=True, slots=True)
class Organization:
    """By account the keys of permissions of each level, root first; properties of the account's node."""

    levels: Mapping[str, tuple[tuple[str, ...], ...]]
    properties: Mapping[str, dict[str, Json]]

    def bind(self, account: str, members: Sequence[str], collector: Collector) -> None:
        """Cap the identities (keys) of an account, those that SCPs do not bind left out by the caller."""
        levels = self.levels.get(account)
        if not levels:
            return
        group = f"group:aws-scp:{account}"
        fields: dict[str, Json] = {"name": f"bound by the SCPs of account {account}"}
        collector.node(Node(key=group, fields=fields, properties={"fixed": True}))
        for member in members:
            collector.edge("MEMBER_OF", member, group)
        for depth, keys in enumerate(levels):
            for key in keys:
                cap(group, key, f"scp:{depth}", key.removeprefix("permission:").partition("#")[0], collector)


def read_organizations(files: Sequence[File], collector: Collector) -> Organization:
    """The policies of organization trees; each file holds a root, or `{OrganizationId, ManagementAccountId, Root}`."""
    levels: dict[str, tuple[tuple[str, ...], ...]] = {}
    properties: dict[str, dict[str, Json]] = {}
    for place, entry in listed(files, _FORM):
        root = entry.get("Root") if isinstance(entry.get("Root"), dict) else entry
        management = entry.get("ManagementAccountId") or entry.get("MasterAccountId")
        if not isinstance(management, str):
            collector.note(
                f"`{place}` names no ManagementAccountId: its SCPs are taken to bind every account"
            )
        shared: dict[str, Json] = {}
        if isinstance(entry.get("OrganizationId"), str):
            shared["organization"] = entry["OrganizationId"]
        if isinstance(management, str):
            shared["organization_management"] = management
        for account, path, found in _accounts(root, place, (), (), collector):
            if account in levels:
                collector.skip(place, f"account `{account}` is in the tree already")
                continue
            own = {**shared}
            if isinstance(shared.get("organization"), str):
                own["organization_path"] = "/".join((str(shared["organization"]), *path)) + "/"
            properties[account] = own
            levels[account] = () if account == management else found
    return Organization(levels, properties)


_Levels = tuple[tuple[str, ...], ...]


def _accounts(
    node: Json,
    place: str,
    path: tuple[str, ...],
    above: _Levels,
    collector: Collector,
) -> Iterator[tuple[str, tuple[str, ...], _Levels]]:
    if not isinstance(node, dict) or not isinstance(node.get("Id"), str):
        raise BadInput(f"{place}: a node of the tree needs an `Id`: {_FORM}", field=place)
    name = str(node["Id"])
    levels = (*above, _level(node, name, place, collector))
    if node.get("Type") == "Account":
        yield name, path, levels
        return
    children = node.get("Children") or []
    if not isinstance(children, list):
        raise BadInput(f"{place}.Children: must be a list of nodes", field=f"{place}.Children")
    for index, child in enumerate(children):
        yield from _accounts(child, f"{place}.Children[{index}]", (*path, name), levels, collector)


def _level(node: dict[str, Json], name: str, place: str, collector: Collector) -> tuple[str, ...]:
    policies = node.get("Policies")
    if not isinstance(policies, list) or not policies:
        collector.incomplete(f"`{name}`: the tree holds none of its SCPs, so that it allows nothing")
        return (nothing_cap(f"{name}#unknown-scp", collector),)
    keys: list[str] = []
    for index, policy in enumerate(policies):
        where = f"{place}.Policies[{index}]"
        if not isinstance(policy, dict) or "Content" not in policy:
            collector.skip(where, "a policy needs `Id`, `Name` and `Content`")
            continue
        policy_id = str(policy.get("Id") or policy.get("Name") or f"{name}/{index}")
        # A policy at several places is a cap at each of them.
        found = permissions(
            policy["Content"],
            owner=f"{policy_id}@{name}",
            name=str(policy.get("Name") or policy_id),
            place=f"{where}.Content",
            collector=collector,
        )
        collector.counts["statements_scp"] += len(found)
        keys += found
    collector.counts["scps"] += len(policies)
    return tuple(keys) or (nothing_cap(f"{name}#unknown-scp", collector),)
