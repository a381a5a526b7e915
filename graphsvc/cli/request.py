"""A DecideInput as JSON, as a file holds it, to a command of the core."""

from __future__ import annotations

from typing import Annotated

import msgspec

from graphsvc.core.request import AccessRequest, Argument, Entity
from graphsvc.core.value import Json
from graphsvc.decide.command import DecideCommand
from graphsvc.errors import BadInput

__all__ = ["read_command"]

Name = Annotated[str, msgspec.Meta(min_length=1)]


class _Struct(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """What people write: unknown fields are mistakes."""


class _Entity(_Struct, frozen=True, kw_only=True):
    type: Name
    id: Name
    properties: dict[str, Json] | None = None

    def entity(self, kind: str) -> Entity:
        return Entity(self.type, self.id.removeprefix(f"{kind}:"), self.properties or {})


class _Action(_Struct, frozen=True, kw_only=True):
    name: Name
    properties: dict[str, Json] | None = None


class _Intent(_Struct, frozen=True, kw_only=True):
    actions: list[str] | None = None
    resources: list[str] | None = None
    effects: list[str] | None = None
    destinations: list[str] | None = None
    amount: dict[str, Json] | None = None
    total: dict[str, Json] | None = None
    begins: str | None = None
    ends: str | None = None
    lasts: str | None = None
    template: str | None = None
    text: str | None = None
    tokens: list[str] | None = None


class _Argument(_Struct, frozen=True, kw_only=True):
    name: Name
    role: str | None = None
    fact: str | None = None
    tokens: list[str] | None = None
    designation: int | None = None


class _DecideInput(_Struct, frozen=True, kw_only=True):
    idempotency_key: str | None = None
    chain: Name
    session: str | None = None
    parent_chain: str | None = None
    joins: list[str] | None = None
    subject: _Entity
    on_behalf_of: list[_Entity] | None = None
    action: _Action
    resource: _Entity
    context: dict[str, Json] | None = None
    labels: list[str] | None = None
    parents: list[str] | None = None
    intent: _Intent | None = None
    arguments: list[_Argument] | None = None
    at_least: str | None = None
    deadline_ms: Annotated[int, msgspec.Meta(gt=0)] | None = None
    review: str | None = None


def read_command(document: dict[str, Json], file: str, default_key: str) -> DecideCommand:
    """The command of a DecideInput; BadInput names file and field. default_key: where it has none."""
    try:
        asked = msgspec.convert(document, _DecideInput)
    except msgspec.ValidationError as error:
        told, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$").removeprefix(".").replace("[...]", "")
        told = told[:1].lower() + told[1:]
        raise BadInput(f"{file}: {f'{field}: ' if field else ''}{told}", field=field or None) from None
    intent = {
        name: value for name, value in msgspec.to_builtins(asked.intent or {}).items() if value is not None
    }
    resource = asked.resource.entity("resource")
    request = AccessRequest(
        id="",
        chain=asked.chain.removeprefix("chain:"),
        session=asked.session,
        parent_chain=asked.parent_chain.removeprefix("chain:") if asked.parent_chain else None,
        joins=tuple(name.removeprefix("chain:") for name in asked.joins or ()),
        subject=asked.subject.entity("identity"),
        on_behalf_of=tuple(entity.entity("identity") for entity in asked.on_behalf_of or ()),
        action=asked.action.name,
        action_properties=asked.action.properties or {},
        resource=Entity(resource.type, resource.id.removeprefix(f"{resource.type}:"), resource.properties)
        if asked.resource.id.startswith("resource:")
        else resource,
        context=asked.context or {},
        review=asked.review.removeprefix("review:") if asked.review else None,
        labels=tuple(asked.labels or ()),
        parents=None
        if asked.parents is None
        else tuple(name.removeprefix("decision:") for name in asked.parents),
        arguments=tuple(
            Argument(
                name=one.name,
                role=one.role,
                fact=one.fact,
                tokens=tuple(one.tokens or ()),
                designation=one.designation,
            )
            for one in asked.arguments or ()
        ),
        intent=intent or None,
    )
    return DecideCommand(
        key=asked.idempotency_key or default_key,
        request=request,
        at_least=asked.at_least,
        deadline_ms=asked.deadline_ms,
    )
