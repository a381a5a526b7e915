"""Where a plan finds each field of an answer: expressions over the core's values, `{v}` is the value they start from.

`d` is the record of a decision; a plan holds one decision at a time.

The schema's own way is in `graphsvc.api.schema`; that both give the same is what the differential test is for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from graphsvc.core.marker import in_words
from graphsvc.core.score import as_score
from graphsvc.core.value import format_time

__all__ = ["EXPRESSIONS", "NAMES", "Unplanned"]

_INT_LIMIT = 2**31
_score = lru_cache(4096)(as_score)


class Unplanned(Exception):
    """The document, or this one answer, is for the general executor."""


@lru_cache(4096)
def _delta(before_micros: int, after_micros: int) -> float:
    return round(_score(after_micros) - _score(before_micros), 6)


def _whole(value: int | None) -> int | None:
    if value is not None and not -_INT_LIMIT <= value < _INT_LIMIT:
        # An error of the general executor's making.
        raise Unplanned
    return value


@lru_cache(64)
def _second(at_s: int) -> str:
    return format_time(at_s * 1000)[:-1]


def _time(at_ms: int) -> str:
    at_s, rest = divmod(at_ms, 1000)
    return f"{_second(at_s)}.{rest:03d}Z" if rest else _second(at_s) + "Z"


def _prefixed(kind: str, value: str) -> str:
    """Written out, because a call costs more than what it would do."""
    return f'(x if (x := {value}).startswith("{kind}:") else "{kind}:" + x)'


# What the expressions may call.
NAMES: Mapping[str, Any] = {
    "score": _score, "delta": _delta, "whole": _whole, "time": _time, "words": in_words,
}  # fmt: skip

_DECIDED = {
    "reasons": "reasons", "completions": "completions", "risk": "risk", "decidedAt": "at_ms", "index": "index",
    "subject": "request.subject", "onBehalfOf": "request.on_behalf_of", "action": "request.action",
    "resource": "request.resource",
}  # fmt: skip
_ANSWER = {
    "verdict": "verdict", "nearest": "nearest", "revision": "revision", "auditId": "audit_id",
    "replayed": "replayed", "recorded": "recorded",
}  # fmt: skip
_PLAIN = {
    "Reason": ("code", "message", "rule", "verdict"),
    "PathStep": ("step", "subject", "resource", "index"),
    "Completion": ("path", "explanation", "key", "pack"),
    "NearHarm": ("remaining", "feasible"),
    "PatternRef": ("title", "severity"),
    "ShadowVerdict": ("pack", "version", "pattern", "verdict", "message", "enforced"),
}

EXPRESSIONS: Mapping[str, str] = {
    **{f"Decision.{name}": f"d.{where}" for name, where in _DECIDED.items()},
    **{f"Decision.{name}": f"{{v}}.{where}" for name, where in _ANSWER.items()},
    **{f"{kind}.{name}": f"{{v}}.{name}" for kind, names in _PLAIN.items() for name in names},
    "Decision.id": _prefixed("decision", "d.request.id"),
    "Decision.obligations": "()",
    "Decision.properties": "words(d.request.action_properties)",
    "Entity.properties": "words({v}.properties)",
    "Decision.shadow": "d.shadow",
    "Decision.policyVersion": "d.policy",
    "Decision.chain": _prefixed("chain", "d.request.chain"),
    "Decision.session": _prefixed("session", "d.session"),
    "Decision.parents": "(None if d.request.parents is None else ["
    + _prefixed("decision", "p")
    + " for p in d.request.parents])",
    "Decision.wouldBe": "(d.verdict if d.enforced is not None else None)",
    "Decision.review": "review({v})",
    "Reason.retryable": "{v}.code.retryable",
    "Completion.pattern": "{v}",
    "Completion.onMatch": "{v}.on_match",
    "NearHarm.pattern": "{v}",
    "PatternRef.id": "{v}.pattern",
    "PathStep.decision": _prefixed("decision", "{v}.action"),
    "PathStep.action": "{v}.action_name",
    "PathStep.chain": _prefixed("chain", "{v}.chain"),
    "PathStep.at": "{v}.at_ms",
    "RiskChange.before": "score({v}.before_micros)",
    "RiskChange.after": "score({v}.after_micros)",
    "RiskChange.delta": "delta({v}.before_micros, {v}.after_micros)",
    "RiskChange.beforeMicros": "{v}.before_micros",
    "RiskChange.afterMicros": "{v}.after_micros",
}
