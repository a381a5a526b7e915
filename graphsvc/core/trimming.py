"""What is kept of a request: values that nothing reads become markers before it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import repeat

from msgspec.structs import replace

from graphsvc.core.marker import is_unkept, marker
from graphsvc.core.reading import Reads
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json

__all__ = ["carries_values", "is_whole", "trimmed"]

_NOBODY = Entity("", "")
_NOTHING = AccessRequest(id="", chain="", subject=_NOBODY, action="", resource=_NOBODY)


def carries_values(request: AccessRequest) -> bool:
    """Whether there is anything in it that might not be kept."""
    return bool(
        request.action_properties
        or request.context
        or request.resource.properties
        or request.subject.properties
        or any(entity.properties for entity in request.on_behalf_of)
    )


def is_whole(request: AccessRequest) -> bool:
    """Whether every value of it was kept."""
    entities = (request.subject, request.resource, *request.on_behalf_of)
    held = (request.action_properties, request.context, *(entity.properties for entity in entities))
    return not any(is_unkept(value) for values in held if values for value in values.values())


def trimmed(
    request: AccessRequest, reads: Reads, salt: bytes, reviewed: AccessRequest | None = None
) -> AccessRequest:
    """The request with a marker in the place of every value that nothing reads.

    reviewed: the request whose approval it uses; a value that was kept of that one is kept here too where it is the
    same, so that both can be compared though rules changed meanwhile.
    """
    changes: dict[str, object] = {}
    named = frozenset(argument.name for argument in request.arguments if reads.arguments)
    old = reviewed or _NOTHING
    if request.action_properties:
        changes["action_properties"] = _trim(
            request.action_properties, "action.properties", reads, salt, old.action_properties, named
        )
    if request.context:
        changes["context"] = _trim(request.context, "context", reads, salt, old.context)
    if request.resource.properties:
        changes["resource"] = _entity(request.resource, "resource.properties", reads, salt, old.resource)
    if request.subject.properties:
        changes["subject"] = _entity(request.subject, "subject.properties", reads, salt, old.subject)
    if any(entity.properties for entity in request.on_behalf_of):
        behind = (*old.on_behalf_of, *repeat(_NOBODY, len(request.on_behalf_of)))
        changes["on_behalf_of"] = tuple(
            _entity(entity, "subject.properties", reads, salt, before)
            for entity, before in zip(request.on_behalf_of, behind, strict=False)
        )
    return replace(request, **changes) if changes else request


def _entity(entity: Entity, root: str, reads: Reads, salt: bytes, before: Entity) -> Entity:
    kept = _trim(entity.properties, root, reads, salt, before.properties)
    return replace(entity, properties=kept) if entity.properties else entity


def _trim(
    values: dict[str, Json],
    root: str,
    reads: Reads,
    salt: bytes,
    before: Mapping[str, Json],
    named: frozenset[str] = frozenset(),
) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, value in values.items():
        is_read = name in named or reads.has(root, name) or (name in before and before[name] == value)
        # What looks like a marker is none: nobody may send the hash in the place of the value.
        kept[name] = value if is_read and not is_unkept(value) else marker(value, salt)
    return kept
