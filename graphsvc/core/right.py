"""What entitlement answers, and what one level of caps says."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from graphsvc.core.native import Asked
from graphsvc.core.permission import Permission

__all__ = ["NOTHING", "Right", "capped"]


class Right(msgspec.Struct, frozen=True, gc=False):
    """The answer. code: `entitled`, `not_entitled`, `denied_explicitly` or `condition_unknown`.

    rule: key of the permission that decided it, if one did. capped: a cap forbids it, so that no
    grant may allow it either. missing: attributes without which a condition cannot be decided.
    """

    allowed: bool
    code: str
    rule: str | None = None
    capped: bool = False
    missing: tuple[str, ...] = ()


NOTHING = Right(False, "not_entitled")


def capped(covering: Iterable[Permission], asked: Asked) -> Right | None:
    """Why one level of caps forbids it: one of them denies, or none is known to allow."""
    allows = False
    unknown: Right | None = None
    for cap in covering:
        holds, missing = cap.holds(asked)
        if cap.deny:
            if holds is not False:
                return Right(False, "denied_explicitly", cap.key, missing=missing)
        elif holds:
            allows = True
        elif holds is None and unknown is None:
            unknown = Right(False, "condition_unknown", cap.key, capped=True, missing=missing)
    if allows:
        return None
    return unknown if unknown is not None else Right(False, "not_entitled", capped=True)
