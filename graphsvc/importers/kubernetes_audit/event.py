"""Events of `audit.k8s.io/v1` as they lie in files: one request each, whatever stages of it were logged.

Source: "kube-apiserver Audit Configuration (v1)", "Auditing" of the Kubernetes documentation.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from graphsvc.core.value import Json, parse_time
from graphsvc.errors import BadInput
from graphsvc.importers.text import decode_text, parse_json

__all__ = [
    "Event",
    "acting",
    "child",
    "has_failed",
    "query_of",
    "read_events",
    "status_of",
    "time_ms",
    "was_refused",
]

Event = dict[str, Json]

# A request is logged at several stages; the last says how it ended.
_STAGES = ("RequestReceived", "ResponseStarted", "ResponseComplete", "Panic")
_REFUSED = (401, 403)
_LISTS = ("EventList", "List")


def read_events(data: bytes | str, file: str) -> list[Event]:
    """The requests of a log: an event a line, an `EventList`, or a JSON list; gzip-compressed or not.

    One event a request (`auditID`), that of its last stage, in the order in which requests arrived. BadInput names the file, the
    line or index and the fix.
    """
    last: dict[str, Event] = {}
    for place, item in _events(decode_text(data, file), file):
        event = _checked(item, place)
        name = str(event["auditID"])
        known = last.get(name)
        if known is None or _stage(event) > _stage(known):
            last[name] = event
    return sorted(last.values(), key=time_ms)


def time_ms(event: Event) -> int:
    """When the request reached the API server, Unix milliseconds; later stages of it carry the same time."""
    return parse_time(str(event["requestReceivedTimestamp"]), field="requestReceivedTimestamp")


def status_of(event: Event) -> int | None:
    """The HTTP status of the response, None when it was not logged."""
    code = child(event, "responseStatus", "code")
    return code if isinstance(code, int) else None


def has_failed(event: Event) -> bool:
    """True when the request changed and gave nothing: refused, in error, ended by a panic, or only tried."""
    code = status_of(event)
    is_dry = "All" in query_of(event).get("dryRun", ())
    return is_dry or event.get("stage") == "Panic" or (code is not None and code >= 400)


def was_refused(event: Event) -> bool:
    """True when it failed for want of a right."""
    decision = child(event, "annotations", "authorization.k8s.io/decision")
    return decision == "forbid" or status_of(event) in _REFUSED


def acting(event: Event) -> Event:
    """The user that the request counts as: the impersonated one where there is one."""
    found = event.get("impersonatedUser") or event["user"]
    return found if isinstance(found, dict) else {}


def query_of(event: Event) -> dict[str, list[str]]:
    """The parameters of the request's URI."""
    return parse_qs(urlsplit(str(event.get("requestURI") or "")).query)


def child(value: Json, *names: str) -> Json:
    """What lies at the end of a path of objects, None when a step is missing."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _events(text: str, file: str) -> Iterator[tuple[str, Json]]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise BadInput(f"`{file}` is empty: give the audit log of an API server", field=file)
    if len(lines) > 1 and lines[0][1].rstrip().endswith("}"):
        for number, line in lines:
            yield f"{file}:{number}", parse_json(line, f"{file}:{number}")
        return
    value = parse_json(text, file)
    items = value.get("items") if isinstance(value, dict) and value.get("kind") in _LISTS else value
    for index, item in enumerate(items if isinstance(items, list) else [items]):
        yield f"{file}[{index}]", item


def _checked(event: Json, place: str) -> Event:
    if not isinstance(event, dict) or event.get("kind") != "Event" or not _is_audit(event.get("apiVersion")):
        raise BadInput(
            f"{place}: is no event of audit.k8s.io/v1; give the log that `--audit-log-path` of the API server names",
            field=place,
        )
    for name in ("auditID", "verb", "requestReceivedTimestamp"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise BadInput(f"{place}.{name}: must be text that is not empty; remove the event", field=place)
    if event.get("stage") not in _STAGES:
        raise BadInput(f"{place}.stage: must be one of {', '.join(_STAGES)}", field=f"{place}.stage")
    for name in ("user", "impersonatedUser"):
        if (name == "user" or event.get(name)) and not isinstance(child(event.get(name), "username"), str):
            raise BadInput(f"{place}.{name}.username: must be text; remove the event", field=place)
    parse_time(str(event["requestReceivedTimestamp"]), field=f"{place}.requestReceivedTimestamp")
    return event


def _is_audit(version: Json) -> bool:
    return isinstance(version, str) and version.startswith("audit.k8s.io/")


def _stage(event: Event) -> int:
    return _STAGES.index(str(event["stage"]))
