"""A pattern in force."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.scalar import DateTime
from graphsvc.core.record import PolicyPublished
from graphsvc.decide.command import PatternView

__all__ = ["Pattern", "PolicyVersion"]


@strawberry.type(description="A pattern in force.")
class Pattern:
    """A pattern in force."""

    id: strawberry.ID
    title: str
    severity: str
    on_match: str
    pack: str
    version: str
    scope: str
    steps: list[str]

    @staticmethod
    def of(view: PatternView) -> Pattern:
        """From the use case's view."""
        return Pattern(
            id=strawberry.ID(view.id),
            title=view.title,
            severity=view.severity,
            on_match=view.on_match,
            pack=view.pack,
            version=view.version,
            scope=view.scope,
            steps=list(view.steps),
        )


@strawberry.type(description="One publication of a pack.")
class PolicyVersion:
    """One publication of a pack. text: as published, from a file of that name. sha256: of the text."""

    pack: str
    version: str
    sha256: str
    published_at: DateTime
    published_by: str
    comment: str
    in_force: bool
    file: str
    text: str

    @staticmethod
    def of(record: PolicyPublished, *, in_force: bool) -> PolicyVersion:
        """From the record."""
        return PolicyVersion(
            pack=record.pack,
            version=record.version,
            sha256=record.sha256,
            published_at=DateTime(record.at_ms),
            published_by=record.by,
            comment=record.comment,
            in_force=in_force,
            file=record.file,
            text=record.text,
        )
