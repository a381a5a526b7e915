"""The audit report as a document for people, from figures that were folded from genuine records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphsvc.core.audit.figure import Change, Report
from graphsvc.core.audit.report import MEASURES
from graphsvc.core.value import format_time

__all__ = ["Chapter", "Integrity", "Table", "chapters"]

_NIS2 = (
    ("21(2)(a)", "risk analysis and security policies", "which policies were in force when, each with its hash; not the analysis behind them"),
    ("21(2)(b)", "incident handling", "actions that were stopped, suspensions and when they took effect; not how people handled the incident"),
    ("21(2)(c)", "business continuity", "nothing: see the records of backups and restores"),
    ("21(2)(d)", "supply chain security", "nothing"),
    ("21(2)(e)", "security in acquisition, development and maintenance", "nothing"),
    ("21(2)(f)", "whether measures are effective", "how often which rule decided; whether the log is genuine"),
    ("21(2)(g)", "cyber hygiene and training", "nothing"),
    ("21(2)(h)", "cryptography", "the log's signatures and keys; nothing of other systems"),
    ("21(2)(i)", "access control, human resources, assets", "who acted for whom, by which right and approval, and which rights were withdrawn; only where enforcement points ask"),
    ("21(2)(j)", "multi-factor and secured communication", "nothing"),
    ("23", "notification of significant incidents", "times and facts for the early warning (24 h) and the notification (72 h); whether an incident is significant is for people to decide"),
)  # fmt: skip


_LIMITS = (
    (
        "It holds what enforcement points asked. Actions that nobody asked about are not in it, and an action that was permitted "
        "counts as done. Records without a signature can still be changed by whoever can write to the store."
    ),
    (
        "Records name identities by their id and hold no argument values. `graphsvc export person` writes all that is kept of one "
        "person, `graphsvc erase` takes away who somebody is."
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Integrity:
    """What the check of the store found before the report was made. problems: empty when the log is genuine.

    removed: how many of the oldest records were cut off, and are not reported. erased: from how many a person's data
    was taken out, with a note signed by the log's key beside each.
    """

    origin: str
    size: int
    signed: int
    root: str
    key: str
    problems: tuple[str, ...]
    removed: int = 0
    erased: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of texts and numbers below their heads."""

    heads: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A title, and texts and tables in their order. level: 1 for the whole document."""

    title: str
    blocks: tuple[str | Table, ...]
    level: int = 2


def chapters(report: Report, integrity: Integrity, asked: tuple[str | None, str | None]) -> list[Chapter]:
    """The whole report. asked: the time asked for, RFC 3339, None for an open end."""
    start, end = asked[0] or "the beginning", asked[1] or "now"
    span = f", {_at(report.first_ms)} to {_at(report.last_ms)}." if report.records else "."
    told = f"Of the log {integrity.origin}, from {start} to {end}: {report.records} records{span}"
    return [
        Chapter("Audit report", (told,), level=1),
        _integrity(integrity),
        _decisions(report),
        _acts(report),
        _refused(report),
        _stopped(report),
        _reviews(report),
        _changes("Rights given for a while, withdrawn and suspended", "rights", report.rights, report),
        _effects(report),
        _changes("Policies, facts and accepted risks", "policies", report.policies, report),
        Chapter("Who read the audit log", _named("reading", report.reads) or ("Nobody.",)),
        Chapter(
            "What this is evidence for",
            (
                "Directive (EU) 2022/2555 (NIS2). The report is evidence for a part of these duties, and no statement that any is met.",
                Table(("article", "duty", "what this report shows, and what it does not"), _NIS2),
            ),
        ),
        Chapter("What this report does not say", _LIMITS),
    ]  # fmt: skip


def _integrity(found: Integrity) -> Chapter:
    told = "Genuine: every record is as it was written." if not found.problems else "NOT genuine."
    rows = (
        ("records in the log", found.size),
        ("of them cut off and archived, so not reported here", found.removed),
        ("of them signed", found.signed),
        ("of them with a person's data erased, each signed", found.erased),
        ("root at the last signature", found.root),
        ("key", found.key),
    )
    return _chapter("Integrity", "integrity", told, *found.problems, Table(("figure", "value"), rows))


def _decisions(report: Report) -> Chapter:
    rest = (
        ("identities that acted", report.subjects),
        ("answered PERMIT only because rules were observed, not enforced", report.observed),
        ("cancelled by the caller", report.cancelled),
    )
    return _chapter(
        "Decisions",
        "decisions",
        *_named("answer", report.verdicts),
        Table(("figure", "count"), rest),
        *_named("reason against an action", report.reasons),
        *_named("pattern that was completed", report.patterns),
        *_named("severity", report.severities),
    )


def _acts(report: Report) -> Chapter:
    rows = [
        (
            each.subject,
            " for ".join(each.on_behalf_of) or "itself",
            each.by,
            f"{each.permitted} / {each.denied} / {each.escalated}",
            ", ".join(each.actions),
            each.standing,
            ", ".join(each.grants),
            ", ".join(each.reviews),
        )
        for each in report.acts
    ]
    heads = (
        "who", "on behalf of", "asked by", "permitted / denied / escalated", "actions", "by a standing right",
        "by grants", "by approvals",
    )  # fmt: skip
    return _chapter("Who acted, for whom, by which right", "acts", *_listed(heads, rows, "acts", report))


def _refused(report: Report) -> Chapter:
    rows = [
        (
            _at(each.at_ms),
            " for ".join((each.subject, *each.on_behalf_of)),
            f"{each.action} {each.resource}",
            each.verdict if each.answered == each.verdict else f"{each.verdict}, only observed",
            ", ".join(each.rules),
            each.decision,
        )
        for each in report.refused
    ]
    heads = ("when", "who", "action", "answered", "because", "decision")
    return _chapter("Blocked and escalated actions", "refused", *_listed(heads, rows, "refused", report))


def _stopped(report: Report) -> Chapter:
    rows = [
        (
            _at(each.at_ms),
            each.subject,
            f"{each.action} {each.resource}",
            each.answered,
            ", ".join(each.patterns),
            " → ".join(each.path),
        )
        for each in report.stopped
    ]
    heads = ("when", "who", "action", "answered", "pattern", "path")
    return _chapter("Harm that was one step away", "stopped", *_listed(heads, rows, "stopped", report))


def _reviews(report: Report) -> Chapter:
    waited = report.review_wait_ms
    told = () if waited is None else (f"Half of the answers came within {waited / 60_000:.1f} minutes.",)
    return _chapter(
        "Human review", "reviews",
        *_named("outcome", report.reviews), *told, *_named("who answered", report.reviewers),
    )  # fmt: skip


def _effects(report: Report) -> Chapter:
    rows = [
        (
            _at(each.at_ms),
            f"{each.what} {each.target}",
            each.by,
            each.permitted_after,
            each.refused_after,
            "nobody tried" if each.first_refusal_ms is None else f"{each.first_refusal_ms / 1000:.3f} s",
        )
        for each in report.effects
    ]
    heads = ("when", "withdrawn", "by", "permitted afterwards", "refused afterwards", "first refusal after")
    told = (
        "A withdrawal takes effect at its place in the log: whatever stands behind it was judged with it. "
        "Anything but 0 under `permitted afterwards` has to be explained by a new right."
    )
    return _chapter("When withdrawals took effect", "effects", told, *_listed(heads, rows, "effects", report))


def _changes(title: str, name: str, changes: Sequence[Change], report: Report) -> Chapter:
    rows = [(_at(each.at_ms), each.what, each.target, each.by, each.reason) for each in changes]
    heads = ("when", "what", "target", "by", "why")
    return _chapter(title, name, *_listed(heads, rows, name, report))


def _chapter(title: str, name: str, *blocks: str | Table) -> Chapter:
    return Chapter(title, (f"Evidence for article {MEASURES[name]}.", *blocks))


def _named(head: str, counts: Mapping[str, int]) -> tuple[Table, ...]:
    return (Table((head, "count"), tuple(counts.items())),) if counts else ()


def _listed(
    heads: tuple[str, ...], rows: Iterable[tuple[object, ...]], name: str, report: Report
) -> tuple[str | Table, ...]:
    held = tuple(rows)
    if not held:
        return ("None.",)
    left = report.left_out.get(name)
    more = (f"{left} more are left out; ask for a shorter time to see them.",) if left else ()
    return (Table(heads, held), *more)


def _at(at_ms: int | None) -> str:
    return format_time(at_ms) if at_ms is not None else ""
