"""Failures of plain HTTP routes: one shape, `{"error": {code, message, field?}}`, and their status."""

from __future__ import annotations

import math
from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from graphsvc.api.rate import RateLimited
from graphsvc.errors import BadInput, Conflict, GraphsvcError, NotAllowed

__all__ = ["failure", "failure_of", "status_of"]


def failure(
    status: int,
    code: str,
    message: str,
    *,
    field: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a call that was not carried out. field: the place in the input."""
    told = {"code": code, "message": message}
    if field is not None:
        told["field"] = field
    return JSONResponse({"error": told}, status_code=status, headers=headers)


def failure_of(error: GraphsvcError) -> Response:
    """The answer that tells of `error`."""
    field = error.field if isinstance(error, BadInput) else None
    headers = {"Retry-After": str(math.ceil(error.retry_after_s))} if isinstance(error, RateLimited) else None
    return failure(status_of(error), error.code, str(error), field=field, headers=headers)


def status_of(error: GraphsvcError) -> int:
    """400 the caller's mistake, 403 not its to ask, 409 used before, 429 too much, 503 the store's trouble."""
    match error:
        case RateLimited():
            return 429
        case BadInput():
            return 400
        case NotAllowed():
            return 403
        case Conflict():
            return 409
        case _:
            return 503
