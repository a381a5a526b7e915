"""Requests as the action records of a trace: one chain per credential, in the order of their arrival."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphsvc.core.value import Json, format_time
from graphsvc.importers.kubernetes.name import Cluster, action
from graphsvc.importers.kubernetes_audit.event import (
    Event,
    acting,
    child,
    has_failed,
    query_of,
    status_of,
    time_ms,
    was_refused,
)
from graphsvc.importers.kubernetes_audit.request import (
    action_name,
    chain_of,
    issued,
    kind_of,
    resource_of,
    subject_id,
)

__all__ = ["to_trace"]

_ACCOUNT = "system:serviceaccount:"


def to_trace(events: Iterable[Event], cluster: str) -> list[dict[str, Json]]:
    """The action records of requests.

    Whoever impersonates takes an action of their own, `k8s:impersonate:...`, and what is done then is done by the other in a chain that
    this one spawned. So is the chain of a token by the request that issued it, where the log names credentials. A request
    that failed, or was a dry run, is not executed.
    """
    names, records = Cluster(cluster), list[dict[str, Json]]()
    spawned: dict[str, str] = {}
    begun: set[str] = set()
    for event in events:
        real = event["user"]
        user, who = acting(event), real if isinstance(real, dict) else {}
        chain = chain_of(names, event, user)
        if user is not who:
            by = chain_of(names, event, who)
            if chain not in begun:
                records.append(_impersonation(names, event, who, user, by, spawned.get(by)))
                spawned.setdefault(chain, by)
                begun.update((by, chain))
        made = issued(names, event)
        if made is not None and made != chain:
            spawned.setdefault(made, chain)
        begun.add(chain)
        records.append(_record(names, event, user, chain, spawned.get(chain)))
    return records


def _record(names: Cluster, event: Event, user: Event, chain: str, parent: str | None) -> dict[str, Json]:
    kind, name = resource_of(names, event)
    return {
        "type": "action",
        "id": str(event["auditID"]),
        "at": format_time(time_ms(event)),
        "chain": chain,
        "parent_chain": parent,
        "joins": [],
        "subject": {"type": kind_of(user), "id": subject_id(names, user), "properties": _told_of(user)},
        "on_behalf_of": [],
        "action": {"name": action_name(event), "properties": _properties(event)},
        "resource": {"type": kind, "id": name},
        "labels": [],
        "parents": None,
        "context": dict(_context(event)),
        "arguments": [],
        "intent": None,
        "executed": not has_failed(event),
    }


def _impersonation(
    names: Cluster, event: Event, who: Event, other: Event, chain: str, parent: str | None
) -> dict[str, Json]:
    """What the API server asked of the impersonator before it took the request for the other's."""
    username = str(other.get("username"))
    if username.startswith(_ACCOUNT) and username.count(":") == 3:
        _, _, namespace, name = username.split(":")
        asked = action("impersonate", "", "serviceaccounts")
        place = names.resource(namespace, "", "serviceaccounts", name)
    else:
        asked = action("impersonate", "", "users")
        place = names.resource(None, "", "users", username)
    record = _record(names, event, who, chain, parent)
    is_let = not was_refused(event)
    return record | {
        "id": f"{event['auditID']}#impersonate",
        "action": {"name": asked, "properties": {"groups": other.get("groups") or []}},
        "resource": {"type": "k8s", "id": place.removeprefix("resource:k8s:")},
        "executed": is_let,
    }


def _told_of(user: Event) -> dict[str, Json]:
    groups = user.get("groups")
    return {"groups": list[Json](sorted(map(str, groups)))} if isinstance(groups, list) else {}


def _properties(event: Event) -> dict[str, Json]:
    query = query_of(event)
    found: dict[str, Json] = {"verb": str(event["verb"])}
    # What was run in a pod, and where a connection was led.
    for name in ("command", "container", "path", "dryRun", "fieldManager"):
        if name in query:
            found[name] = list[Json](query[name]) if len(query[name]) > 1 else query[name][0]
    account = child(event.get("requestObject"), "spec", "serviceAccountName")
    template = child(event.get("requestObject"), "spec", "template", "spec", "serviceAccountName")
    if isinstance(account or template, str):
        found["serviceAccountName"] = account or template
    role = child(event.get("requestObject"), "roleRef", "name")
    if isinstance(role, str):
        found["roleRef"] = role
    return found


def _context(event: Event) -> Iterator[tuple[str, Json]]:
    for name in ("sourceIPs", "userAgent"):
        if event.get(name):
            yield name, event[name]
    code = status_of(event)
    if code is not None:
        yield "responseCode", code
    for name in ("decision", "reason"):
        told = child(event, "annotations", f"authorization.k8s.io/{name}")
        if isinstance(told, str) and told:
            yield f"authorization_{name}", told
