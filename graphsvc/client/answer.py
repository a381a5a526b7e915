"""From what came over the wire to typed results and errors; what did not come is DENY."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from graphsvc.client.error import CallFailed, Unreachable, error_from
from graphsvc.client.result import Decision, Reason
from graphsvc.core.verdict import Verdict

__all__ = ["as_kind", "checked", "decision_of", "fail_closed"]

T = TypeVar("T")
_FAILURES = frozenset({"InvalidRequest", "NotAllowed", "Conflict", "Refused", "Unavailable"})


def checked(value: Any) -> Any:
    """The value; a failure that came as data is raised as its error."""
    kind = value.get("__typename", "")
    if kind in _FAILURES:
        raise error_from(value["code"], value["message"], value.get("field"), kind=kind)
    return value


def decision_of(value: Any) -> Decision:
    """What was decided."""
    return as_kind(Decision, checked(value))


def as_kind(kind: type[T], value: Any) -> T:
    """The typed value; CallFailed when the service speaks another version."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise CallFailed(
            f"the service answered in a form this client does not know ({error}); use matching versions",
            reason="protocol",
        ) from error


def fail_closed(error: Exception, deadline_ms: int) -> Decision:
    """DENY that says why there is no answer."""
    if isinstance(error, Unreachable):
        code, message = "service_unreachable", str(error)
    else:
        code, message = "deadline_exceeded", f"no answer within {deadline_ms} ms; ask again with the same key"
    reason = Reason(code=code, message=message, retryable=True)
    return Decision(verdict=Verdict.DENY, reasons=[reason], recorded=False)
