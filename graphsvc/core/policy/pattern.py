"""Patterns of risky paths as written in a policy file, with the defaults of rule R25 as properties."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from graphsvc.core.policy.condition import EventCondition
from graphsvc.core.policy.protection import Level
from graphsvc.core.policy.scalar import (
    DurationMs,
    Identifier,
    KeyExpression,
    Many,
    Model,
    Name,
    Text,
    exactly,
)

__all__ = [
    "Count",
    "Guard",
    "Pattern",
    "ReachPattern",
    "Relation",
    "Reset",
    "Right",
    "RightsGain",
    "RightsPattern",
    "Sanitizer",
    "Scope",
    "Step",
]

Scope: TypeAlias = Literal["session", "principal", "data"]
Relation: TypeAlias = Literal["flow", "causal", "log"]
By: TypeAlias = Literal["same", "other", "anyone"]


class Step(EventCondition):
    """One event of the path; `then` names the step it leads to, None makes it a top."""

    then: Name | None = None


class Guard(EventCondition):
    """G1, `unless`: an earlier event that makes the completion harmless (rule R14).

    within_ms: how long it stays good, None = ever. by: None = the default, see `Pattern.guard_by`.
    """

    within_ms: DurationMs | None = Field(default=None, alias="within")
    by: By | None = None


class Sanitizer(EventCondition):
    """G2, `sanitized_by`: an event that cuts the flow paths through it (rule R15).

    removes: the labels it takes away; `()` = every one, so it cuts every subtree.
    """

    removes: Many[Text] = ()


class Reset(EventCondition):
    """G3, `without`: an event that cuts one tree edge when it lies between its ends (rule R16)."""

    between: Annotated[
        tuple[Name, Name],
        BeforeValidator(
            exactly(2, "two steps, the earlier and the one it leads to,"),
            json_schema_input_type=Annotated[list[Name], Field(min_length=2, max_length=2)],
        ),
    ]


class Count(Model):
    """Completes when more than `more_than` events match `step` inside the window (rule R17).

    distinct: count different values of this expression; None counts every event.
    """

    step: EventCondition
    distinct: KeyExpression | None = None
    more_than: Annotated[int, Field(ge=0, le=1_000_000)]


class Right(Model):
    """Holding one of the rights `right` (globs) on `on`: a glob, a `$variable`, or None = anything.

    given: keys of conditions whose values the use in this combination fixes, such as the service that a role is passed to.
    """

    right: Many[Text]
    on: Text | None = None
    given: Annotated[dict[Text, Text], Field(default_factory=dict)]


class RightsGain(Model):
    """What holding the combination brings: an identity to assume, a right on something, or everything."""

    assume: Text | None = None
    right: Text | None = None
    on: Text | None = None
    admin: bool = False

    @model_validator(mode="after")
    def _is_one_gain(self) -> RightsGain:
        if (self.assume is not None) + (self.right is not None) + self.admin != 1:
            raise ValueError("a gain is exactly one of `assume`, `right` (with `on`) or `admin: true`")
        if self.on is not None and self.right is None:
            raise ValueError("`on` says where a `right` is gained; add `right` or remove `on`")
        return self


class RightsPattern(Model):
    """Rights that together give more than each alone; `where` constrains their variables."""

    all_of: Many[Right]
    where: Text | None = None
    gives: RightsGain | None = None


class ReachPattern(Model):
    """Coming nearer than `nearer_than` hops to a resource of the tier."""

    tier: Text
    nearer_than: Annotated[int, Field(ge=1, le=64)]


class Pattern(Model):
    """One risky path. Exactly one of `steps`, `count`, `rights` and `reach` is given (see `check`).

    Fields hold what was written; `effective_*` and `guard_by` apply the defaults of rule R25.
    """

    id: Identifier
    title: str = ""
    description: str = ""
    references: Many[Text] = ()
    severity: Literal["low", "medium", "high", "critical"] = "medium"
    harm: Identifier | None = None
    on_match: Literal["deny", "escalate", "monitor"] = "escalate"
    levels: Many[Level] = ()
    scope: Scope = "session"
    principal: Literal["actor", "root", "any"] = "root"
    relation: Relation | None = None
    within_ms: DurationMs | None = Field(default=None, alias="within")
    steps: Mapping[Name, Step] = Field(default_factory=dict)
    count: Count | None = None
    rights: RightsPattern | None = None
    reach: ReachPattern | None = None
    unless: Many[Guard] = ()
    sanitized_by: Many[Sanitizer] = ()
    without: Many[Reset] = ()
    distinct: Many[Name] = ()

    @property
    def kind(self) -> Literal["steps", "count", "rights", "reach"]:
        """Which of the four forms this is; meaningful once `check` found nothing."""
        if self.count is not None:
            return "count"
        if self.rights is not None:
            return "rights"
        return "reach" if self.reach is not None else "steps"

    @property
    def effective_title(self) -> str:
        """The title, or the id where none was given."""
        return self.title or self.id

    @property
    def effective_harm(self) -> str:
        """The class of harm for the score; a pattern without one is a class of its own."""
        return self.harm or self.id

    @property
    def effective_relation(self) -> Relation:
        """`relation`, else `log` in principal scope and `causal` elsewhere (rule R25)."""
        return self.relation or ("log" if self.scope == "principal" else "causal")

    def guard_by(self, guard: Guard) -> By:
        """`by`, else `same` in session scope and `other` elsewhere: nobody approves themselves (rule R14)."""
        return guard.by or ("same" if self.scope == "session" else "other")

    @property
    def tops(self) -> tuple[str, ...]:
        """The steps that lead nowhere, in file order: each of them must have happened."""
        return tuple(name for name, step in self.steps.items() if step.then is None)
