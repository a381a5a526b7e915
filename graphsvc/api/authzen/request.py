"""From what AuthZEN sends to what the core judges."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from graphsvc.api.authzen.shape import Action, Entity, Extension
from graphsvc.api.body import as_shape
from graphsvc.api.schema.scalar import raw_id
from graphsvc.core import request as core
from graphsvc.core.request import AccessRequest
from graphsvc.errors import BadInput

__all__ = ["NO_CHAIN", "extension_of", "identity_of", "resource_of", "to_request"]

# The chain of a request that names none: nobody can open it, so nothing has happened in it.
NO_CHAIN = ""
# Members of `context` that speak to the service; conditions see the others.
_OURS = ("graphsvc", "approval")


def to_request(
    subject: core.Entity, action: Action, resource: core.Entity, context: dict[str, Any] | None
) -> tuple[AccessRequest, Extension]:
    """The core's request and what `context.graphsvc` said; BadInput names the field."""
    said = extension_of(context)
    request = AccessRequest(
        id="",
        chain=NO_CHAIN if said.chain is None else raw_id("chain", said.chain, "context.graphsvc.chain"),
        subject=subject,
        action=action.name,
        resource=resource,
        action_properties=action.properties or {},
        session=None if said.session is None else raw_id("session", said.session, "context.graphsvc.session"),
        parent_chain=None
        if said.parent_chain is None
        else raw_id("chain", said.parent_chain, "context.graphsvc.parentChain"),
        joins=tuple(raw_id("chain", join, "context.graphsvc.joins") for join in said.joins),
        on_behalf_of=tuple(identity_of(one, "context.graphsvc.onBehalfOf") for one in said.on_behalf_of),
        context={name: value for name, value in (context or {}).items() if name not in _OURS},
        labels=tuple(said.labels),
        parents=None
        if said.parents is None
        else tuple(raw_id("decision", one, "context.graphsvc.parents") for one in said.parents),
        arguments=tuple(
            core.Argument(
                name=one.name,
                role=one.role,
                fact=one.fact,
                tokens=tuple(one.tokens),
                designation=one.designation,
            )
            for one in said.arguments
        ),
        intent=said.intent,
    )
    review = _approval(context)
    return (request if review is None else replace(request, review=review)), said


def identity_of(entity: Entity, field: str = "subject") -> core.Entity:
    """A subject or delegator; BadInput names the place under `field`."""
    return core.Entity(entity.type, raw_id("identity", entity.id, f"{field}.id"), entity.properties or {})


def resource_of(entity: Entity, field: str = "resource") -> core.Entity:
    """A resource; BadInput names the place under `field`."""
    if ":" in entity.type:
        raise BadInput(
            f"{field}.type: `{entity.type}` holds a colon; a resource type may not", field=f"{field}.type"
        )
    bare = raw_id(f"resource:{entity.type}", entity.id, f"{field}.id")
    return core.Entity(entity.type, bare, entity.properties or {})


def extension_of(context: dict[str, Any] | None) -> Extension:
    """What `context.graphsvc` says; BadInput names the field."""
    given = (context or {}).get("graphsvc")
    return Extension() if given is None else as_shape(given, Extension, within="context.graphsvc")


def _approval(context: dict[str, Any] | None) -> str | None:
    approval = (context or {}).get("approval")
    if approval is None:
        return None
    named = approval.get("id") if isinstance(approval, dict) else None
    if not isinstance(named, str) or not named:
        raise BadInput(
            'context.approval: must be an object such as {"id": "decision:..."}', field="context.approval.id"
        )
    return named.removeprefix("review:").removeprefix("decision:")
