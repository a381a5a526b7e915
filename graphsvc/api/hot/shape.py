"""The input of a decision as msgspec reads it: a subset of what GraphQL's coercion takes, in a fraction of the time.

Its way into the core is the code of the schema's inputs, whose attributes these have.
What is not read here may still be valid (a number for an id, one value for a list): the general executor says.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias, cast

from msgspec import Meta, Struct

from graphsvc.api.schema import request as schema
from graphsvc.api.schema.entity import EntityInput
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json
from graphsvc.decide.command import DecideCommand

__all__ = ["DecideShape"]

# GraphQL's Int.
Int: TypeAlias = Annotated[int, Meta(ge=-(2**31), lt=2**31)]


class _Shape(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Unknown names are refused, as GraphQL does."""


class _Entity(_Shape):
    type: str
    id: str
    properties: Any = None

    def as_identity(self, field: str) -> Entity:
        return EntityInput.as_identity(cast("EntityInput", self), field)

    def as_resource(self, field: str) -> Entity:
        return EntityInput.as_resource(cast("EntityInput", self), field)


class _Action(_Shape):
    name: str
    properties: Any = None


class _Intent(_Shape):
    actions: list[str] | None = None
    resources: list[str] | None = None
    effects: list[str] | None = None
    text: str | None = None
    tokens: list[str] | None = None

    def as_object(self) -> dict[str, Json]:
        return schema.IntentInput.as_object(cast("schema.IntentInput", self))


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

    def as_request(self) -> AccessRequest:
        """The core's request, by the schema's own code; BadInput names the field."""
        return schema.DecideInput.as_request(cast("schema.DecideInput", self))

    def as_command(self) -> DecideCommand:
        """The use case's command, by the schema's own code; BadInput names the field."""
        return schema.DecideInput.as_command(cast("schema.DecideInput", self))
