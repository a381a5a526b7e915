"""Decisions as JSON in the shape of the API, and as text for people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from graphsvc.cli.replayer import risk_score
from graphsvc.core.record import Decided
from graphsvc.core.value import Json, format_time
from graphsvc.core.verdict import Completion, NearHarm, Reason, Risk
from graphsvc.decide.command import Answer, Judged
from graphsvc.explore.counterfactual import Counterfactual, EdgeTriple

__all__ = [
    "answer_record",
    "counterfactual_record",
    "decided_record",
    "judged_record",
    "tell",
    "tell_counterfactual",
]


def answer_record(answer: Answer) -> dict[str, Json]:
    """A decision as just answered."""
    return {
        **decided_record(answer.decision),
        "verdict": answer.verdict.value,
        "nearest": _nearest(answer.nearest),
        "revision": answer.revision,
        "auditId": answer.audit_id,
        "replayed": answer.replayed,
    }


def decided_record(decided: Decided) -> dict[str, Json]:
    """A recorded decision."""
    request = decided.request
    return {
        "id": f"decision:{request.id}",
        "verdict": decided.answered.value,
        "reasons": _reasons(decided.reasons),
        "completions": _completions(decided.completions),
        "risk": _risk(decided.risk),
        "chain": f"chain:{request.chain}",
        "subject": {"type": request.subject.type, "id": request.subject.id},
        "onBehalfOf": [{"type": each.type, "id": each.id} for each in request.on_behalf_of],
        "action": request.action,
        "resource": {"type": request.resource.type, "id": request.resource.id},
        "decidedAt": format_time(decided.at_ms),
    }


def judged_record(judged: Judged) -> dict[str, Json]:
    """What would be answered."""
    return {
        "verdict": judged.verdict.value,
        "reasons": _reasons(judged.reasons),
        "completions": _completions(judged.completions),
        "risk": _risk(judged.risk),
        "nearest": _nearest(judged.nearest),
        "revision": judged.revision,
        "stale": judged.stale,
    }


def counterfactual_record(found: Counterfactual) -> dict[str, Json]:
    """What a completed path hangs on."""
    return {
        "pattern": found.pattern,
        "single": [_edge(edge) for edge in found.single],
        "repair": [_edge(edge) for edge in found.repair],
        "grants": [f"grant:{grant}" for grant in found.grants],
        "earlier": [f"decision:{action}" for action in found.earlier],
        "steps": [
            {
                "step": step.step,
                "decision": f"decision:{step.action}",
                "action": step.action_name,
                "party": f"identity:{step.party}",
                "single": [_edge(edge) for edge in step.single],
                "cut": [_edge(edge) for edge in step.cut],
            }
            for step in found.steps
        ],
    }


def _edge(edge: EdgeTriple) -> dict[str, Json]:
    return {"type": edge[0], "from": edge[1], "to": edge[2]}


def tell_counterfactual(found: Mapping[str, Json]) -> Iterator[str]:
    """The same as lines for people."""
    for edge in map(_object, _list(found["single"])):
        yield f"  {found['pattern']}: without {_arrow(edge)} this path does not exist"
    for grant in _list(found["grants"]):
        yield f"  {found['pattern']}: without {grant} this path does not exist"
    if not found["single"] and not found["grants"]:
        cut = [_arrow(_object(edge)) for edge in _list(found["repair"])]
        told = (
            f"the smallest repair removes {', '.join(cut)}"
            if cut
            else "no grant in the graph carries this path"
        )
        yield f"  {found['pattern']}: no single grant carries this path; {told}"


def _arrow(edge: Mapping[str, Json]) -> str:
    return f"{edge['from']} -{edge['type']}-> {edge['to']}"


def tell(record: Mapping[str, Json]) -> Iterator[str]:
    """A decision as lines for people: the verdict, the reasons, and each completed path step by step."""
    yield f"{record['verdict']}  {record.get('id') or ''}".rstrip()
    if "action" in record:
        subject, resource = _object(record["subject"]), _object(record["resource"])
        behalf = [str(_object(each)["id"]) for each in _list(record.get("onBehalfOf"))]
        what = f"{record['action']} on {resource['type']}:{resource['id']}"
        yield f"  {subject['id']}{f' for {chr(44).join(behalf)}' if behalf else ''}: {what}"
        yield f"  chain {str(record['chain']).removeprefix('chain:')}, {record['decidedAt']}"
    for reason in map(_object, _list(record["reasons"])):
        rule = f" [{reason['rule']}]" if reason.get("rule") else ""
        yield f"  {reason['code']}{rule}: {reason['message']}"
    for completion in map(_object, _list(record["completions"])):
        pattern = _object(completion["pattern"])
        yield f"  completes {pattern['id']} ({pattern['severity']}): {pattern['title']}"
        for step in map(_object, _list(completion["path"])):
            who = f"{step['subject']}: {step['action']} on {step['resource']}"
            yield f"    {step['step']}: {who} (step {step['index']} of {str(step['chain']).removeprefix('chain:')}, {step['at']})"
    risk = _object(record["risk"])
    yield f"  risk {risk['before']:.6f} -> {risk['after']:.6f}"
    for near in map(_object, _list(record.get("nearest"))):
        remaining = ", ".join(str(step) for step in _list(near["remaining"]))
        yield f"  near: {_object(near['pattern'])['id']}, still missing: {remaining or 'nothing'}"


def _reasons(reasons: Iterable[Reason]) -> list[Json]:
    return [
        {
            "code": reason.code.value, "message": reason.message, "rule": reason.rule,
            "retryable": reason.code.retryable,
        }
        for reason in reasons
    ]  # fmt: skip


def _completions(completions: Iterable[Completion]) -> list[Json]:
    return [
        {
            "pattern": {"id": each.pattern, "title": each.title, "severity": each.severity},
            "path": [
                {
                    "step": step.step, "action": step.action_name, "decision": f"decision:{step.action}",
                    "subject": step.subject, "resource": step.resource, "chain": f"chain:{step.chain}",
                    "index": step.index, "at": format_time(step.at_ms),
                }
                for step in each.path
            ],
            "explanation": each.explanation,
        }
        for each in completions
    ]  # fmt: skip


def _risk(risk: Risk) -> Json:
    before, after = risk_score(risk.before_micros), risk_score(risk.after_micros)
    return {
        "before": before, "after": after, "delta": round(after - before, 6),
        "beforeMicros": risk.before_micros, "afterMicros": risk.after_micros,
    }  # fmt: skip


def _nearest(nearest: Iterable[NearHarm]) -> list[Json]:
    return [
        {
            "pattern": {"id": near.pattern, "title": near.title, "severity": near.severity},
            "remaining": list(near.remaining), "feasible": near.feasible,
        }
        for near in nearest
    ]  # fmt: skip


def _object(value: Json) -> dict[str, Json]:
    return cast("dict[str, Json]", value)


def _list(value: Json) -> list[Json]:
    return cast("list[Json]", value or [])
