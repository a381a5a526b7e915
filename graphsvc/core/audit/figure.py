"""The shapes of an audit report: what was done, stopped and changed in a time."""

from __future__ import annotations

import msgspec

__all__ = ["Acted", "Change", "Effect", "Refused", "Report", "Stopped"]


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """An action that was refused or held because it would have completed a pattern. at_ms: Unix milliseconds."""

    at_ms: int
    decision: str
    subject: str
    action: str
    resource: str
    answered: str
    patterns: tuple[str, ...]
    path: tuple[str, ...]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """An action that rules denied or escalated. on_behalf_of: delegators, nearest first; answered: PERMIT while rules are only
    observed. rules: the code of each reason against it, and the rule, right or pattern that spoke.
    """

    at_ms: int
    decision: str
    subject: str
    on_behalf_of: tuple[str, ...]
    action: str
    resource: str
    verdict: str
    answered: str
    rules: tuple[str, ...]


class Acted(msgspec.Struct, frozen=True, kw_only=True):
    """What one identity did for another through one caller. by: the token subject that asked for it.

    on_behalf_of: delegators, nearest first. grants, reviews: situational rights and approvals that were relied on;
    standing: permitted actions that relied on neither.
    """

    subject: str
    on_behalf_of: tuple[str, ...]
    by: str
    permitted: int
    denied: int
    escalated: int
    standing: int
    actions: tuple[str, ...]
    grants: tuple[str, ...]
    reviews: tuple[str, ...]


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a withdrawal. permitted_after: permits by that right or of that identity behind it in the log; refused_after:
    refusals because of it; first_refusal_ms: after how long somebody tried, None if nobody did.
    """

    at_ms: int
    what: str
    target: str
    by: str
    reason: str
    permitted_after: int
    refused_after: int
    first_refusal_ms: int | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person or program changed. what: grant, revoke, suspend, reinstate, policy, graph, label."""

    at_ms: int
    what: str
    by: str
    target: str
    reason: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a time. Lists hold the newest 200; `left_out` says of which how many more there are.

    reasons, patterns: how often each decided an answer that was not PERMIT. review_wait_ms: median time from escalation
    to answer, None without answers.
    """

    records: int
    first_ms: int | None
    last_ms: int | None
    verdicts: dict[str, int]
    reasons: dict[str, int]
    patterns: dict[str, int]
    severities: dict[str, int]
    subjects: int
    observed: int
    cancelled: int
    stopped: tuple[Stopped, ...]
    refused: tuple[Refused, ...]
    reviews: dict[str, int]
    review_wait_ms: int | None
    reviewers: dict[str, int]
    rights: tuple[Change, ...]
    policies: tuple[Change, ...]
    acts: tuple[Acted, ...]
    effects: tuple[Effect, ...]
    reads: dict[str, int]
    left_out: dict[str, int]
