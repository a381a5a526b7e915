"""Events as the action records of a trace: one chain per access key or role session, in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphsvc.core.value import Json, format_time
from graphsvc.importers.aws.arn import RESOURCE_TYPE
from graphsvc.importers.cloudtrail.event import Event, action_name, child, has_failed
from graphsvc.importers.cloudtrail.order import ordered, time_ms
from graphsvc.importers.cloudtrail.resource import resource_of
from graphsvc.importers.cloudtrail.sharing import shared_with
from graphsvc.importers.cloudtrail.subject import chain_of, subject_of

__all__ = ["to_trace"]

_CONTEXT = (
    "sourceIPAddress",
    "userAgent",
    "awsRegion",
    "errorCode",
    "readOnly",
    "recipientAccountId",
    "vpcEndpointId",
)
_LONG = 1024  # characters; longer texts are documents, of which rules read `account` only


def to_trace(events: Iterable[Event]) -> list[dict[str, Json]]:
    """The action records of the events, in the order they are taken to have happened.

    The action is `service:Operation`; its properties are the request's plain parameters, `eventName`
    as recorded, `account` (whom a sharing or trusting call lets in) and `omitted` (names of
    parameters that are documents or nested). A failed call is not executed. The chain of a role session
    is spawned by the chain that called `sts:AssumeRole` for it, where that is among the events.
    """
    in_order = ordered(list(events))
    parents = _parents(in_order)
    return [_record(event, index, parents) for index, event in enumerate(in_order)]


def _record(event: Event, index: int, parents: dict[str, str]) -> dict[str, Json]:
    subject, chain = subject_of(event), chain_of(event)
    properties: dict[str, Json] = {"aws_type": subject.aws_type}
    if subject.session:
        properties["session_name"] = subject.session
    event_id = event.get("eventID")
    return {
        "type": "action",
        "id": event_id if isinstance(event_id, str) and event_id else f"{chain}#{index}",
        "at": format_time(time_ms(event)),
        "chain": chain,
        "parent_chain": parents.get(chain),
        "joins": [],
        "subject": {"type": subject.kind, "id": subject.id, "properties": properties},
        "on_behalf_of": [],
        "action": {"name": action_name(event), "properties": _properties(event)},
        "resource": {"type": RESOURCE_TYPE, "id": resource_of(event)},
        "labels": [],
        "parents": None,
        "context": _context(event),
        "arguments": [],
        "intent": None,
        "executed": not has_failed(event),
    }


def _parents(events: Sequence[Event]) -> dict[str, str]:
    """The chain that each session's chain was spawned by.

    A service that assumes roles for everybody is no common ancestor: its sessions stay apart.
    """
    spawned: dict[str, str] = {}
    for event in events:
        key = child(event.get("responseElements"), "credentials", "accessKeyId")
        if isinstance(key, str) and subject_of(event).aws_type != "service":
            chain = f"cloudtrail:{key}"
            if chain != chain_of(event):
                spawned.setdefault(chain, chain_of(event))
    return spawned


def _properties(event: Event) -> dict[str, Json]:
    properties: dict[str, Json] = {}
    omitted: list[Json] = []
    request = event.get("requestParameters")
    for name, value in request.items() if isinstance(request, dict) else ():
        plain = _plain(value)
        if plain is None:
            omitted.append(name)
        else:
            properties[name] = plain
    if omitted:
        properties["omitted"] = sorted(omitted, key=str)
    # Written last: a request cannot pass its own parameters for what we derive.
    properties["eventName"] = event["eventName"]
    accounts = shared_with(event)
    if accounts is None:
        properties.pop("account", None)
    else:
        properties["account"] = list[Json](accounts)
    return properties


def _plain(value: Json) -> Json:
    """A parameter that rules can read: a scalar, a list of scalars, or the name in a reference; else None."""
    if isinstance(value, dict):
        # `iamInstanceProfile: {"name": ...}` and the like.
        named = [value[name] for name in ("arn", "name") if isinstance(value.get(name), str)]
        return named[0] if named else None
    if isinstance(value, list):
        return value if all(not isinstance(item, list | dict) for item in value) else None
    if isinstance(value, str) and (len(value) > _LONG or value.lstrip().startswith("{")):
        return None
    return value


def _context(event: Event) -> dict[str, Json]:
    context = {name: event[name] for name in _CONTEXT if event.get(name) is not None}
    mfa = child(event["userIdentity"], "sessionContext", "attributes", "mfaAuthenticated")
    if mfa is not None:
        context["mfa"] = str(mfa).lower() == "true"
    elif (console := child(event.get("additionalEventData"), "MFAUsed")) is not None:
        context["mfa"] = console == "Yes"
    return context
