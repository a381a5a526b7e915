"""A whole policy file as values: the pack, its settings, what actions mean, patterns and tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PrivateAttr

from graphsvc.core.policy.pattern import Pattern
from graphsvc.core.policy.protection import BreakGlass, Level, ReviewCap, ReviewRoute
from graphsvc.core.policy.provenance import Provenance
from graphsvc.core.policy.scalar import (
    ArgumentRole,
    DurationMs,
    Effect,
    Identifier,
    Many,
    Model,
    Text,
    as_tuple,
)
from graphsvc.core.policy.scenario import PolicyTest
from graphsvc.core.policy.signal_rule import EventName, SignalRule
from graphsvc.core.policy.source import Source

__all__ = [
    "ActionDeclaration",
    "AmountLimit",
    "IntentTemplate",
    "Pack",
    "Policy",
    "ResultDeclaration",
    "Score",
    "Settings",
]


def _no_truth(value: object) -> object:
    """In Python `True` equals 1, in a file it does not."""
    return str(value).lower() if isinstance(value, bool) else value


Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class Pack(Model):
    """Which rule pack this is. Packs act in the order of (`order`, `id`)."""

    id: Identifier
    version: Text = "0"
    title: str = ""
    description: str = ""
    source: str = ""
    data_date: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""
    order: int = 100


class Settings(Model):
    """What the pack asks of the service; None = says nothing. Over all packs the strictest wins."""

    escalate_at: Probability | None = None
    deny_at: Probability | None = None
    entitlement: Literal["off", "advisory", "required"] | None = None
    enforce: Literal["on", "observe"] | None = None
    outside_intent: Literal["monitor", "escalate", "deny"] | None = None
    review_cap: ReviewCap | None = None


class Score(Model):
    """Weights of the score; what is left out keeps its default.

    sigma: share of risk of a completed pattern by severity. q: chance that a missing step follows.
    """

    sigma: Mapping[Literal["low", "medium", "high", "critical"], Probability] = Field(default_factory=dict)
    q: Probability | None = None


class ResultDeclaration(Model):
    """What the action's result carries: its labels, and for clients that track values, its fields.

    Fields are named as the result has them, `*` is every one; a field that is not listed is trusted. text: an
    outsider can write it in free words. party: identities that an outsider chooses (sender, participants). key: by
    which a person points at a record (title, sender, file name). amount: sums of money or quantities.
    """

    labels: Many[Text] = ()
    text: Many[Text] = ()
    party: Many[Text] = ()
    key: Many[Text] = ()
    amount: Many[Text] = ()


class ActionDeclaration(Model):
    """What an action means: its effects, the labels of its result, the roles of its arguments.

    level: how hard its effect is to undo, 0..3; None = the effect's own level. effects_with_destination: what it
    does besides when a destination is given. about: nouns of a request that ask for it together with a weak verb.
    creates: the argument that names somebody or something known once the action is done. shown: properties that are
    kept for people to see though no rule reads them.
    """

    effects: Many[Effect] = ()
    result: ResultDeclaration = Field(default_factory=ResultDeclaration)
    arguments: Mapping[Text, ArgumentRole] = Field(default_factory=dict)
    level: Annotated[int, Field(ge=0, le=3)] | None = None
    effects_with_destination: Many[Effect] = ()
    about: Many[Text] = ()
    creates: Many[Text] = ()
    shown: Many[Text] = ()


class AmountLimit(Model):
    """The most that something may be about. currency: of the property `currency`; None = any."""

    max: Annotated[float, Field(ge=0)]
    currency: Text | None = None


class IntentTemplate(Model):
    """What tasks of one kind may do; a chain names it in its intent. What it says nothing of is free.

    lasts: from the beginning of the chain, milliseconds.
    """

    title: str = ""
    actions: Many[Text] | None = None
    resources: Many[Text] | None = None
    effects: Many[Effect] | None = None
    destinations: Many[Text] | None = None
    amount: AmountLimit | None = None
    total: AmountLimit | None = None
    lasts: DurationMs | None = None


class Policy(Model):
    """A policy file. `actions` maps globs to their meaning, in file order; `source` is where it came from."""

    graphsvc: Annotated[Literal[1], BeforeValidator(_no_truth, json_schema_input_type=Literal[1])]
    pack: Pack
    settings: Settings = Field(default_factory=Settings)
    actions: Mapping[Text, ActionDeclaration] = Field(default_factory=dict)
    patterns: Annotated[
        tuple[Pattern, ...], BeforeValidator(as_tuple, json_schema_input_type=Pattern | list[Pattern])
    ] = ()
    tests: Annotated[
        tuple[PolicyTest, ...],
        BeforeValidator(as_tuple, json_schema_input_type=PolicyTest | list[PolicyTest]),
    ] = ()
    score: Score = Field(default_factory=Score)
    signals: Mapping[EventName, SignalRule] = Field(default_factory=dict)
    provenance: Provenance | None = None
    levels: Many[Level] = ()
    reviews: Many[ReviewRoute] = ()
    break_glass: BreakGlass | None = None
    intents: Mapping[Identifier, IntentTemplate] = Field(default_factory=dict)

    _source: Source = PrivateAttr(default_factory=Source)

    def model_post_init(self, context: object, /) -> None:
        """Keep where the text came from: the validation context, when it is a Source."""
        if isinstance(context, Source):
            self._source = context

    @property
    def source(self) -> Source:
        """The text this was loaded from: file name, SHA-256, and the line and column of every part."""
        return self._source

    def where(self, pattern_id: str, *path: str | int) -> tuple[int, int]:
        """Line and column of a pattern, or of a part of it: `where("p", "steps", "pay", "then")`."""
        for index, pattern in enumerate(self.patterns):
            if pattern.id == pattern_id:
                return self._source.at("patterns", index, *path)
        return (1, 1)
