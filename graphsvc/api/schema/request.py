"""The input of decide and evaluate, and its way into the core."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.entity import EntityInput
from graphsvc.api.schema.scalar import JSON, as_object, raw_id
from graphsvc.core.request import AccessRequest, Argument
from graphsvc.core.value import Json
from graphsvc.decide.command import DecideCommand
from graphsvc.errors import BadInput

__all__ = ["ActionInput", "ArgumentInput", "DecideInput", "IntentInput"]


@strawberry.input(description="What is to be done.")
class ActionInput:
    """What is to be done."""

    name: str
    properties: JSON | None = None


@strawberry.input(description="The most that one action may be about; currency: any if left out.")
class AmountLimitInput:
    """The most that one action may be about."""

    max: float
    currency: str | None = None


@strawberry.input(description="What the task is for: what it may do and to what.")
class IntentInput:
    """What the task is for. Lists are globs; null = says nothing."""

    actions: list[str] | None = None
    resources: list[str] | None = None
    effects: list[str] | None = None
    destinations: list[str] | None = None
    amount: AmountLimitInput | None = strawberry.field(default=None, description="Of one action.")
    total: AmountLimitInput | None = strawberry.field(
        default=None, description="Of all actions of the chain and of those it spawns together."
    )
    begins: str | None = strawberry.field(default=None, description="RFC 3339 time; not before it.")
    ends: str | None = strawberry.field(default=None, description="RFC 3339 time; not from it on.")
    lasts: str | None = strawberry.field(
        default=None, description="A duration from the beginning of the chain, such as 30m."
    )
    template: str | None = strawberry.field(
        default=None, description="Of a pack's `intents`; its limits hold as well."
    )
    text: str | None = None
    tokens: list[str] | None = strawberry.field(
        default=None, description="Salted hashes of the values that the request names, as `<type>.<hash>`."
    )

    def as_object(self) -> dict[str, Json]:
        """What was said, as the core keeps it."""
        said: dict[str, Json] = {}
        for name in ("actions", "resources", "effects", "destinations", "tokens"):
            if (values := getattr(self, name)) is not None:
                said[name] = list(values)
        for name in ("begins", "ends", "lasts", "template", "text"):
            if (text := getattr(self, name)) is not None:
                said[name] = text
        for name, limit in (("amount", self.amount), ("total", self.total)):
            if limit is not None:
                currency = {} if limit.currency is None else {"currency": limit.currency}
                said[name] = {"max": limit.max, **currency}
        return said


@strawberry.input(description="A critical argument: where its value came from, never the value itself.")
class ArgumentInput:
    """A critical argument."""

    name: str
    role: str | None = None
    fact: str | None = None
    tokens: list[str] | None = None
    designation: int | None = None

    def as_argument(self) -> Argument:
        """As the core keeps it."""
        return Argument(
            name=self.name,
            role=self.role,
            fact=self.fact,
            tokens=tuple(self.tokens or ()),
            designation=self.designation,
        )


@strawberry.input(description="One action that somebody wants to take.")
class DecideInput:
    """One action that somebody wants to take."""

    idempotency_key: str = strawberry.field(
        description="Same key and same request: the same answer. Same key and another request: Conflict."
    )
    chain: strawberry.ID = strawberry.field(
        description="The caller's id of the task in flight; an unknown one is opened by this call."
    )
    subject: EntityInput = strawberry.field(description="The acting identity.")
    action: ActionInput
    resource: EntityInput
    session: strawberry.ID | None = strawberry.field(
        default=None, description="Of a root chain, first call only; default: the chain's own id."
    )
    parent_chain: strawberry.ID | None = strawberry.field(
        default=None, description="The chain this one was delegated from; first call only."
    )
    joins: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Chains whose results flow in before this action."
    )
    on_behalf_of: list[EntityInput] | None = strawberry.field(
        default=None, description="Delegators, nearest first, the root (human or service) last."
    )
    context: JSON | None = strawberry.field(default=None, description="Attributes for conditions.")
    labels: list[str] | None = strawberry.field(
        default=None, description="Labels the caller already knows of the data touched."
    )
    parents: list[strawberry.ID] | None = strawberry.field(
        default=None,
        description="Decisions whose results feed this one; null = unknown, so everything earlier in the chain.",
    )
    intent: IntentInput | None = None
    arguments: list[ArgumentInput] | None = None
    at_least: str | None = strawberry.field(
        default=None, description="A revision that the answer must be as fresh as."
    )
    deadline_ms: int | None = strawberry.field(
        default=None, description="From now; past it DENY with code deadline_exceeded, nothing permitted."
    )
    review: strawberry.ID | None = strawberry.field(default=None, description="An approved review.")

    def as_request(self) -> AccessRequest:
        """The core's request, without an id; BadInput names the field."""
        if not self.action.name:
            raise BadInput("action.name: must not be empty", field="action.name")
        return AccessRequest(
            id="",
            chain=raw_id("chain", self.chain, "chain"),
            subject=self.subject.as_identity("subject"),
            action=self.action.name,
            resource=self.resource.as_resource("resource"),
            action_properties=as_object(self.action.properties, "action.properties"),
            session=None if self.session is None else raw_id("session", self.session, "session"),
            parent_chain=None
            if self.parent_chain is None
            else raw_id("chain", self.parent_chain, "parentChain"),
            joins=_ids("chain", self.joins, "joins"),
            on_behalf_of=()
            if not self.on_behalf_of
            else tuple(
                entity.as_identity(f"onBehalfOf.{place}") for place, entity in enumerate(self.on_behalf_of)
            ),
            context=as_object(self.context, "context"),
            review=None if self.review is None else raw_id("review", self.review, "review"),
            labels=tuple(self.labels) if self.labels else (),
            parents=None if self.parents is None else _ids("decision", self.parents, "parents"),
            arguments=() if not self.arguments else tuple(each.as_argument() for each in self.arguments),
            intent=None if self.intent is None else self.intent.as_object(),
        )

    def as_command(self) -> DecideCommand:
        """The use case's command; BadInput names the field."""
        if not self.idempotency_key:
            raise BadInput("idempotencyKey: must not be empty", field="idempotencyKey")
        if self.deadline_ms is not None and self.deadline_ms <= 0:
            raise BadInput(f"deadlineMs: `{self.deadline_ms}` is not above 0", field="deadlineMs")
        return DecideCommand(
            key=self.idempotency_key,
            request=self.as_request(),
            at_least=self.at_least,
            deadline_ms=self.deadline_ms,
        )


def _ids(kind: str, given: list[strawberry.ID] | None, field: str) -> tuple[str, ...]:
    if not given:
        return ()
    return tuple(raw_id(kind, each, f"{field}.{place}") for place, each in enumerate(given))
