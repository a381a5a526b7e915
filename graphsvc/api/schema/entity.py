"""Somebody or something that a request names."""

from __future__ import annotations

import strawberry

from graphsvc.api.schema.scalar import JSON, as_json, as_object, raw_id
from graphsvc.core import request as core
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
        return core.Entity(
            self.type,
            raw_id("identity", self.id, f"{field}.id"),
            as_object(self.properties, f"{field}.properties"),
        )

    def as_resource(self, field: str) -> core.Entity:
        """As a resource; BadInput names the place under `field`."""
        if not self.type or ":" in self.type:
            raise BadInput(
                f"{field}.type: `{self.type}` is not a resource type; one is not empty and holds no colon",
                field=f"{field}.type",
            )
        return core.Entity(
            self.type,
            raw_id(f"resource:{self.type}", self.id, f"{field}.id"),
            as_object(self.properties, f"{field}.properties"),
        )


@strawberry.type(description="Somebody or something, as a request named it.")
class Entity:
    """Somebody or something, as a request named it."""

    type: str
    id: strawberry.ID
    properties: JSON

    @staticmethod
    def of(entity: core.Entity) -> Entity:
        """From the core's value."""
        return Entity(type=entity.type, id=strawberry.ID(entity.id), properties=as_json(entity.properties))
