"""Where a plan finds each field of an answer: straight from the core's values, without the schema's objects between.

The schema's own way is in `graphsvc.api.schema`; that both give the same is what the differential test is for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from graphsvc.core.score import as_score
from graphsvc.core.verdict import PathStep, Reason, Risk
from graphsvc.decide.command import Answer

__all__ = ["FIELDS"]


def _prefixed(kind: str, value: str) -> str:
    return f"{kind}:{value.removeprefix(kind + ':')}"


def _nothing(_value: object) -> list[object]:
    return []


def _delta(risk: Risk) -> float:
    return round(as_score(risk.after_micros) - as_score(risk.before_micros), 6)


def _would_be(answer: Answer) -> Any:
    return answer.decision.verdict if answer.decision.enforced is not None else None


def _step_decision(step: PathStep) -> str:
    return _prefixed("decision", step.action)


def _same(value: Any) -> Any:
    return value


def _retryable(reason: Reason) -> bool:
    return reason.code.retryable


_DECIDED = {
    "reasons": "reasons", "completions": "completions", "risk": "risk", "decidedAt": "at_ms", "index": "index",
    "subject": "request.subject", "onBehalfOf": "request.on_behalf_of", "action": "request.action",
    "resource": "request.resource",
}  # fmt: skip
_PLAIN = {
    "Reason": ("code", "message", "rule", "verdict"),
    "PathStep": ("step", "subject", "resource", "index"),
    "Completion": ("path", "explanation", "key", "pack"),
    "NearHarm": ("remaining", "feasible"),
    "PatternRef": ("title", "severity"),
}

FIELDS: Mapping[str, Callable[[Any], Any]] = {
    **{f"Decision.{name}": attrgetter(f"decision.{where}") for name, where in _DECIDED.items()},
    **{f"{kind}.{name}": attrgetter(name) for kind, names in _PLAIN.items() for name in names},
    "Decision.id": lambda answer: _prefixed("decision", answer.decision.request.id),
    "Decision.verdict": attrgetter("verdict"),
    "Decision.nearest": attrgetter("nearest"),
    "Decision.obligations": _nothing,
    "Decision.shadow": _nothing,
    "Decision.revision": attrgetter("revision"),
    "Decision.auditId": attrgetter("audit_id"),
    "Decision.replayed": attrgetter("replayed"),
    "Decision.recorded": attrgetter("recorded"),
    "Decision.chain": lambda answer: _prefixed("chain", answer.decision.request.chain),
    "Decision.session": lambda answer: _prefixed("session", answer.decision.session),
    "Decision.wouldBe": _would_be,
    "Reason.retryable": _retryable,
    "Completion.pattern": _same,
    "Completion.onMatch": attrgetter("on_match"),
    "NearHarm.pattern": _same,
    "PatternRef.id": attrgetter("pattern"),
    "PathStep.decision": _step_decision,
    "PathStep.action": attrgetter("action_name"),
    "PathStep.chain": lambda step: _prefixed("chain", step.chain),
    "PathStep.at": attrgetter("at_ms"),
    "RiskChange.before": lambda risk: as_score(risk.before_micros),
    "RiskChange.after": lambda risk: as_score(risk.after_micros),
    "RiskChange.delta": _delta,
    "RiskChange.beforeMicros": attrgetter("before_micros"),
    "RiskChange.afterMicros": attrgetter("after_micros"),
}
