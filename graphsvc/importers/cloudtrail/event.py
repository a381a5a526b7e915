"""CloudTrail events as they lie in files, and the names this package reads from them."""

from __future__ import annotations

import re

from graphsvc.core.value import Json, parse_time
from graphsvc.errors import BadInput
from graphsvc.importers.text import decode_json

__all__ = ["Event", "action_name", "child", "has_failed", "identity_of", "read_events", "was_refused"]

Event = dict[str, Json]

_REQUIRED = ("eventTime", "eventSource", "eventName")
# `UpdateFunctionCode20150331v2`, `CreateDistribution2020_05_31`: the API version is not part of the action.
_VERSION = re.compile(r"(?:(?:19|20)\d{2}_\d{2}_\d{2}|(?:19|20)\d{6}(?:v\d+)?)$")
# Where the event source is not the prefix that IAM actions have.
_SERVICES = {"monitoring": "cloudwatch", "email": "ses"}
_REFUSED = re.compile(r"AccessDenied|Unauthorized|NotAuthorized|Forbidden|ExplicitDeny", re.IGNORECASE)


def read_events(data: bytes | str, file: str) -> list[Event]:
    """The events of a file: a list, or an object with `Records`; gzip-compressed or not.

    Events are as in the file, in its order; one that is delivered twice (same `eventID`) is there once.
    An event needs `eventTime`, `eventSource`, `eventName` and `userIdentity`; BadInput names the file,
    the event's index (from 0) and the fix.
    """
    value = decode_json(data, file)
    records = value.get("Records") if isinstance(value, dict) else value
    if not isinstance(records, list):
        raise BadInput(
            f'`{file}` holds no CloudTrail events: it must be a list of events or {{"Records": [...]}}',
            field=file,
        )
    events: dict[str, Event] = {}
    for index, event in enumerate(records):
        place = f"{file}[{index}]"
        if not isinstance(event, dict):
            raise BadInput(f"{place}: an event must be an object; remove it", field=place)
        for name in _REQUIRED:
            if not isinstance(event.get(name), str) or not event[name]:
                raise BadInput(
                    f"{place}.{name}: must be text that is not empty; remove the event", field=place
                )
        if not isinstance(event.get("userIdentity"), dict):
            raise BadInput(f"{place}.userIdentity: must be an object; remove the event", field=place)
        parse_time(str(event["eventTime"]), field=f"{place}.eventTime")
        event_id = event.get("eventID")
        events.setdefault(event_id if isinstance(event_id, str) and event_id else place, event)
    return list(events.values())


def action_name(event: Event) -> str:
    """`service:Operation` without the version of the API."""
    service = str(event["eventSource"]).partition(".amazonaws.com")[0]
    return f"{_SERVICES.get(service, service)}:{_VERSION.sub('', str(event['eventName']))}"


def child(value: Json, *names: str) -> Json:
    """What lies at the end of a path of objects, None when a step is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def identity_of(event: Event) -> Event:
    """The event's `userIdentity`."""
    identity = event["userIdentity"]
    return identity if isinstance(identity, dict) else {}


def has_failed(event: Event) -> bool:
    """True when the call had no effect."""
    return bool(event.get("errorCode"))


def was_refused(event: Event) -> bool:
    """True when the call failed for want of a right, not for another reason."""
    return _REFUSED.search(str(event.get("errorCode") or "")) is not None
