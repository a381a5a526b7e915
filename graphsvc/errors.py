"""Every error that graphsvc raises on purpose, under one root with a stable code.

The text of an error starts in lower case, is one line, puts what the user wrote in backticks, and
names the place and the fix. `code` is what programs may rely on; the text may change.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "BadInput",
    "ClocksDiffer",
    "ClusterUnavailable",
    "Conflict",
    "GrantRefused",
    "GraphsvcError",
    "NotAllowed",
    "NotSupported",
    "OutOfTime",
    "Overloaded",
    "PolicyError",
    "SettingsError",
    "StoreAbsent",
    "StoreError",
    "StoreSwapped",
    "StoreTooNew",
    "StoreUnavailable",
]


class GraphsvcError(Exception):
    """The root: `code` is stable, `exit_code` is what the command line ends with."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 2


class BadInput(GraphsvcError):
    """What the caller sent is malformed; `field` names the place (a path such as `subject.id`)."""

    code = "invalid_request"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NotSupported(BadInput):
    """The input is well-formed, but this version cannot act on it; nothing was stored."""

    code = "not_supported"


class PolicyError(BadInput):
    """A policy file is refused; `line` and `column` count from 1, `rule` is the rejection's code."""

    code = "policy_invalid"

    def __init__(
        self,
        message: str,
        *,
        file: str = "<policy>",
        line: int = 1,
        column: int = 1,
        rule: str = "schema",
        field: str | None = None,
    ) -> None:
        super().__init__(f"{file}:{line}:{column}: {message} [{rule}]", field=field)
        self.file = file
        self.line = line
        self.column = column
        self.rule = rule
        self.reason = message


class NotAllowed(GraphsvcError):
    """The caller's token does not carry the right to ask this."""

    code = "not_allowed"


class Conflict(GraphsvcError):
    """The same idempotency key, id or name was used for something else before."""

    code = "conflict"


class GrantRefused(GraphsvcError):
    """The grant would let its holder complete a pattern; `completions` says which, as core values."""

    code = "grant_refused"
    exit_code = 1

    def __init__(self, message: str, completions: tuple[object, ...]) -> None:
        super().__init__(message)
        self.completions = completions


class Overloaded(GraphsvcError):
    """Too much is asked at once; the same call may succeed later."""

    code = "overloaded"
    exit_code = 3


class OutOfTime(GraphsvcError):
    """The time that was given is up, and what was found until then is no answer."""

    code = "out_of_time"
    exit_code = 3


class ClusterUnavailable(GraphsvcError):
    """A Kubernetes cluster cannot be read: not reached, not proven, or it lets us list nothing."""

    code = "cluster_unavailable"
    exit_code = 3


class SettingsError(GraphsvcError):
    """A setting is unknown, missing or contradicts another."""

    code = "settings_invalid"


class StoreError(GraphsvcError):
    """The store refused or is unusable until somebody acts."""

    code = "store_error"
    exit_code = 3


class StoreAbsent(StoreError):
    """The store was never made; what is read of it is nothing."""


class StoreOwned(StoreError):
    """Another process has the store; what it is told with is in `told`, without what to do."""

    def __init__(self, told: str, fix: str) -> None:
        super().__init__(f"{told}; {fix}")
        self.told = told


class StoreTooNew(StoreError):
    """The store was written by a newer version of graphsvc."""

    code = "store_too_new"


class StoreUnavailable(StoreError):
    """The store cannot be reached now; the same call may succeed later.

    outcome_unknown: True when a write may have been made nevertheless; look it up by its id
    before answering anybody.
    """

    code = "store_unavailable"

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class StoreSwapped(StoreUnavailable):
    """The store is not the one that was opened: it was restored or replaced. What was folded of it is worth nothing."""

    code = "store_swapped"


class ClocksDiffer(StoreUnavailable):
    """The store's clock and ours are too far apart for times to mean the same."""

    code = "clocks_differ"
