"""Expected failures as data: what a call may answer instead of its result."""

from __future__ import annotations

from typing import TypeAlias

import strawberry

from graphsvc import errors

__all__ = ["Conflict", "Failed", "Failure", "InvalidRequest", "NotAllowed", "Unavailable", "failed"]


@strawberry.interface(description="Why a call was not carried out; nothing was changed.")
class Failure:
    """Why a call was not carried out. code: stable; field: the place in the input, if there is one."""

    code: str
    message: str
    field: str | None = None


@strawberry.type(description="The input is malformed; `field` names the place.")
class InvalidRequest(Failure):
    """The input is malformed."""


@strawberry.type(description="The caller may not ask this.")
class NotAllowed(Failure):
    """The caller may not ask this."""


@strawberry.type(description="The same key, id or name was used for something else before.")
class Conflict(Failure):
    """The same key, id or name was used for something else before."""


@strawberry.type(description="The store cannot be used now; the same call may succeed later.")
class Unavailable(Failure):
    """The store cannot be used now."""


Failed: TypeAlias = InvalidRequest | NotAllowed | Conflict | Unavailable


def failed(error: errors.GraphsvcError) -> Failed:
    """The failure that tells of `error`."""
    text = str(error)
    match error:
        case errors.BadInput():
            return InvalidRequest(code=error.code, message=text, field=error.field)
        case errors.NotAllowed():
            return NotAllowed(code=error.code, message=text)
        case errors.Conflict():
            return Conflict(code=error.code, message=text)
        case _:
            return Unavailable(code=error.code, message=text)
