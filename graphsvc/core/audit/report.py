"""What the audit log says of a time: figures for an auditor, folded from audit lines alone.

The chapters follow article 21(2) of Directive (EU) 2022/2555 (NIS2): each figure is evidence for a measure that the
article asks for, not the measure itself.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping, Sized
from typing import Any

from graphsvc.core.audit.figure import Acted, Change, Effect, Refused, Report, Stopped
from graphsvc.core.glob import matcher

__all__ = ["MEASURES", "Summary"]

_MAX_LISTED = 200
_MAX_NAMED = 20

# Which chapter is evidence for what; letters are those of article 21(2).
MEASURES: dict[str, str] = {
    "decisions": "21(2)(i): access control policies; 21(2)(f): whether measures are effective",
    "stopped": "21(2)(b): incident handling; a basis for notifications under article 23",
    "refused": "21(2)(b): incident handling; 21(2)(i): access control that acts",
    "acts": "21(2)(i): access control, for machine identities and on whose behalf they act",
    "effects": "21(2)(i): withdrawal of rights; 21(2)(b): containment of incidents, article 23: when it took effect",
    "reviews": "21(2)(i): human oversight of risky actions",
    "rights": "21(2)(i): access rights for a while, and their withdrawal",
    "policies": "21(2)(a): risk analysis and security policies, each version with its hash",
    "integrity": "21(2)(f): evidence whose changes are found; 21(2)(h): use of cryptography",
}


class Summary:
    """Folds audit lines, in order, into a report."""

    def __init__(self) -> None:
        self._records = 0
        self._first_ms: int | None = None
        self._last_ms: int | None = None
        self._counts: dict[str, Counter[str]] = {
            name: Counter()
            for name in ("verdicts", "reasons", "patterns", "severities", "reviews", "reviewers", "reads")
        }
        self._subjects: set[str] = set()
        self._observed = 0
        self._cancelled = 0
        self._escalated: dict[str, int] = {}
        self._waits: list[int] = []
        self._stopped: list[Stopped] = []
        # Most of a busy log may be refusals, so only what is listed is kept.
        self._refused: deque[Refused] = deque(maxlen=_MAX_LISTED)
        self._refusals = 0
        self._rights: list[Change] = []
        self._policies: list[Change] = []
        self._acts: dict[tuple[str, tuple[str, ...], str], _Acts] = {}
        self._withdrawn: list[_Withdrawn] = []
        self._open: dict[tuple[str, str], _Withdrawn] = {}
        self._given: dict[str, Callable[[tuple[str, tuple[str, ...], str], str], bool]] = {}

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
        elif kind == "audit_read":
            self._counts["reads"][f"{line['what']} by {line['by'] or 'nobody'}"] += 1
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
            self._follow(kind, line, change)
            (self._policies if what in {"policy", "graph", "label"} else self._rights).append(change)
        elif kind in {"finding_registered", "finding_released"}:
            self._policies.append(_agreed(line, at_ms))

    def report(self) -> Report:
        """What was folded so far."""
        waits = sorted(self._waits)
        lists: dict[str, Sized] = {
            "stopped": self._stopped,
            "refused": range(self._refusals),
            "rights": self._rights,
            "policies": self._policies,
            "acts": self._acts,
            "effects": self._withdrawn,
        }
        acts = sorted(self._acts.items(), key=lambda item: (-sum(item[1].answers.values()), item[0]))
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
            refused=tuple(self._refused),
            reviews=reviews,
            review_wait_ms=waits[len(waits) // 2] if waits else None,
            reviewers=_ranked(self._counts["reviewers"]),
            rights=tuple(self._rights[-_MAX_LISTED:]),
            policies=tuple(self._policies[-_MAX_LISTED:]),
            acts=tuple(each.told(*who) for who, each in acts[:_MAX_LISTED]),
            effects=tuple(each.told() for each in self._withdrawn[-_MAX_LISTED:]),
            reads=_ranked(self._counts["reads"]),
            left_out={
                name: len(rows) - _MAX_LISTED for name, rows in lists.items() if len(rows) > _MAX_LISTED
            },
        )

    def _decided(self, line: Mapping[str, Any], at_ms: int) -> None:
        answered, verdict = line["answered"], line["verdict"]
        self._counts["verdicts"][answered] += 1
        self._observed += answered != verdict
        self._subjects.add(line["subject"]["id"])
        self._act(line, answered, at_ms)
        if verdict == "PERMIT":
            return
        against = [each for each in line["reasons"] if each["verdict"] != "PERMIT"]
        for code in {each["code"] for each in against}:
            self._counts["reasons"][code] += 1
        self._refusals += 1
        self._refused.append(
            Refused(
                at_ms=at_ms,
                decision=line["decision"],
                subject=line["subject"]["id"],
                on_behalf_of=tuple(each["id"] for each in line["on_behalf_of"]),
                action=line["action"],
                resource=f"{line['resource']['type']}:{line['resource']['id']}",
                verdict=verdict,
                answered=answered,
                rules=tuple(f"{each['code']} {each.get('rule') or ''}".rstrip() for each in against),
            )
        )
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

    def _act(self, line: Mapping[str, Any], answered: str, at_ms: int) -> None:
        who = (
            line["subject"]["id"],
            tuple(each["id"] for each in line["on_behalf_of"]),
            line["by"],
        )
        self._acts.setdefault(who, _Acts()).add(line, answered)
        if not self._open:
            return
        ended = [
            name for name, each in self._open.items() if each.until_ms is not None and at_ms >= each.until_ms
        ]
        for name in ended:
            del self._open[name]
        parties = {("identity", each) for each in (who[0], *who[1])}
        if answered == "PERMIT":
            for name in parties | {("grant", each) for each in line["grants"]}:
                if name in self._open:
                    self._open[name].permitted += 1
            return
        codes = {each["code"] for each in line["reasons"]}
        refused = parties if "subject_suspended" in codes else set()
        if codes & {"not_entitled", "grant_expired"}:
            # Of a grant that is gone a refusal says nothing: what it would have covered is known from the grant.
            refused = refused | {
                ("grant", grant)
                for kind, grant in self._open
                if kind == "grant" and grant in self._given and self._given[grant](who, line["action"])
            }
        for name in refused & self._open.keys():
            self._open[name].refuse(at_ms)

    def _follow(self, kind: str, line: Mapping[str, Any], change: Change) -> None:
        if kind == "granted":
            self._given[line["grant"]] = _covering(line["identity"], matcher(tuple(line["actions"])))
            return
        if kind == "revoked":
            name = ("grant", line["grant"])
        elif kind == "suspended" and line["target_kind"] == "identity":
            name = ("identity", line["target"])
        elif kind == "reinstated" and line["target_kind"] == "identity":
            self._open.pop(("identity", line["target"]), None)
            return
        else:
            return
        self._open[name] = withdrawn = _Withdrawn(change, line.get("until_ms"))
        self._withdrawn.append(withdrawn)

    def _reviewed(self, line: Mapping[str, Any], at_ms: int) -> None:
        self._counts["reviews"][line["kind"]] += 1
        self._counts["reviewers"][line["person"]["id"]] += 1
        asked_ms = self._escalated.pop(line["decision"], None)
        if asked_ms is not None:
            self._waits.append(at_ms - asked_ms)


def _agreed(line: Mapping[str, Any], at_ms: int) -> Change:
    """What was agreed about findings, or taken back."""
    if line["kind"] == "finding_released":
        what, target = "register", f"{line['entry']} withdrawn"
    else:
        about = line["fingerprint"] or line["pattern"]
        on = "" if line["identity"] == "*" else f" on {line['identity']}"
        what = "finding assigned" if line["accepted_until"] is None else "risk accepted"
        end = line["accepted_until"] or line["due"]
        owner = f" to {line['owner']}" if line["owner"] else ""
        target = f"{about}{on}{owner}" + (f" until {end}" if end else "") + f" ({line['entry']})"
    return Change(at_ms=at_ms, what=what, by=line["by"] or "", target=target, reason=line["reason"] or "")


def _covering(
    identity: str, covers: Callable[[str], bool]
) -> Callable[[tuple[str, tuple[str, ...], str], str], bool]:
    return lambda who, action: identity in (who[0], *who[1]) and covers(action)


class _Acts:
    """Counts of one identity, for whom, by whom."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.standing = 0
        self.actions: set[str] = set()
        self.grants: set[str] = set()
        self.reviews: set[str] = set()

    def add(self, line: Mapping[str, Any], answered: str) -> None:
        self.answers[answered] += 1
        self.actions.add(line["action"])
        if answered == "PERMIT":
            self.grants.update(line["grants"])
            self.reviews.update([line["review"]] if line["review"] else ())
            self.standing += not line["grants"] and not line["review"]

    def told(self, subject: str, on_behalf_of: tuple[str, ...], by: str) -> Acted:
        return Acted(
            subject=subject,
            on_behalf_of=on_behalf_of,
            by=by,
            permitted=self.answers["PERMIT"],
            denied=self.answers["DENY"],
            escalated=self.answers["ESCALATE"],
            standing=self.standing,
            actions=tuple(sorted(self.actions)[:_MAX_NAMED]),
            grants=tuple(sorted(self.grants)[:_MAX_NAMED]),
            reviews=tuple(sorted(self.reviews)[:_MAX_NAMED]),
        )


class _Withdrawn:
    """What follows a withdrawal."""

    def __init__(self, change: Change, until_ms: int | None) -> None:
        self._change = change
        self.until_ms = until_ms
        self.permitted = 0
        self._refused = 0
        self._first_ms: int | None = None

    def refuse(self, at_ms: int) -> None:
        self._refused += 1
        if self._first_ms is None:
            self._first_ms = at_ms - self._change.at_ms

    def told(self) -> Effect:
        change = self._change
        return Effect(
            at_ms=change.at_ms,
            what=change.what,
            target=change.target,
            by=change.by,
            reason=change.reason,
            permitted_after=self.permitted,
            refused_after=self._refused,
            first_refusal_ms=self._first_ms,
        )


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
