"""Findings as people work with them: grouped combinations with who answers for each, by when, and what was accepted until when."""

from __future__ import annotations

from datetime import date
from enum import Enum

import strawberry

from graphsvc.api.schema.exploration import Combination, Finding, stamp
from graphsvc.api.schema.node import Edge, PageInfo
from graphsvc.api.schema.scalar import prefixed
from graphsvc.decide.exploring import Explored
from graphsvc.errors import BadInput
from graphsvc.explore import finding
from graphsvc.explore.register import Entry

__all__ = ["FindingEntryInput", "FindingFilter", "RiskFinding", "RiskFindings", "entries"]


@strawberry.enum(description="What became of a finding.")
class FindingStatus(Enum):
    """As `Status` of findings."""

    OPEN = "open"
    OVERDUE = "overdue"
    ACCEPTED = "accepted"


@strawberry.input(
    description="What is agreed about findings of some patterns on some identities (globs); the first that fits counts."
)
class FindingEntryInput:
    """Days as 2026-12-31; acceptedUntil needs acceptedBy and reason."""

    pattern: str = "*"
    identity: str = "*"
    fingerprint: str | None = None
    owner: str = ""
    due: date | None = None
    accepted_until: date | None = None
    accepted_by: str = ""
    reason: str = ""


@strawberry.input(description="Which findings are wanted; all that is given must fit.")
class FindingFilter:
    """Which findings are wanted."""

    pattern: strawberry.ID | None = None
    identity: strawberry.ID | None = None
    severity: str | None = None
    certainty: str | None = None
    status: FindingStatus | None = None
    owner: str | None = None

    def takes(self, found: finding.Finding) -> bool:
        """Whether a finding is wanted."""
        identity = None if self.identity is None else str(self.identity).removeprefix("identity:")
        wanted = {
            "pattern": self.pattern, "severity": self.severity, "certainty": self.certainty,
            "status": self.status and finding.Status(self.status.value), "owner": self.owner,
        }  # fmt: skip
        return (identity is None or identity in found.identities) and all(
            value is None or getattr(found, name) == value for name, value in wanted.items()
        )


@strawberry.type(description="One rule held in one way by some identities, with who answers for it.")
class RiskFinding:
    """The fingerprint stays while identities come and go. acceptedUntil: a past day is kept, so that people see what has lapsed.

    entries: of the register, that hold for it.
    """

    fingerprint: strawberry.ID
    pattern: strawberry.ID
    title: str
    severity: str
    certainty: str
    gives: str
    identities: list[strawberry.ID]
    status: FindingStatus
    owner: str
    due: date | None
    accepted_until: date | None
    reason: str
    accepted_by: str
    entries: list[strawberry.ID]
    pack: str
    version: str
    data_date: str
    example: Combination

    @staticmethod
    def of(found: finding.Finding) -> RiskFinding:
        """From the answer."""
        return RiskFinding(
            fingerprint=strawberry.ID(found.fingerprint),
            pattern=strawberry.ID(found.pattern),
            title=found.title,
            severity=found.severity,
            certainty=found.certainty,
            gives=found.gives,
            identities=[prefixed("identity", each) for each in found.identities],
            status=FindingStatus(found.status.value),
            owner=found.owner,
            due=found.due,
            accepted_until=found.accepted_until,
            reason=found.reason,
            accepted_by=found.accepted_by,
            entries=[prefixed("entry", each) for each in found.entries],
            pack=found.pack,
            version=found.version,
            data_date=found.data_date,
            example=Combination.of(found.combination),
        )


@strawberry.type(description="Findings, the gravest first; a page of them.")
class RiskFindings(Finding):
    """A page. totalCount: of all that are wanted."""

    edges: list[Edge[RiskFinding]]
    page_info: PageInfo
    total_count: int

    @staticmethod
    def of(
        answer: Explored[list[finding.Finding]], edges: list[Edge[RiskFinding]], info: PageInfo, total: int
    ) -> RiskFindings:
        """From the answer."""
        return RiskFindings(**stamp(answer), edges=edges, page_info=info, total_count=total)


def entries(given: list[FindingEntryInput] | None) -> list[Entry]:
    """A caller's register; BadInput where nobody answers for an accepted risk."""
    made = []
    for number, each in enumerate(given or ()):
        if each.accepted_until is not None and not (each.accepted_by and each.reason):
            field = f"register[{number}]"
            raise BadInput(
                f"{field}: acceptedUntil needs acceptedBy and reason: somebody answers for a risk",
                field=field,
            )
        made.append(
            Entry(
                pattern=each.pattern, identity=each.identity, fingerprint=each.fingerprint, owner=each.owner, due=each.due,
                accepted_until=each.accepted_until, accepted_by=each.accepted_by, reason=each.reason,
            )
        )  # fmt: skip
    return made
