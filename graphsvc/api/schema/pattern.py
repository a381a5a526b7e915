"""A pattern in force."""

from __future__ import annotations

import strawberry

from graphsvc.decide.command import PatternView

__all__ = ["Pattern"]


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
