"""What exists in an account and as what it runs, from answers of the AWS command line as they are.

Lists that are read: `Reservations` (ec2 describe-instances), `InstanceInformationList` (ssm describe-instance-information),
`Functions` (lambda list-functions), `AccessKeyMetadata` (iam list-access-keys), `Stacks` (cloudformation describe-stacks),
`projects` (codebuild batch-get-projects), `NotebookInstances` (sagemaker), `tasks` and `taskDefinitions` (ecs),
`Content` (iam get-credential-report), and `Resources` of our own for anything else: `{Arn, RunsAs, ManagedBy, Account, Tags, Labels, Tier, HoldsCredentialOf}`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphsvc.core.graph import Node
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.aws.arn import RESOURCE_TYPE, parse_arn
from graphsvc.importers.aws.companion import File, listed
from graphsvc.importers.aws.credential_report import read_credential_report
from graphsvc.importers.result import Collector

__all__ = ["Targets", "read_targets"]

Entry = dict[str, Json]


@dataclass(slots=True)
class _Thing:
    arn: str
    runs_as: set[str] = field(default_factory=set)
    managed_by: str | None = None
    account: str | None = None
    tags: Json = None
    labels: tuple[str, ...] = ()
    tier: str | None = None
    credentials: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Targets:
    """things by ARN. access_keys: active and inactive ones by user name; None when no list of them was given.

    passwords: by user name whether there is one, of those that a credential report speaks of.
    """

    things: Mapping[str, _Thing]
    access_keys: Mapping[str, int] | None
    passwords: Mapping[str, bool] = field(default_factory=dict)

    def take(self, profiles: Mapping[str, str], known: Mapping[str, str], collector: Collector) -> None:
        """Take nodes and RUNS_AS edges. profiles: ARNs of roles by ARN of the instance profile."""
        for thing in self.things.values():
            key = f"resource:{RESOURCE_TYPE}:{thing.arn}"
            found = {"managed_by": thing.managed_by, "account": thing.account, "tags": thing.tags}
            properties: dict[str, Json] = {name: value for name, value in found.items() if value}
            collector.counts["targets"] += 1
            collector.merge(Node(key=key, labels=thing.labels, tier=thing.tier, properties=properties))
            for named in sorted(thing.runs_as):
                role = known.get(profiles.get(named, named))
                if role is None:
                    collector.incomplete(f"`{thing.arn}` runs as `{named}`, which is not in the dump")
                    continue
                collector.edge("RUNS_AS", key, f"identity:{role}")
            for named in thing.credentials:
                holder = known.get(named)
                if holder is None:
                    collector.incomplete(
                        f"`{thing.arn}` holds a credential of `{named}`, which is not in the dump"
                    )
                    continue
                collector.edge("HOLDS_CREDENTIAL", key, f"identity:{holder}")


def read_targets(files: Sequence[File], collector: Collector) -> Targets:
    """The things of all files, joined by ARN; BadInput when a file holds none of the lists."""
    things: dict[str, _Thing] = {}
    access_keys: Counter[str] = Counter()
    counted = False
    managed: list[str] = []
    passwords: dict[str, bool] = {}
    for place, entry in listed(files, "lists as the AWS command line answers them"):
        names = [name for name in (*_READERS, *_OTHERS) if name in entry]
        if not names:
            raise BadInput(
                f"`{place}` holds none of {', '.join((*_READERS, *_OTHERS))}; give answers of `aws ... describe-...`",
                field=place,
            )
        if _REPORT in entry:
            report = read_credential_report(entry[_REPORT], place)
            counted = True
            access_keys |= Counter({user: found.keys for user, found in report.items()})
            passwords |= {
                user: found.password for user, found in report.items() if found.password is not None
            }
        for name in names:
            if name == _REPORT:
                continue
            for where, item in _items(entry, name, place, collector):
                if name == "AccessKeyMetadata":
                    counted = True
                    access_keys[str(item.get("UserName"))] += 1
                elif name == "InstanceInformationList":
                    managed.append(str(item.get("InstanceId")))
                else:
                    for thing in _READERS[name](item, where, collector):
                        _join(things, thing)
    by_id = {arn.rpartition("/")[2]: thing for arn, thing in things.items()}
    for instance in managed:
        if instance in by_id:
            by_id[instance].managed_by = "ssm"
        else:
            collector.note(f"`{instance}` is managed by SSM, but no list of instances holds it")
    return Targets(things, access_keys if counted else None, passwords)


def _items(entry: Entry, name: str, place: str, collector: Collector) -> Iterator[tuple[str, Entry]]:
    value = entry.get(name)
    if not isinstance(value, list):
        collector.skip(f"{place}.{name}", "must be a list")
        return
    for index, item in enumerate(value):
        if isinstance(item, dict):
            yield f"{place}.{name}[{index}]", item
        else:
            collector.skip(f"{place}.{name}[{index}]", "must be an object")


def _join(things: dict[str, _Thing], thing: _Thing) -> None:
    known = things.setdefault(thing.arn, thing)
    if known is not thing:
        known.runs_as |= thing.runs_as
        known.managed_by = known.managed_by or thing.managed_by
        known.tier = known.tier or thing.tier
        known.labels = tuple(dict.fromkeys((*known.labels, *thing.labels)))
        known.credentials = tuple(dict.fromkeys((*known.credentials, *thing.credentials)))


def _instances(item: Entry, place: str, collector: Collector) -> Iterator[_Thing]:
    for where, instance in _items(item, "Instances", place, collector):
        placement = instance.get("Placement")
        zone = str(placement.get("AvailabilityZone", "")) if isinstance(placement, dict) else ""
        owner = str(item.get("OwnerId") or "")
        profile = instance.get("IamInstanceProfile")
        name = instance.get("InstanceId")
        if not isinstance(name, str) or not owner:
            collector.skip(where, "an instance needs `InstanceId`, its reservation `OwnerId`")
            continue
        arn = f"arn:aws:ec2:{zone[:-1]}:{owner}:instance/{name}"
        runs_as = {str(profile.get("Arn"))} if isinstance(profile, dict) else set()
        yield _Thing(arn, runs_as, account=owner, tags=instance.get("Tags"))


def _plain(arn: str, *roles: str) -> Callable[[Entry, str, Collector], Iterator[_Thing]]:
    """Things with an ARN and roles in fields of these names."""

    def read(item: Entry, place: str, collector: Collector) -> Iterator[_Thing]:
        name = item.get(arn)
        if not isinstance(name, str) or parse_arn(name) is None:
            collector.skip(f"{place}.{arn}", "must be an ARN")
            return
        runs_as = {str(item[role]) for role in roles if item.get(role)}
        yield _Thing(name, runs_as, tags=item.get("Tags") or item.get("tags"))

    return read


def _own(item: Entry, place: str, collector: Collector) -> Iterator[_Thing]:
    arn = item.get("Arn")
    if not isinstance(arn, str) or parse_arn(arn) is None:
        collector.skip(f"{place}.Arn", "must be an ARN")
        return
    managed, tier, account = item.get("ManagedBy"), item.get("Tier"), item.get("Account")
    yield _Thing(
        arn,
        set(_texts(item.get("RunsAs"))),
        managed_by=managed if isinstance(managed, str) else None,
        account=account if isinstance(account, str) else None,
        tags=item.get("Tags"),
        labels=_texts(item.get("Labels")),
        tier=tier if isinstance(tier, str) else None,
        credentials=_texts(item.get("HoldsCredentialOf")),
    )


def _texts(value: Json) -> tuple[str, ...]:
    listed_ = value if isinstance(value, list) else [value]
    return tuple(each for each in listed_ if isinstance(each, str))


_READERS: Mapping[str, Callable[[Entry, str, Collector], Iterator[_Thing]]] = {
    "Reservations": _instances,
    "Functions": _plain("FunctionArn", "Role"),
    "Stacks": _plain("StackId", "RoleARN"),
    "projects": _plain("arn", "serviceRole"),
    "NotebookInstances": _plain("NotebookInstanceArn", "RoleArn"),
    "tasks": _plain("taskArn", "taskRoleArn"),
    "taskDefinitions": _plain("taskDefinitionArn", "taskRoleArn", "executionRoleArn"),
    "Resources": _own,
}
_REPORT = "Content"
_OTHERS = ("AccessKeyMetadata", "InstanceInformationList", _REPORT)
