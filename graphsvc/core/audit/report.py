"""What the audit log says of a time: figures for an auditor, folded from audit lines alone.

The chapters follow article 21(2) of Directive (EU) 2022/2555 (NIS2): each figure is evidence for a measure that the
article asks for, not the measure itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sized
from typing import Any

import msgspec

__all__ = ["MEASURES", "Change", "Report", "Stopped", "Summary"]

_MAX_LISTED = 200

# Which chapter is evidence for what; letters are those of article 21(2).
MEASURES: dict[str, str] = {
    "decisions": "21(2)(i): access control policies; 21(2)(f): whether measures are effective",
    "stopped": "21(2)(b): incident handling; a basis for notifications under article 23",
    "reviews": "21(2)(i): human oversight of risky actions",
    "rights": "21(2)(i): access rights for a while, and their withdrawal",
    "policies": "21(2)(a): risk analysis and security policies, each version with its hash",
    "integrity": "21(2)(f): evidence whose changes are found; 21(2)(h): use of cryptography",
}


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
    reviews: dict[str, int]
    review_wait_ms: int | None
    reviewers: dict[str, int]
    rights: tuple[Change, ...]
    policies: tuple[Change, ...]
    left_out: dict[str, int]


class Summary:
    """Folds audit lines, in order, into a report."""

    def __init__(self) -> None:
        self._records = 0
        self._first_ms: int | None = None
        self._last_ms: int | None = None
        self._counts: dict[str, Counter[str]] = {
            name: Counter()
            for name in ("verdicts", "reasons", "patterns", "severities", "reviews", "reviewers")
        }
        self._subjects: set[str] = set()
        self._observed = 0
        self._cancelled = 0
        self._escalated: dict[str, int] = {}
        self._waits: list[int] = []
        self._stopped: list[Stopped] = []
        self._rights: list[Change] = []
        self._policies: list[Change] = []

    def add(self, line: Mapping[str, Any]) -> None:
        """One parsed audit line."""
        at_ms = int(line["at_ms"])
        self._records += 1
        self._first_ms = at_ms if self._first_ms is None else self._first_ms
        self._last_ms = at_ms
        kind = line["kind"]
        if kind == "decided":
            self._decided(line, at_ms)
        elif kind in {"approved", "rejected"}:
            self._reviewed(line, at_ms)
        elif kind == "cancelled":
            self._cancelled += 1
        elif kind in _CHANGES:
            what, target = _CHANGES[kind]
            change = Change(
                at_ms=at_ms,
                what=what,
                by=line.get("by") or "",
                target=" ".join(str(line[name]) for name in target if line[name] is not None),
                reason=line.get("reason") or line.get("purpose") or line.get("comment") or "",
            )
            (self._policies if what in {"policy", "graph", "label"} else self._rights).append(change)

    def report(self) -> Report:
        """What was folded so far."""
        waits = sorted(self._waits)
        lists: dict[str, Sized] = {
            "stopped": self._stopped,
            "rights": self._rights,
            "policies": self._policies,
        }
        reviews = dict(self._counts["reviews"])
        if self._escalated:
            reviews["unanswered"] = len(self._escalated)
        return Report(
            records=self._records,
            first_ms=self._first_ms,
            last_ms=self._last_ms,
            verdicts=_ranked(self._counts["verdicts"]),
            reasons=_ranked(self._counts["reasons"]),
            patterns=_ranked(self._counts["patterns"]),
            severities=_ranked(self._counts["severities"]),
            subjects=len(self._subjects),
            observed=self._observed,
            cancelled=self._cancelled,
            stopped=tuple(self._stopped[-_MAX_LISTED:]),
            reviews=reviews,
            review_wait_ms=waits[len(waits) // 2] if waits else None,
            reviewers=_ranked(self._counts["reviewers"]),
            rights=tuple(self._rights[-_MAX_LISTED:]),
            policies=tuple(self._policies[-_MAX_LISTED:]),
            left_out={
                name: len(rows) - _MAX_LISTED for name, rows in lists.items() if len(rows) > _MAX_LISTED
            },
        )

    def _decided(self, line: Mapping[str, Any], at_ms: int) -> None:
        answered, verdict = line["answered"], line["verdict"]
        self._counts["verdicts"][answered] += 1
        self._observed += answered != verdict
        self._subjects.add(line["subject"]["id"])
        if verdict == "PERMIT":
            return
        for code in {each["code"] for each in line["reasons"] if each["verdict"] != "PERMIT"}:
            self._counts["reasons"][code] += 1
        if answered == "ESCALATE":
            self._escalated[line["decision"]] = at_ms
        if not line["completions"]:
            return
        for name in {each["pattern"] for each in line["completions"]}:
            self._counts["patterns"][name] += 1
        for severity in {each["severity"] for each in line["completions"]}:
            self._counts["severities"][severity] += 1
        self._stopped.append(
            Stopped(
                at_ms=at_ms,
                decision=line["decision"],
                subject=line["subject"]["id"],
                action=line["action"],
                resource=f"{line['resource']['type']}:{line['resource']['id']}",
                answered=answered,
                patterns=tuple(each["pattern"] for each in line["completions"]),
                path=tuple(
                    f"{step['subject']} {step['action']} {step['resource']}"
                    for step in line["completions"][0]["path"]
                ),
            )
        )

    def _reviewed(self, line: Mapping[str, Any], at_ms: int) -> None:
        self._counts["reviews"][line["kind"]] += 1
        self._counts["reviewers"][line["person"]["id"]] += 1
        asked_ms = self._escalated.pop(line["decision"], None)
        if asked_ms is not None:
            self._waits.append(at_ms - asked_ms)


# By kind of line: what it is called, and the fields that say what it was done to.
_CHANGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "granted": ("grant", ("grant", "identity")),
    "revoked": ("revoke", ("grant",)),
    "suspended": ("suspend", ("target_kind", "target")),
    "reinstated": ("reinstate", ("target_kind", "target")),
    "policy_published": ("policy", ("pack", "version", "sha256")),
    "graph_committed": ("graph", ("source",)),
    "source_removed": ("graph", ("source",)),
    "relabelled": ("label", ("resource",)),
}


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
