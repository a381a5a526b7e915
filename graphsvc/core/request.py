"""What an enforcement point asks: one action of one chain, by a subject, for its principals.

These values are built for every decision and stored in the log as they are, so they are msgspec
structs: as immutable as frozen dataclasses, several times cheaper to build, and encodable.
"""

from __future__ import annotations

import msgspec

from graphsvc.core.value import Json

__all__ = ["AccessRequest", "Argument", "Entity"]


class Entity(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A subject, delegator or resource as the caller names it; properties are the caller's claims."""

    type: str
    id: str
    properties: dict[str, Json] = {}


class Argument(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """A critical argument: where its value came from, never the value itself."""

    name: str
    role: str | None = None
    fact: str | None = None
    tokens: tuple[str, ...] = ()
    designation: int | None = None


class AccessRequest(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One action that somebody wants to take.

    id: of the action and of its decision, unique in the store. chain: the caller's id of the task.
    session, parent_chain: of a chain's first request only (rule R3). on_behalf_of: delegators,
    nearest first. parents: ids of actions whose results feed this one; None = unknown (rule R6).
    review: id of the escalated action whose approved review lets this one through (rule R12).
    executed: False only in traces, for an action that never happened although permitted (rule R9).
    """

    id: str
    chain: str
    subject: Entity
    action: str
    resource: Entity
    action_properties: dict[str, Json] = {}
    session: str | None = None
    parent_chain: str | None = None
    joins: tuple[str, ...] = ()
    on_behalf_of: tuple[Entity, ...] = ()
    context: dict[str, Json] = {}
    labels: tuple[str, ...] = ()
    parents: tuple[str, ...] | None = None
    arguments: tuple[Argument, ...] = ()
    intent: dict[str, Json] | None = None
    review: str | None = None
    executed: bool = True
