"""Somebody or something that a request names."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.scalar import JSON, as_json, as_object, raw_id
from graphsvc.core import request as core
from graphsvc.core.marker import in_words
from graphsvc.errors import BadInput

__all__ = ["Entity", "EntityInput"]


@strawberry.input(description="Somebody or something, by type and id.")
class EntityInput:
    """Somebody or something, by type and id."""

    type: str
    id: strawberry.ID
    properties: JSON | None = None

    def as_identity(self, field: str) -> core.Entity:
        """As an identity; BadInput names the place under `field`."""
        return self._as_core("identity", field)

    def as_resource(self, field: str) -> core.Entity:
        """As a resource; BadInput names the place under `field`."""
        if not self.type or ":" in self.type:
            raise BadInput(
                f"{field}.type: `{self.type}` is not a resource type; one is not empty and holds no colon",
                field=f"{field}.type",
            )
        return self._as_core(f"resource:{self.type}", field)

    def _as_core(self, kind: str, field: str) -> core.Entity:
        # This is done for every decision: places in the input are written out only where one may have to be told.
        name, properties = self.id, self.properties
        if not name or ":" in name:
            name = strawberry.ID(raw_id(kind, name, f"{field}.id"))
        free = {} if properties is None else as_object(properties, f"{field}.properties")
        return core.Entity(self.type, name, free)


@strawberry.type(description="Somebody or something, as a request named it.")
class Entity:
    """Somebody or something, as a request named it."""

    type: str
    id: strawberry.ID
    properties: JSON

    @staticmethod
    def of(entity: core.Entity) -> Entity:
        """From the core's value."""
        return Entity(
            type=entity.type, id=strawberry.ID(entity.id), properties=as_json(in_words(entity.properties))
        )
