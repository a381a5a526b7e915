"""Errors of the client, beside those of the service that it passes on."""

from __future__ import annotations

from typing import ClassVar

from graphsvc.errors import BadInput, Conflict, GraphsvcError, NotAllowed, StoreUnavailable

__all__ = ["CallFailed", "Unreachable", "error_from"]


class Unreachable(GraphsvcError):  # named like its siblings
    """The service did not answer; whether the call took effect is unknown, so ask with the same key."""

    code = "service_unreachable"
    exit_code: ClassVar[int] = 3


class CallFailed(GraphsvcError):  # named like its siblings
    """The service refused the call for a reason that has no class of its own; `reason` is its code."""

    code = "call_failed"

    def __init__(self, message: str, *, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def error_from(code: str, message: str, field: str | None = None, *, kind: str = "") -> GraphsvcError:
    """The error for what the service answered. kind: the GraphQL type of the failure, if it had one."""
    if kind == "NotAllowed" or code in {"not_allowed", "unauthenticated"}:
        return NotAllowed(message)
    if kind == "Conflict" or code == "conflict":
        return Conflict(message)
    if kind == "InvalidRequest" or code in {"invalid_request", "policy_invalid", "not_supported"}:
        return BadInput(message, field=field)
    if kind == "Unavailable" or code.startswith("store_"):
        return StoreUnavailable(message)
    return CallFailed(message, reason=code)
