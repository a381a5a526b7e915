"""Failures of the access request profile, as `application/problem+json` (RFC 9457)."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from graphsvc.errors import GraphsvcError

__all__ = ["Problem", "problem_of"]

_NAMESPACE = "urn:openid:authzen:access-request:error:"


class Problem(GraphsvcError):  # named like its siblings
    """An access request that is not taken. kind: the last part of the profile's error URN."""

    code = "access_request_refused"

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


def problem_of(status: int, kind: str, message: str, *, field: str | None = None) -> Response:
    """The answer. field: the place in the input."""
    told: dict[str, object] = {
        "type": _NAMESPACE + kind,
        "title": kind.replace("_", " "),
        "status": status,
        "detail": message,
    }
    if field is not None:
        told["field"] = field
    return JSONResponse(told, status_code=status, media_type="application/problem+json")
