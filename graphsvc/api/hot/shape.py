"""The input of a decision as msgspec reads it: a subset of what GraphQL's coercion takes, in a fraction of the time.

What is not read here may still be valid (a number for an id, one value for a list): the general executor says.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

import strawberry
from msgspec import Meta, Struct

from graphsvc.api.schema import request as schema
from graphsvc.api.schema.entity import EntityInput
from graphsvc.api.schema.scalar import JSON

__all__ = ["DecideShape", "as_input"]

# GraphQL's Int.
Int: TypeAlias = Annotated[int, Meta(ge=-(2**31), lt=2**31)]


class _Shape(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Unknown names are refused, as GraphQL does."""


class _Entity(_Shape):
    type: str
    id: str
    properties: Any = None


class _Action(_Shape):
    name: str
    properties: Any = None


class _Intent(_Shape):
    actions: list[str] | None = None
    resources: list[str] | None = None
    effects: list[str] | None = None
    text: str | None = None


class _Argument(_Shape):
    name: str
    role: str | None = None
    fact: str | None = None
    tokens: list[str] | None = None
    designation: Int | None = None


class DecideShape(_Shape):
    """`DecideInput`."""

    idempotency_key: str
    chain: str
    subject: _Entity
    action: _Action
    resource: _Entity
    session: str | None = None
    parent_chain: str | None = None
    joins: list[str] | None = None
    on_behalf_of: list[_Entity] | None = None
    context: Any = None
    labels: list[str] | None = None
    parents: list[str] | None = None
    intent: _Intent | None = None
    arguments: list[_Argument] | None = None
    at_least: str | None = None
    deadline_ms: Int | None = None
    review: str | None = None


def as_input(given: DecideShape) -> schema.DecideInput:
    """The same as the schema's own input."""
    return schema.DecideInput(
        idempotency_key=given.idempotency_key,
        chain=strawberry.ID(given.chain),
        subject=_entity(given.subject),
        action=schema.ActionInput(name=given.action.name, properties=_json(given.action.properties)),
        resource=_entity(given.resource),
        session=_id(given.session),
        parent_chain=_id(given.parent_chain),
        joins=_ids(given.joins),
        on_behalf_of=None if given.on_behalf_of is None else [_entity(each) for each in given.on_behalf_of],
        context=_json(given.context),
        labels=given.labels,
        parents=_ids(given.parents),
        intent=_intent(given.intent),
        arguments=None if given.arguments is None else [_argument(each) for each in given.arguments],
        at_least=given.at_least,
        deadline_ms=given.deadline_ms,
        review=_id(given.review),
    )


def _entity(given: _Entity) -> EntityInput:
    return EntityInput(type=given.type, id=strawberry.ID(given.id), properties=_json(given.properties))


def _json(given: object) -> JSON | None:
    return None if given is None else JSON(given)


def _id(given: str | None) -> strawberry.ID | None:
    return None if given is None else strawberry.ID(given)


def _ids(given: list[str] | None) -> list[strawberry.ID] | None:
    return None if given is None else [strawberry.ID(each) for each in given]


def _intent(given: _Intent | None) -> schema.IntentInput | None:
    if given is None:
        return None
    return schema.IntentInput(
        actions=given.actions, resources=given.resources, effects=given.effects, text=given.text
    )


def _argument(given: _Argument) -> schema.ArgumentInput:
    return schema.ArgumentInput(
        name=given.name,
        role=given.role,
        fact=given.fact,
        tokens=given.tokens,
        designation=given.designation,
    )
