"""Decisions in the Open Cybersecurity Schema Framework, for a SIEM.

A decision is an API Activity (class 6003) with the profile `security_control`; each pattern that it completed is a
Detection Finding (class 2004) besides. Schema: OCSF 1.3.0. Values of arguments and contexts are left out.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from graphsvc import __version__
from graphsvc.core.record import Decided
from graphsvc.core.score import as_score
from graphsvc.core.value import Json
from graphsvc.core.verdict import Completion, Verdict
from graphsvc.decide.command import LogEvent

__all__ = ["messages"]

VERSION = "1.3.0"
_PRODUCT: Mapping[str, Json] = {"name": "graphsvc", "vendor_name": "graphsvc", "version": __version__}
_API_ACTIVITY, _DETECTION_FINDING = 6003, 2004
_OTHER, _CREATE = 99, 1
_SEVERITY = {"low": 2, "medium": 3, "high": 4, "critical": 5}
_SEVERITY_NAMES = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
# (action_id, action, disposition_id, disposition, severity_id) of the profile security_control.
_ANSWERED = {
    Verdict.PERMIT: (1, "Allowed", 1, "Allowed", 1),
    Verdict.DENY: (2, "Denied", 2, "Blocked", 4),
    Verdict.ESCALATE: (2, "Denied", 99, "Held for review", 3),
}


def messages(event: LogEvent) -> list[bytes]:
    """What a record is in OCSF, as JSON; nothing of records that are no decisions."""
    record = event.record
    if not isinstance(record, Decided):
        return []
    found = [
        _activity(record, event.seq),
        *(_finding(each, record, event.seq) for each in record.completions),
    ]
    return [orjson.dumps(each) for each in found]


def _activity(record: Decided, seq: int) -> dict[str, Json]:
    request, answered = record.request, record.answered
    action_id, action, disposition_id, disposition, severity = _ANSWERED[answered]
    return {
        **_head(_API_ACTIVITY, "API Activity", 6, "Application Activity", _OTHER, request.action),
        "time": record.at_ms,
        "severity_id": severity,
        "severity": _SEVERITY_NAMES[severity],
        "status_id": 1 if answered is Verdict.PERMIT else 2,
        "status": "Success" if answered is Verdict.PERMIT else "Failure",
        "status_code": answered.value,
        "status_detail": ", ".join(reason.code.value for reason in record.reasons),
        "action_id": action_id,
        "action": action,
        "disposition_id": disposition_id,
        "disposition": disposition,
        "actor": _actor(record),
        "api": {"operation": request.action, "request": {"uid": request.id}},
        "resources": [{"type": request.resource.type, "uid": request.resource.id}],
        "metadata": _metadata(request.id, seq, ["security_control"]),
        "unmapped": {
            "chain": request.chain,
            "session": record.session,
            "index": record.index,
            "risk_before": as_score(record.risk.before_micros),
            "risk_after": as_score(record.risk.after_micros),
            "reasons": [
                {"code": reason.code.value, "rule": reason.rule, "verdict": reason.verdict.value}
                for reason in record.reasons
            ],
            "grants": list(record.grants),
        },
    }


def _finding(completion: Completion, record: Decided, seq: int) -> dict[str, Json]:
    severity = _SEVERITY.get(completion.severity, 99)
    action_id, action, disposition_id, disposition, _ = _ANSWERED[record.answered]
    return {
        **_head(_DETECTION_FINDING, "Detection Finding", 2, "Findings", _CREATE, "Create"),
        "time": record.at_ms,
        "severity_id": severity,
        "severity": _SEVERITY_NAMES.get(severity, "Other"),
        "status_id": 1,
        "status": "New",
        "action_id": action_id,
        "action": action,
        "disposition_id": disposition_id,
        "disposition": disposition,
        "actor": _actor(record),
        "finding_info": {
            "uid": f"{record.request.id}/{completion.pattern}",
            "title": completion.title,
            "desc": completion.explanation,
            "analytic": {"type_id": 1, "type": "Rule", "uid": completion.pattern, "name": completion.title},
            "related_events": [{"uid": step.action, "type": step.action_name} for step in completion.path],
        },
        "resources": [{"type": record.request.resource.type, "uid": record.request.resource.id}],
        "metadata": _metadata(f"{record.request.id}/{completion.pattern}", seq, ["security_control"]),
    }


def _head(
    class_uid: int, name: str, category: int, category_name: str, activity: int, did: str
) -> dict[str, Json]:
    return {
        "class_uid": class_uid,
        "class_name": name,
        "category_uid": category,
        "category_name": category_name,
        "activity_id": activity,
        "activity_name": did,
        "type_uid": class_uid * 100 + activity,
        "type_name": f"{name}: {'Other' if activity == _OTHER else did}",
    }


def _actor(record: Decided) -> dict[str, Json]:
    request = record.request
    behind: list[Json] = [{"uid": entity.id, "type": entity.type} for entity in request.on_behalf_of]
    return {
        "user": {"uid": request.subject.id, "type": request.subject.type},
        "session": {"uid": record.session},
        **(
            {
                "invoked_by": str(request.on_behalf_of[-1].id),
                "authorizations": [{"policy": {"data": {"on_behalf_of": behind}}}],
            }
            if behind
            else {}
        ),
    }


def _metadata(uid: str, seq: int, profiles: list[Json]) -> dict[str, Json]:
    return {"version": VERSION, "product": dict(_PRODUCT), "profiles": profiles, "uid": uid, "sequence": seq}
