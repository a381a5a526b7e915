"""Why the answer is what it is: the content of `context.graphsvc` in an answer, in GraphQL's names."""

from __future__ import annotations

from typing import Any

from graphsvc.core import verdict as core
from graphsvc.core.score import as_score
from graphsvc.core.value import format_time
from graphsvc.decide.command import Judged

__all__ = ["explained"]


def explained(judged: Judged) -> dict[str, Any]:
    """Everything an `Evaluation` of GraphQL holds."""
    return {
        "verdict": str(judged.verdict),
        "reasons": [_reason(reason) for reason in judged.reasons],
        "completions": [_completion(completion) for completion in judged.completions],
        "risk": _risk(judged.risk),
        "nearest": [
            {
                "pattern": {"id": near.pattern, "title": near.title, "severity": near.severity},
                "remaining": list(near.remaining),
                "feasible": near.feasible,
            }
            for near in judged.nearest
        ],
        "revision": judged.revision,
        "stale": judged.stale,
    }


def _reason(reason: core.Reason) -> dict[str, Any]:
    return {
        "code": str(reason.code),
        "message": reason.message,
        "rule": reason.rule,
        "verdict": str(reason.verdict),
        "retryable": reason.code.retryable,
    }


def _completion(completion: core.Completion) -> dict[str, Any]:
    return {
        "pattern": {
            "id": completion.pattern,
            "title": completion.title,
            "severity": completion.severity,
        },
        "onMatch": completion.on_match,
        "pack": completion.pack,
        "path": [_step(step) for step in completion.path],
        "explanation": completion.explanation,
        "key": dict(completion.key),
    }


def _step(step: core.PathStep) -> dict[str, Any]:
    return {
        "step": step.step,
        "decision": f"decision:{step.action}",
        "action": step.action_name,
        "subject": step.subject,
        "resource": step.resource,
        "chain": f"chain:{step.chain}",
        "index": step.index,
        "at": format_time(step.at_ms),
    }


def _risk(risk: core.Risk) -> dict[str, Any]:
    before, after = as_score(risk.before_micros), as_score(risk.after_micros)
    return {
        "before": before,
        "after": after,
        "delta": round(after - before, 6),
        "beforeMicros": risk.before_micros,
        "afterMicros": risk.after_micros,
    }
