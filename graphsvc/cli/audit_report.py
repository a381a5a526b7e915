"""The audit report as text: Markdown for people, from figures that were folded from genuine records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphsvc.core.audit.report import MEASURES, Change, Report
from graphsvc.core.value import format_time

__all__ = ["Integrity", "as_markdown"]


@dataclass(frozen=True, slots=True)
class Integrity:
    """What the check of the store found before the report was made. problems: empty when the log is genuine."""

    origin: str
    size: int
    signed: int
    root: str
    key: str
    problems: tuple[str, ...]


def as_markdown(report: Report, integrity: Integrity, asked: tuple[str | None, str | None]) -> str:
    """The whole report. asked: the time asked for, RFC 3339, None for an open end."""
    lines = ["# Audit report", ""]
    start, end = asked[0] or "the beginning", asked[1] or "now"
    lines += [
        f"Of the log `{integrity.origin}`, from {start} to {end}: {report.records} records"
        + (f", {_at(report.first_ms)} to {_at(report.last_ms)}." if report.records else "."),
        "",
    ]
    lines += [
        *_integrity(integrity),
        *_decisions(report),
        *_stopped(report),
        *_reviews(report),
        *_changes("Rights given for a while, withdrawn and suspended", "rights", report.rights, report),
        *_changes("Policies and facts", "policies", report.policies, report),
        *_limits(),
    ]
    return "\n".join(lines) + "\n"


def _integrity(found: Integrity) -> list[str]:
    told = "Genuine: every record is as it was written." if not found.problems else "**NOT genuine.**"
    rows = {
        "records in the log": found.size,
        "of them signed": found.signed,
        "root at the last signature": f"`{found.root}`",
        "key": f"`{found.key}`",
    }
    return [
        *_chapter("Integrity", "integrity"), told, *(f"- {_cell(problem)}" for problem in found.problems), "",
        *_table(("figure", "value"), rows.items()),
    ]  # fmt: skip


def _decisions(report: Report) -> list[str]:
    rest = {
        "identities that acted": report.subjects,
        "answered PERMIT only because rules were observed, not enforced": report.observed,
        "cancelled by the caller": report.cancelled,
    }
    return [
        *_chapter("Decisions", "decisions"),
        *_table(("answer", "count"), report.verdicts.items()),
        *_table(("figure", "count"), rest.items()),
        *_named("reason against an action", report.reasons),
        *_named("pattern that was completed", report.patterns),
        *_named("severity", report.severities),
    ]


def _stopped(report: Report) -> list[str]:
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
    return [*_chapter("Harm that was one step away", "stopped"), *_listed(heads, rows, "stopped", report)]


def _reviews(report: Report) -> list[str]:
    lines = [*_chapter("Human review", "reviews"), *_named("outcome", report.reviews)]
    if report.review_wait_ms is not None:
        lines += [f"Half of the answers came within {report.review_wait_ms / 60_000:.1f} minutes.", ""]
    return [*lines, *_named("who answered", report.reviewers)]


def _changes(title: str, name: str, changes: Sequence[Change], report: Report) -> list[str]:
    rows = [(_at(each.at_ms), each.what, each.target, each.by, each.reason) for each in changes]
    heads = ("when", "what", "target", "by", "why")
    return [*_chapter(title, name), *_listed(heads, rows, name, report)]


def _limits() -> list[str]:
    return [
        "## What this report does not say",
        "",
        "It holds what enforcement points asked. Actions that nobody asked about are not in it, and an action that was",
        "permitted counts as done. Records without a signature can still be changed by whoever can write to the store.",
    ]


def _chapter(title: str, name: str) -> list[str]:
    return [f"## {title}", "", f"Evidence for article {MEASURES[name]}.", ""]


def _named(head: str, counts: Mapping[str, int]) -> list[str]:
    return _table((head, "count"), counts.items()) if counts else []


def _listed(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], name: str, report: Report) -> list[str]:
    if not rows:
        return ["None.", ""]
    left = report.left_out.get(name)
    more = [f"{left} older ones are left out; ask for a shorter time to see them.", ""] if left else []
    return [*_table(heads, rows), *more]


def _table(heads: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> list[str]:
    body = [f"| {' | '.join(_cell(part) for part in row)} |" for row in rows]
    return [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *body, ""] if body else []


def _cell(value: object) -> str:
    # Names come from callers: none may break the table or be read as markup.
    text = str(value).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(text.split())


def _at(at_ms: int | None) -> str:
    return format_time(at_ms) if at_ms is not None else ""
