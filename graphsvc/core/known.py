"""What the graph says of a subject with its delegators, and of a resource: looked up once a graph version.

Actions hold on to these values, so what was read of the graph stays as it was when they were judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from graphsvc.core.estate import Estate
from graphsvc.core.graph import Node
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json

if TYPE_CHECKING:
    from graphsvc.core.permission_index import Spelled

__all__ = ["CLOCKS", "Parties", "Target", "parties_of", "target_of"]

# How the names of cells begin that hold the newest time of a session, a principal, a resource.
CLOCKS = ("ts:", "tp:", "tr:")

_NOTHING: dict[str, Json] = {}


class Memo:
    """What was worked out about parties when it was asked for: no part of what they are.

    standing: what entitlement found of them, kept here by it. places: where they stand to a destination. told_of: by which names signals may have been told of them, and at which turn
    of the estate's parties that was. there: by place, of each party the permissions that name it, as of a
    turn of the rights. within: the session they acted in last, with names of cells and clocks as they find them there.
    """

    __slots__ = ("places", "standing", "there", "there_turn", "told_of", "within")

    def __init__(self) -> None:
        self.standing: Any = None
        self.places: dict[str, str] = {}
        self.told_of: tuple[int, tuple[str, ...]] | None = None
        self.there: dict[str, tuple[Spelled, ...]] = {}
        self.there_turn = -1
        self.within: tuple[str, tuple[str, ...], tuple[str, ...]] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Memo)

    def __hash__(self) -> int:
        return 0


class Parties(msgspec.Struct, frozen=True, gc=False):
    """Who acts, for whom.

    ids: subject and delegators, nearest first, as the graph knows them; keys: the same as node keys.
    actor, root: the persons behind the first and the last. principals: the persons, no duplicates
    (linked accounts are one, rule R22); cells: their cells, in that order, clocks: names of the newest times there. node: the subject's, if known. holders:
    keys of the subject and of every group and role it has.
    """

    ids: tuple[str, ...]
    keys: tuple[str, ...]
    actor: str
    root: str
    principals: tuple[str, ...]
    cells: tuple[str, ...]
    clocks: tuple[str, ...]
    actor_cell: str
    root_cell: str
    node: Node | None
    holders: tuple[str, ...]
    memo: Memo

    @property
    def properties(self) -> Mapping[str, Json]:
        """The subject's stored properties."""
        return self.node.properties if self.node is not None else _NOTHING

    def within(self, session: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
        """A session, names of its cell and theirs, and names of the newest times there: one of each, for they are many."""
        found = self.memo.within
        if found is None or found[0] != session:
            found = session, (f"s:{session}", *self.cells), (f"ts:{session}", *self.clocks)
            self.memo.within = found
        return found

    def place(self, value: str, estate: Estate) -> str:
        """`owned`, `known` or `unknown`: how they stand to somebody or something named by `value`."""
        found = self.memo.places.get(value)
        if found is None:
            found = self.memo.places[value] = _place(self, value, estate)
        return found


class Target(msgspec.Struct, frozen=True, gc=False):
    """What is acted on. key: its node key; cell: its cell, clock: name of the newest time there; labels and tier as of the graph version."""

    type: str
    id: str
    key: str
    cell: str
    clock: str
    labels: tuple[str, ...]
    tier: str | None
    node: Node | None

    @property
    def properties(self) -> Mapping[str, Json]:
        """The resource's stored properties."""
        return self.node.properties if self.node is not None else _NOTHING


def parties_of(request: AccessRequest, estate: Estate) -> Parties:
    """The parties of a request; the same value for the same names until the graph changes."""
    subject, behind = request.subject, request.on_behalf_of
    name = (
        (subject.type, subject.id, *[entity.id for entity in behind])
        if behind
        else (subject.type, subject.id)
    )
    found = estate.parties.get(name)
    if found is None:
        found = estate.parties.put(name, _parties(subject, behind, estate))
    return found  # type: ignore[return-value]  # the estate keeps it, it does not know it


def target_of(resource: Entity, estate: Estate) -> Target:
    """The target of a request; the same value for the same resource until the graph changes."""
    name = (resource.type, resource.id)
    found = estate.targets.get(name)
    if found is None:
        key = f"resource:{resource.type}:{resource.id}"
        node = estate.node(key)
        found = estate.targets.put(
            name,
            Target(
                type=resource.type,
                id=resource.id,
                key=key,
                cell=f"r:{resource.type}:{resource.id}",
                clock=f"tr:{resource.type}:{resource.id}",
                labels=estate.labels(key),
                tier=node.tier if node is not None else None,
                node=node,
            ),
        )
    return found  # type: ignore[return-value]  # see above


def _parties(subject: Entity, behind: tuple[Entity, ...], estate: Estate) -> Parties:
    resolved = [estate.resolve(entity.id) for entity in (subject, *behind)]
    ids = tuple([identity for identity, _ in resolved])
    persons = [person for _, person in resolved]
    principals = tuple(dict.fromkeys(persons))
    keys = tuple([f"identity:{identity}" for identity in ids])
    return Parties(
        ids=ids,
        keys=keys,
        actor=persons[0],
        root=persons[-1],
        principals=principals,
        cells=tuple([f"p:{person}" for person in principals]),
        clocks=tuple([f"tp:{person}" for person in principals]),
        actor_cell=f"p:{persons[0]}",
        root_cell=f"p:{persons[-1]}",
        node=estate.node(keys[0]),
        holders=estate.holders(keys[0]),
        memo=Memo(),
    )


def _place(parties: Parties, value: str, estate: Estate) -> str:
    accounts = {account for key in parties.keys for account in estate.accounts(key)}
    if estate.leads("OWNS", accounts, value):
        return "owned"
    holders = {holder for account in accounts for holder in estate.holders(account)}
    return "known" if estate.leads("KNOWS", holders, value) else "unknown"
