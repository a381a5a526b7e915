"""Findings as people work with them: combinations grouped and ranked, with owners, due dates and accepted risks.

A finding is one rule held in one way: identities that hold it by the same permissions, and gain the same, are one. Its
fingerprint is made of the rule and of that way, so it stays the same while others come and go; a baseline is a list of
fingerprints with the identities each had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from hashlib import sha256

from graphsvc.core.ruleset import Ruleset
from graphsvc.core.verdict import SEVERITIES
from graphsvc.explore.combination import Combination
from graphsvc.explore.register import Agreed, Entry

__all__ = ["Baseline", "Finding", "Status", "findings"]

# By fingerprint the identities that were known to have it.
Baseline = Mapping[str, Sequence[str]]


class Status(StrEnum):
    """What became of a finding. overdue: its day is over; accepted: somebody answers for the risk, until a day."""

    open = "open"
    overdue = "overdue"
    accepted = "accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """identities: all that hold it alike, sorted; fresh: those that a baseline does not know. combination: of the first.

    accepted_until: past days are kept, so that people see what has lapsed. entries: of the service's register, that hold for it.
    """

    fingerprint: str
    pattern: str
    title: str
    severity: str
    certainty: str
    gives: str
    identities: tuple[str, ...]
    fresh: tuple[str, ...]
    status: Status
    owner: str
    due: date | None
    accepted_until: date | None
    reason: str
    accepted_by: str
    entries: tuple[str, ...]
    pack: str
    version: str
    data_date: str
    combination: Combination

    @property
    def is_new(self) -> bool:
        """True when a baseline was given that lacks it or some of its identities."""
        return bool(self.fresh)


def findings(
    found: Iterable[Combination],
    ruleset: Ruleset,
    *,
    register: Sequence[Entry] = (),
    stored: Sequence[Entry] = (),
    baseline: Baseline | None = None,
    today: date,
) -> list[Finding]:
    """Grouped, the gravest first: by severity, certainty, what is gained, how many hold it.

    register: a reader's own entries, which count before those that are stored.
    """
    agreed = Agreed(register, stored, today)
    groups: dict[tuple[str, Entry | None], list[Combination]] = {}
    for each in found:
        mark = fingerprint(each)
        groups.setdefault((mark, agreed.about(each.pattern, each.identity, mark)), []).append(each)
    dates = {policy.pack.id: policy.pack.data_date for policy in ruleset.policies}
    made = [
        _finding(mark, entry, members, ruleset, dates, baseline, today)
        for (mark, entry), members in groups.items()
    ]
    return sorted(made, key=_rank)


def fingerprint(found: Combination) -> str:
    """Of the rule, what is gained, and the way each right is held; inline policies count by their names."""
    parts = [found.pattern, found.certainty, found.gives or "", *found.values]
    for held in found.permissions:
        permission = (held.permission or "").replace(found.identity, "~")
        steps = [(kind, end.replace(found.identity, "~")) for kind, _, end in held.via]
        parts += [held.right, held.on or "", permission, *(f"{kind}>{end}" for kind, end in steps)]
    # Oneself is another for everybody, and yet the same finding.
    text = "\n".join(part.replace(found.identity, "~") for part in parts)
    return sha256(text.encode()).hexdigest()[:16]


def _finding(
    mark: str,
    entry: Entry | None,
    members: list[Combination],
    ruleset: Ruleset,
    dates: Mapping[str, str],
    baseline: Baseline | None,
    today: date,
) -> Finding:
    first = min(members, key=lambda each: each.identity)
    identities = tuple(sorted({each.identity for each in members}))
    known = set(baseline.get(mark, ())) if baseline is not None else set(identities)
    compiled = ruleset.by_id[first.pattern]
    entry = entry or Entry()
    status = Status.open
    if entry.accepts(today):
        status = Status.accepted
    elif entry.due is not None and today > entry.due:
        status = Status.overdue
    return Finding(
        fingerprint=mark,
        pattern=first.pattern,
        title=first.title,
        severity=first.severity,
        certainty=first.certainty,
        gives=_gives(first),
        identities=identities,
        fresh=tuple(each for each in identities if each not in known),
        status=status,
        owner=entry.owner,
        due=entry.due,
        accepted_until=entry.accepted_until,
        reason=entry.reason,
        accepted_by=entry.accepted_by,
        entries=entry.ids,
        pack=compiled.pack,
        version=compiled.version,
        data_date=dates.get(compiled.pack, ""),
        combination=first,
    )


def _gives(found: Combination) -> str:
    if found.gives is None:
        return ""
    if not found.values:
        return found.gives
    more = f" and {len(found.values) - 1} more" if len(found.values) > 1 else ""
    return f"{found.gives} {found.values[0]}{more}"


def _rank(found: Finding) -> tuple[int, bool, int, int, str, str]:
    gain = ("admin", "assume", "right").index(word) if (word := found.gives.partition(" ")[0]) in ("admin", "assume", "right") else 3  # fmt: skip
    grave = -SEVERITIES.index(found.severity)
    return grave, found.certainty != "yes", gain, -len(found.identities), found.pattern, found.fingerprint
