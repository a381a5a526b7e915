"""The input of a decision as msgspec reads it: a subset of what GraphQL's coercion takes, in a fraction of the time.

Its way into the core is the code of the schema's inputs, whose attributes these have.
What is not read here may still be valid (a number for an id, one value for a list): the general executor says.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias, cast

from msgspec import Meta, Raw, Struct

from graphsvc.api.hot.envelope import NULL, free_json
from graphsvc.api.schema import request as schema
from graphsvc.api.schema.entity import EntityInput

__all__ = ["DecideShape"]

# GraphQL's Int.
Int: TypeAlias = Annotated[int, Meta(ge=-(2**31), lt=2**31)]


class _Shape(Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """Unknown names are refused, as GraphQL does."""


class _Free(_Shape):
    """Holds free JSON, raw until `settle`."""

    # Afterwards its value.
    properties: Raw = NULL

    def settle(self, level: int) -> int:
        """Read what is free JSON; how many names stand in it, its own name included. level: see `free_json`."""
        if self.properties is NULL:
            self.properties = cast("Raw", None)
            return 0
        value, names = free_json(self.properties, level)
        self.properties = value
        return names + 1


class _Entity(_Free, kw_only=True):
    type: str
    id: str

    # Functions of the schema's inputs, which look at attributes only.
    as_identity = EntityInput.as_identity
    as_resource = EntityInput.as_resource
    _as_core = EntityInput._as_core  # noqa: SLF001  what both call


class _Action(_Free, kw_only=True):
    name: str


class _AmountLimit(_Shape):
    max: float
    currency: str | None = None


class _Intent(_Shape):
    actions: list[str] | None = None
    resources: list[str] | None = None
    effects: list[str] | None = None
    destinations: list[str] | None = None
    amount: _AmountLimit | None = None
    total: _AmountLimit | None = None
    begins: str | None = None
    ends: str | None = None
    lasts: str | None = None
    template: str | None = None
    text: str | None = None
    tokens: list[str] | None = None

    as_object = schema.IntentInput.as_object


class _Argument(_Shape):
    name: str
    role: str | None = None
    fact: str | None = None
    tokens: list[str] | None = None
    designation: Int | None = None

    as_argument = schema.ArgumentInput.as_argument


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
    context: Raw = NULL
    labels: list[str] | None = None
    parents: list[str] | None = None
    intent: _Intent | None = None
    arguments: list[_Argument] | None = None
    at_least: str | None = None
    deadline_ms: Int | None = None
    review: str | None = None

    def settle(self, level: int) -> int:
        """Read what is free JSON; how many names stand in all of it, as far as their values are not null.

        level: how deep the input's own members lie in the body.
        """
        names = (
            # Five of its own, two each of subject and resource, one of the action.
            10
            + self.subject.settle(level + 1)
            + self.action.settle(level + 1)
            + self.resource.settle(level + 1)
            + (self.session is not None)
            + (self.parent_chain is not None)
            + (self.joins is not None)
            + (self.labels is not None)
            + (self.parents is not None)
            + (self.at_least is not None)
            + (self.deadline_ms is not None)
            + (self.review is not None)
        )
        if self.context is NULL:
            self.context = cast("Raw", None)
        else:
            self.context, found = free_json(self.context, level)
            names += found + 1
        if self.on_behalf_of is not None:
            names += 1 + sum([2 + entity.settle(level + 2) for entity in self.on_behalf_of])
        if self.intent is not None:
            names += 1 + _given(self.intent)
            for limit in (self.intent.amount, self.intent.total):
                if limit is not None:
                    names += _given(limit)
        if self.arguments is not None:
            names += 1 + sum([_given(each) for each in self.arguments])
        return names

    # After `settle`.
    as_request = schema.DecideInput.as_request
    as_command = schema.DecideInput.as_command


def _given(shape: Struct) -> int:
    values: list[Any] = [getattr(shape, name) for name in shape.__struct_fields__]
    return sum([value is not None for value in values])
