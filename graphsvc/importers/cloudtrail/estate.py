"""The estate that events were recorded in: identities, with rights for exactly what each did."""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.graph import Node, resource_key
from graphsvc.core.value import Json
from graphsvc.importers.aws.arn import RESOURCE_TYPE, account_arn, account_group, parse_arn, resource_glob
from graphsvc.importers.cloudtrail.event import Event, action_name, was_refused
from graphsvc.importers.cloudtrail.resource import resource_kind, resource_of
from graphsvc.importers.cloudtrail.subject import Subject, subject_of
from graphsvc.importers.result import Collector, Imported

__all__ = ["to_estate"]

_COUNTS = ("accounts", "events", "events_refused", "identities", "resources")


def to_estate(events: Iterable[Event]) -> Imported:
    """The identities, accounts and resources that the events show.

    Each identity holds one permission: the actions it took, exactly, on any resource. A call that
    was refused for want of a right gives none (`events_refused`). The accounts that recorded the
    events are the own ones: known to the group `aws-account:<id>`, whose members are the identities of
    that account. Identities of other accounts are marked `external`.
    """
    collector = Collector(strict=False)
    actions: dict[str, set[str]] = {}
    subjects: dict[str, Subject] = {}
    owned: dict[str, str] = {}
    for event in events:
        collector.counts["events"] += 1
        subject = subject_of(event)
        subjects.setdefault(subject.id, subject)
        done = actions.setdefault(subject.id, set())
        if was_refused(event):
            collector.counts["events_refused"] += 1
        else:
            done.add(action_name(event))
        account = event.get("recipientAccountId") or subject.account
        if isinstance(account, str) and account:
            arn = parse_arn(subject.id)
            owned.setdefault(account, arn.partition if arn else "aws")
        _resource(resource_of(event), collector)
    for account, partition in owned.items():
        _account(account, partition, collector)
    for subject in subjects.values():
        _identity(subject, subject.account in owned, collector)
        _rights(subject.id, actions[subject.id], collector)
    return collector.finish(counted=_COUNTS)


def _account(account: str, partition: str, collector: Collector) -> None:
    collector.counts["accounts"] += 1
    identity, group = f"identity:{account_arn(account, partition)}", account_group(account)
    fields: dict[str, Json] = {"kind": "service", "status": "active", "name": account, "aliases": [account]}
    collector.node(Node(key=identity, fields=fields, properties={"aws_type": "account"}))
    collector.node(Node(key=group, fields={"name": f"AWS account {account}"}))
    collector.edge("KNOWS", group, identity)


def _identity(subject: Subject, own: bool, collector: Collector) -> None:
    collector.counts["identities"] += 1
    name = subject.id.rpartition("/")[2]
    fields: dict[str, Json] = {"kind": subject.kind, "status": "active", "name": name}
    if subject.unique_id and subject.unique_id != subject.id:
        fields["aliases"] = [subject.unique_id]
    properties: dict[str, Json] = {"aws_type": subject.aws_type}
    if not own:
        properties["external"] = True
    # The root user of an account is the account's own identity, taken before.
    collector.node(Node(key=f"identity:{subject.id}", fields=fields, properties=properties))
    if own:
        collector.edge("MEMBER_OF", f"identity:{subject.id}", account_group(subject.account))


def _rights(identity: str, actions: set[str], collector: Collector) -> None:
    if not actions:
        return
    key = f"permission:{identity}#cloudtrail"
    fields: dict[str, Json] = {
        "effect": "allow",
        "actions": list[Json](sorted(actions)),
        "resources": [resource_glob("*")],
        "fold": True,
    }
    collector.node(Node(key=key, fields=fields, properties={"observed": True}))
    collector.edge("GRANTED", f"identity:{identity}", key)


def _resource(arn: str, collector: Collector) -> None:
    key = resource_key(RESOURCE_TYPE, arn)
    if not collector.has(key):
        collector.counts["resources"] += 1
        collector.node(Node(key=key, properties={"aws_type": resource_kind(arn)}))
