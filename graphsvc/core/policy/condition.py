"""What an event must look like to match: the conditions shared by steps, guards, resets and sanitizers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from graphsvc.core.policy.scalar import (
    ArgumentRole,
    Effect,
    Fact,
    KeyExpression,
    Many,
    Model,
    Name,
    Text,
)

__all__ = [
    "ArgumentCondition",
    "EventCondition",
    "LabelCondition",
    "ResourceCondition",
    "SubjectCondition",
]

ORIGINS: Final[Mapping[str, tuple[Fact, ...]]] = {
    "intent": ("named_by_intent",),
    "trusted": ("clean",),
    "untrusted": (
        "from_untrusted",
        "contested",
        "party",
        "designated",
        "designated_unique",
        "designated_many",
    ),
    "unknown": ("unprovenanced",),
}


class LabelCondition(Model):
    """Labels of the event: at least one of `any`, every one of `all`, not one of `none`.

    A part left out is `()` and asks for nothing. A plain list means `any`.
    """

    any: Many[Text] = ()
    all: Many[Text] = ()
    none: Many[Text] = ()


def _labels(value: object) -> object:
    return value if isinstance(value, dict | LabelCondition) else {"any": value}


Labels: TypeAlias = Annotated[
    LabelCondition,
    BeforeValidator(_labels, json_schema_input_type=Text | list[Text] | LabelCondition),
]


class SubjectCondition(Model):
    """The acting identity: each given part holds; `id` takes globs; lists mean any-of; `()` = not asked."""

    kind: Many[Literal["human", "service", "agent", "workload"]] = ()
    id: Many[Text] = ()
    group: Many[Text] = ()


class ResourceCondition(Model):
    """The resource acted on: each given part holds; `id` takes globs; lists mean any-of; `()` = not asked."""

    type: Many[Text] = ()
    id: Many[Text] = ()
    tier: Many[Text] = ()
    labels: Labels | None = None


class ArgumentCondition(Model):
    """Some argument with one of these roles (`()` = any role) has one of these facts about its origin.

    `from:` is a shorthand for `fact:`; `facts` is what either means, and `()` asks for the role only.
    """

    role: Many[ArgumentRole] = ()
    fact: Many[Fact] = ()
    origin: Many[Literal["intent", "trusted", "untrusted", "unknown"]] = Field(default=(), alias="from")

    @property
    def facts(self) -> tuple[Fact, ...]:
        """The facts asked for, `fact` first, then what `from` stands for; no duplicates."""
        wanted = [*self.fact, *(fact for origin in self.origin for fact in ORIGINS[origin])]
        return tuple(dict.fromkeys(wanted))


class EventCondition(Model):
    """Holds for an event when every given part does (rule R21: lists mean any-of).

    action: globs over the action's name. effects: what the `actions` entry declares.
    when: CEL over subject, action, resource, context, principals, chain, time.
    at: `event` = judged as of the event and then fixed; `completion` = judged at the completing action.
    key: variable -> key expression (see `expression.parse_path`); equal variables have equal values.
    """

    action: Many[Text] = ()
    effects: Many[Effect] = ()
    labels: Labels | None = None
    subject: SubjectCondition | None = None
    resource: ResourceCondition | None = None
    destination: Many[Literal["known", "unknown", "owned"]] = ()
    argument: ArgumentCondition | None = None
    when: Text | None = None
    at: Literal["event", "completion"] = "event"
    key: Mapping[Name, KeyExpression] = Field(default_factory=dict)

    @property
    def is_unconditional(self) -> bool:
        """True when any event at all matches (its key aside)."""
        asked = (
            self.action,
            self.effects,
            self.labels,
            self.subject,
            self.resource,
            self.destination,
            self.argument,
            self.when,
        )
        # A part such as `labels: {}` is given but asks for nothing.
        return not any(part is not None and part != type(part)() for part in asked)
