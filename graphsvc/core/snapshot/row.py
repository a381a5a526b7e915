"""The parts of a snapshot as they are written: plain values that refer to each other by place."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from graphsvc.core.governing import Governing
from graphsvc.core.graph import Edge, Node
from graphsvc.core.known import Target
from graphsvc.core.record import (
    Cancelled,
    ChainOpened,
    Decided,
    Granted,
    PolicyPublished,
    Reported,
    Suspended,
)
from graphsvc.core.request import Entity
from graphsvc.core.review import Review
from graphsvc.core.signal import Signal
from graphsvc.core.state import Levels, Slot
from graphsvc.core.value import Json

__all__ = [
    "FORMAT",
    "ChainRow",
    "Changes",
    "CountedRow",
    "Format",
    "FrontRow",
    "HappenedRow",
    "HeldRow",
    "MarkRow",
    "PartiesRow",
    "RegisterRow",
    "ScopeRow",
    "Snapshot",
    "StoreRow",
]

FORMAT = 9

Changes: TypeAlias = tuple[
    list[tuple[Slot, int]], list[Slot]
]  # slots with their registers, slots that are gone


class Row(msgspec.Struct, array_like=True, frozen=True):
    """Written as an array: field names would be most of a snapshot."""


class RegisterRow(Row, frozen=True):
    """A register; children and spares by place."""

    start_ms: int
    action: str
    step: int
    children: list[int]
    epoch: int
    uses: tuple[str, ...]
    spares: list[int]
    room: int


class MarkRow(Row, frozen=True):
    """A mark; own: numbers of its bits; before, beside: by place, -1 = none."""

    own: list[int]
    action: str
    before: int
    beside: int


class FrontRow(Row, frozen=True):
    """base: the front it is told from, -1 = the empty one. flow parts: None = the same as the causal ones.

    marks: by place.
    """

    base: int
    causal: Changes
    flow: Changes | None
    causal_data: Changes
    flow_data: Changes | None
    marks: int
    flow_marks: int


class PartiesRow(Row, frozen=True):
    """Parties without what is worked out for them."""

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


class HappenedRow(Row, frozen=True):
    """An action as history keeps it; parties, resource and front by place. subject, behind: as the caller named them."""

    id: str
    session: str
    chain: str
    action: str
    in_history: bool
    subject: Entity
    behind: tuple[Entity, ...]
    who: int
    what: int
    front: int
    body: bytes


class ChainRow(Row, frozen=True):
    """A chain by name; front by place."""

    name: str
    session: str
    index: int
    front: int
    last_action: str | None
    parent: str | None
    spawned_from: str | None
    closed: bool
    owner: str
    shared_with: tuple[str, ...]
    opened_ms: int
    intent: dict[str, Json] | None
    used: bool


class CountedRow(Row, frozen=True, tag="counted"):
    """Counted values in the order they were seen last."""

    order: list[tuple[int, tuple[str, int, str]]]
    first: int
    end: int


class HeldRow(Row, frozen=True, tag="register"):
    """A register in a scope, by place."""

    register: int


class ScopeRow(Row, frozen=True):
    """A scope by name."""

    name: str
    cells: list[tuple[Slot, int | CountedRow | HeldRow]]
    levels: list[tuple[int, Levels]]
    best: list[tuple[int, int]]
    total: int
    due_ms: int | None
    limit: int
    marks: int
    held: tuple[tuple[str, str], ...]


class StoreRow(Row, frozen=True):
    """What was written into a resource; registers by place."""

    name: str
    data: list[tuple[Slot, int]]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a world holds; what can be worked out from it is left out."""

    format: int
    seq: int
    sources: list[tuple[str, list[Node], list[Edge]]]
    relabelled: dict[str, tuple[str, ...]]
    published: list[PolicyPublished]
    published_at: list[int]
    governing: list[tuple[int, Governing]]
    granted: list[Granted]
    revoked: dict[str, int]
    suspended: dict[str, int | None]
    halted: dict[str, dict[str, int | None]]
    told: list[Suspended]
    used: dict[str, int]
    signals: dict[str, list[Signal]]
    reviews: list[Review]
    approved: list[str]
    decided: list[Decided]
    answered: dict[str, tuple[str, str]]
    reported: list[Reported]
    cancelled: list[Cancelled]
    opened: list[tuple[int, ChainOpened]]
    staged: dict[str, tuple[list[Node], list[Edge]]]
    redrawn: list[tuple[int, list[str], list[tuple[str, str, str]]]]
    registers: list[RegisterRow]
    marks: list[MarkRow]
    fronts: list[FrontRow]
    parties: list[PartiesRow]
    targets: list[Target]
    happened: list[HappenedRow]
    chains: list[ChainRow]
    scopes: list[ScopeRow]
    stores: list[StoreRow]
    clocks: dict[str, int]
    over: dict[str, int]
    gone: bytes
    due_ms: int
    foreign: list[tuple[str, list[tuple[Slot, dict[str, int]]]]]


class Format(msgspec.Struct):
    """The part of a snapshot that every version can read."""

    format: int
