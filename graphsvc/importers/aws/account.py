"""Account authorization details to facts: users, groups, roles, their permissions, caps and trust.

How statements are counted: `statements_inline` and `statements_managed` (default versions, each
policy once however often it is attached) become one permission each; `statements_trust` become
CAN_ASSUME edges; `statements_not_default` stand in policy versions that are not in force and are only
counted. `conditional`, `deny`, `not_action` and `not_resource` count permissions;
`conditional_not_default` and `trust_conditional` say how many are outside that figure. A figure for
"all statements" of a dump usually means inline plus all versions of managed policies, without trust.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.json import encode

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.aws.arn import ACCOUNT_ID, RESOURCE_TYPE, account_arn, account_group, parse_arn
from graphsvc.importers.aws.companion import Companions
from graphsvc.importers.aws.document import read_document
from graphsvc.importers.aws.dump import Entries, Entry, objects, read_pages, text
from graphsvc.importers.aws.key_policy import cap_keys
from graphsvc.importers.aws.managed import ManagedPolicies
from graphsvc.importers.aws.organization import Organization, read_organizations
from graphsvc.importers.aws.permission import permissions
from graphsvc.importers.aws.policy import Policies
from graphsvc.importers.aws.resource_policy import People, take_resource_policies
from graphsvc.importers.aws.session import take_sessions
from graphsvc.importers.aws.target import Targets, read_targets
from graphsvc.importers.aws.trust import trust
from graphsvc.importers.result import Collector, Imported

__all__ = ["COUNTS", "read"]

COUNTS = (
    "users", "groups", "roles", "policies", "policies_inline", "policies_resolved", "memberships", "attachments",
    "boundaries", "statements_inline", "statements_managed", "statements_trust", "statements_not_default",
    "versions_not_default", "conditional", "conditional_not_default", "deny", "not_action", "not_resource",
    "policy_variables", "trust_conditional", "trust_deny", "trust_not_principal", "trust_without_assume",
    "external_principals", "scps", "statements_scp", "resource_policies", "statements_resource", "targets", "sessions",
)  # fmt: skip

_ENTITY = {"User": "UserDetailList", "Group": "GroupDetailList", "Role": "RoleDetailList"}


def read(
    data: bytes | str,
    file: str,
    *,
    more: Sequence[tuple[bytes | str, str]] = (),
    managed_policies: ManagedPolicies | None = None,
    companions: Companions | None = None,
    strict: bool = True,
) -> Imported:
    """The facts of an account dump.

    more: further pages of the same dump, each (data, file). managed_policies: published
    documents (`read_managed_policies`) for attached policies whose document the dump lacks. companions: what goes with
    it (see `Companions`); without the policies of an organization or of resources those count as not there. strict: the first
    malformed part refuses the dump; else it is skipped and reported.
    Ids: users, groups and roles are their ARNs; an account is `arn:aws:iam::<id>:root`, known to the
    group `aws-account:<id>` of all its users and roles. Resources are written `aws:<ARN glob>`.
    BadInput names the file, the place and the fix.
    """
    collector = Collector(strict=strict)
    lists = read_pages([(data, file), *more], collector)
    entities = {kind: _named(lists[name], kind, collector) for kind, name in _ENTITY.items()}
    published = managed_policies or ManagedPolicies()
    policies = Policies(lists["Policies"], published.documents, collector)
    if published.without_arn:
        collector.note(f"{len(published.without_arn)} published policies have no ARN and resolve nothing")
    # A file may hold several accounts, and a group's name is unique in its account only.
    groups = {
        (_account_of(str(entry["Arn"])), str(entry["GroupName"])): str(entry["Arn"])
        for _, entry in entities["Group"]
    }
    known: dict[str, str] = {}
    beside = companions or Companions()
    organization = read_organizations(beside.organization, collector)
    targets = read_targets(beside.targets, collector)
    for kind, entries in entities.items():
        for place, entry in entries:
            _entity(kind, entry, place, targets, collector)
            if kind != "Group":
                _account(str(entry["Arn"]), known, organization, collector)
                _aliases(kind, entry, known)
    for kind, entries in entities.items():
        for place, entry in entries:
            _rights(kind, entry, place, policies, collector)
            _memberships(entry, place, groups, collector)
            if kind == "Role":
                _trust(entry, place, known, collector)
    _beside(beside, entities, organization, targets, known, policies, collector)
    return collector.finish(counted=COUNTS)


def _beside(
    beside: Companions,
    entities: Mapping[str, Entries],
    organization: Organization,
    targets: Targets,
    known: Mapping[str, str],
    policies: Policies,
    collector: Collector,
) -> None:
    """What goes with the dump, once its identities are known."""
    accounts: dict[str, list[str]] = {}
    bounded: set[str] = set()
    profiles: dict[str, str] = {}
    free: set[str] = set()
    for kind in ("User", "Role"):
        for place, entry in entities[kind]:
            arn = str(entry["Arn"])
            accounts.setdefault(_account_of(arn), []).append(f"identity:{arn}")
            if entry.get("PermissionsBoundary") is not None:
                bounded.add(f"identity:{arn}")
            if _is_service_linked(entry):
                free.add(f"identity:{arn}")
            for _, profile in objects(entry, "InstanceProfileList", place, collector):
                profiles[str(profile.get("Arn"))] = arn
    for account, members in sorted(accounts.items()):
        parts = parse_arn(members[0].removeprefix("identity:"))
        account_key = f"identity:{account_arn(account, parts.partition if parts else 'aws')}"
        organization.bind(account, [each for each in (*members, account_key) if each not in free], collector)
    targets.take(profiles, known, collector)
    sessions = take_sessions(beside.sessions, known, policies, collector)
    if beside.resource_policies or len(accounts) > 1:
        names = {name: f"identity:{arn}" for name, arn in known.items()}
        names |= {key.removeprefix("identity:"): key for key in sessions}
        people = People(accounts, names, frozenset(bounded), frozenset(sessions))
        take_resource_policies(beside.resource_policies, people, collector)
    else:
        cap_keys(collector)


def _is_service_linked(entry: Entry) -> bool:
    return str(entry.get("Path") or "").startswith("/aws-service-role/")


def _named(entries: Entries, kind: str, collector: Collector) -> Entries:
    kept: Entries = []
    seen: set[str] = set()
    for place, entry in entries:
        try:
            arn = text(entry, "Arn", place)
            text(entry, f"{kind}Name", place)
            if parse_arn(arn) is None:
                raise BadInput(f"{place}.Arn: `{arn}` is not an ARN", field=f"{place}.Arn")
        except BadInput as error:
            collector.skip(place, str(error))
            continue
        if arn in seen:
            collector.skip(place, f"`{arn}` is in the input already")
            continue
        seen.add(arn)
        collector.counts[f"{kind.lower()}s"] += 1
        kept.append((place, entry))
    return kept


def _entity(kind: str, entry: Entry, place: str, targets: Targets, collector: Collector) -> None:
    properties: dict[str, Json] = {"aws_type": kind.lower()}
    for field, wanted in (("path", "Path"), ("created", "CreateDate"), ("tags", "Tags")):
        if entry.get(wanted):
            properties[field] = _sorted(entry[wanted])
    fields: dict[str, Json] = {"name": entry[f"{kind}Name"]}
    if kind == "Group":
        collector.node(Node(key=f"group:{entry['Arn']}", fields=fields, properties=properties))
        # Whoever may change it holds that right on a resource.
        stands_for: dict[str, Json] = {"aws_type": "group"}
        collector.merge(Node(key=f"resource:{RESOURCE_TYPE}:{entry['Arn']}", properties=stands_for))
        return
    fields["kind"] = "human" if kind == "User" else "service"
    fields["status"] = "active"
    aliases = [entry.get(f"{kind}Id"), *sorted(_emails(entry, place, collector), key=str)]
    fields["aliases"] = [alias for alias in aliases if alias]
    if kind == "User":
        name = str(entry["UserName"])
        if targets.access_keys is not None:
            properties["access_key_count"] = targets.access_keys.get(name, 0)
        if name in targets.passwords:
            properties["has_password"] = targets.passwords[name]
    if kind == "Role" and _is_service_linked(entry):
        properties["service_linked"] = True
    if kind == "Role":
        # Whole, for what no edge can say (Deny, NotPrincipal, conditions).
        properties["trust_policy"] = entry.get("AssumeRolePolicyDocument")
        profiles = objects(entry, "InstanceProfileList", place, collector)
        if profiles:
            properties["instance_profiles"] = _sorted([profile.get("Arn") for _, profile in profiles])
        if entry.get("RoleLastUsed"):
            properties["last_used"] = entry["RoleLastUsed"]
    collector.node(Node(key=f"identity:{entry['Arn']}", fields=fields, properties=properties))


def _sorted(value: Json) -> Json:
    """Lists that AWS gives in any order, in one; another order is no change."""
    return sorted(value, key=lambda item: encode(item, order="sorted")) if isinstance(value, list) else value


def _emails(entry: Entry, place: str, collector: Collector) -> list[Json]:
    tags = [tag for _, tag in objects(entry, "Tags", place, collector)]
    return [
        f"email:{tag['Value']}" for tag in tags if str(tag.get("Key")).lower() == "email" and tag.get("Value")
    ]


def _account(arn: str, known: dict[str, str], organization: Organization, collector: Collector) -> None:
    parts = parse_arn(arn)
    if parts is None or not ACCOUNT_ID.fullmatch(parts.account):
        collector.note(f"`{arn}` names no account, so its identity is in no account's group")
        return
    root, group = account_arn(parts.account, parts.partition), account_group(parts.account)
    if root not in known:
        known[root] = root
        fields: dict[str, Json] = {"kind": "service", "status": "active", "name": parts.account}
        fields["aliases"] = [parts.account]
        properties: dict[str, Json] = {
            "aws_type": "account",
            **organization.properties.get(parts.account, {}),
        }
        collector.node(Node(key=f"identity:{root}", fields=fields, properties=properties))
        # Nobody is taken out of the account they are made in.
        name: dict[str, Json] = {"name": f"AWS account {parts.account}"}
        collector.node(Node(key=group, fields=name, properties={"fixed": True}))
        collector.edge("KNOWS", group, f"identity:{root}")
    collector.edge("MEMBER_OF", f"identity:{arn}", group)


def _aliases(kind: str, entry: Entry, known: dict[str, str]) -> None:
    """What else a trust policy may call an identity: its unique id, and how sessions of a role begin."""
    arn = str(entry["Arn"])
    known[arn] = arn
    if isinstance(unique := entry.get(f"{kind}Id"), str):
        known[unique] = arn
    parts = parse_arn(arn)
    if kind == "Role" and parts:
        known[f"arn:{parts.partition}:sts::{parts.account}:assumed-role/{entry['RoleName']}"] = arn


def _rights(kind: str, entry: Entry, place: str, policies: Policies, collector: Collector) -> None:
    arn = str(entry["Arn"])
    holder = f"{'group' if kind == 'Group' else 'identity'}:{arn}"
    for where, policy in objects(entry, f"{kind}PolicyList", place, collector):
        try:
            name = text(policy, "PolicyName", where)
        except BadInput as error:
            collector.skip(where, str(error))
            continue
        collector.counts["policies_inline"] += 1
        document = policy.get("PolicyDocument")
        keys = permissions(
            document, owner=arn, name=name, place=f"{where}.PolicyDocument", collector=collector
        )
        collector.counts["statements_inline"] += len(keys)
        for key in keys:
            collector.edge("GRANTED", holder, key, {"via": "inline", "policy": name})
    for where, policy in objects(entry, "AttachedManagedPolicies", place, collector):
        try:
            policy_arn = text(policy, "PolicyArn", where)
        except BadInput as error:
            collector.skip(where, str(error))
            continue
        collector.counts["attachments"] += 1
        for key in policies.attached(policy_arn, arn) or []:
            collector.edge("GRANTED", holder, key, {"via": "managed", "policy": policy_arn})
    boundary = entry.get("PermissionsBoundary")
    if boundary is not None:
        try:
            boundary_arn = (
                text(boundary, "PermissionsBoundaryArn", place) if isinstance(boundary, dict) else ""
            )
        except BadInput as error:
            collector.skip(f"{place}.PermissionsBoundary", str(error))
            boundary_arn = ""
        collector.counts["boundaries"] += 1
        # A boundary that cannot be read still caps: `boundary` then allows nothing.
        for key in policies.boundary(boundary_arn or f"{arn}#boundary", arn):
            collector.edge("CAPPED_BY", holder, key, {"level": "boundary", "policy": boundary_arn})


def _account_of(arn: str) -> str:
    parts = parse_arn(arn)
    return parts.account if parts else ""


def _memberships(
    entry: Entry, place: str, groups: Mapping[tuple[str, str], str], collector: Collector
) -> None:
    listed = entry.get("GroupList") or []
    if not isinstance(listed, list):
        collector.skip(f"{place}.GroupList", "must be a list of group names")
        return
    account = _account_of(str(entry["Arn"]))
    for name in listed:
        if (account, str(name)) in groups:
            collector.counts["memberships"] += 1
            collector.edge("MEMBER_OF", f"identity:{entry['Arn']}", f"group:{groups[account, str(name)]}")
        else:
            collector.incomplete(f"`{entry['Arn']}` is a member of group `{name}`, which is not in the dump")


def _trust(entry: Entry, place: str, known: Mapping[str, str], collector: Collector) -> None:
    where, role = f"{place}.AssumeRolePolicyDocument", str(entry["Arn"])
    if entry.get("AssumeRolePolicyDocument") is None:
        collector.incomplete(f"`{role}`: the dump holds no trust policy of the role")
        return
    try:
        document = read_document(entry["AssumeRolePolicyDocument"], where)
    except BadInput as error:
        collector.skip(where, str(error))
        collector.incomplete(f"`{role}`: the trust policy cannot be read")
        return
    trust(document, role=role, place=where, known=known, collector=collector)
