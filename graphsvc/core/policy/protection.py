"""Protection that differs: levels for some, routes and limits of reviews, and who may break the glass."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from graphsvc.core.policy.condition import ResourceCondition, SubjectCondition
from graphsvc.core.policy.scalar import DurationMs, Effect, Many, Model, Text

__all__ = ["WAIVABLE", "BreakGlass", "Level", "OnMatch", "ReviewCap", "ReviewRoute", "Waivable"]

OnMatch = Literal["deny", "escalate", "monitor"]
Waivable = Literal[
    "not_entitled",
    "not_delegated",
    "grant_expired",
    "outside_intent",
    "pattern_completed",
    "provenance",
    "key_missing",
    "risk_threshold",
]
WAIVABLE: tuple[Waivable, ...] = ("not_entitled", "outside_intent", "pattern_completed", "risk_threshold")


class Which(Model):
    """Which actions: each given part holds; globs; lists mean any-of; `()` = not asked."""

    action: Many[Text] = ()
    effects: Many[Effect] = ()
    subject: SubjectCondition | None = None
    resource: ResourceCondition | None = None


class Level(Which):
    """What becomes of a completion by some actions. Of several entries the first that fits counts."""

    on_match: OnMatch


class ReviewRoute(Which):
    """Who answers the reviews of some actions. Of several entries the first that fits counts.

    patterns: globs of rules that escalated, `()` = any. approvers: who may answer, None = every approver.
    deputies: who may besides, once it has waited `after_ms`. not_owner: never whoever published the rule.
    """

    patterns: Many[Text] = ()
    approvers: SubjectCondition | None = None
    quorum: Annotated[int, Field(ge=1, le=10)] = 1
    deputies: SubjectCondition | None = None
    after_ms: DurationMs | None = Field(default=None, alias="after")
    expires_ms: DurationMs | None = Field(default=None, alias="expires")
    not_owner: bool = False

    @model_validator(mode="after")
    def _has_sense(self) -> ReviewRoute:
        if (self.after_ms is not None) != (self.deputies is not None):
            raise ValueError("`deputies` may answer `after` some time; give both or neither")
        return self


class ReviewCap(Model):
    """At most so many reviews opened within a time; more are denied, never permitted.

    per: counted for whoever acts (with linked accounts), or over all.
    """

    more_than: Annotated[int, Field(ge=0, le=1_000_000)]
    within_ms: DurationMs = Field(alias="within")
    per: Literal["subject", "all"] = "subject"


class BreakGlass(Model):
    """Who may go past rules in an emergency, for how long, and by when that must be reviewed.

    covers: codes of the reasons that it goes past.
    """

    subject: SubjectCondition
    action: Many[Text] = ()
    covers: Many[Waivable] = WAIVABLE
    lasts_ms: DurationMs = Field(default=3_600_000, alias="for")
    review_within_ms: DurationMs = Field(default=86_400_000, alias="review_within")
