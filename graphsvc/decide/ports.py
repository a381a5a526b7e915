"""What the use cases ask of the outside: a log, a drawing of the graph, a history to read, a clock.

Every store implements `Store`; the conformance suite in tests/store says the same in code.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from graphsvc.core.audit.key import KeyHistory
from graphsvc.core.audit.note import SigningKey

__all__ = [
    "KEPT",
    "Accepted",
    "Base",
    "ChainQuery",
    "ChainRow",
    "Clock",
    "DecisionQuery",
    "DecisionRow",
    "Draft",
    "Drawing",
    "EdgeStroke",
    "Entry",
    "History",
    "Ids",
    "Leases",
    "Log",
    "NodeStroke",
    "Notary",
    "Painter",
    "Refused",
    "Salts",
    "Secrets",
    "Snapshots",
    "Store",
    "Strokes",
]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that wants to be the next log entry.

    id: unique; by it an entry with an unknown outcome is found again. count: number of records in
    `body`, at least 1. cells: names of the cells the records touch. body: encoded, opaque here.
    """

    id: str
    count: int
    cells: tuple[str, ...]
    body: bytes


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A log entry: records number `first` to `seq`."""

    seq: int
    first: int
    id: str
    cells: tuple[str, ...]
    body: bytes


class Accepted(msgspec.Struct, frozen=True):
    """The draft is durable as `entry`. tail: entries after `seen` that came before it, oldest first."""

    entry: Entry
    tail: tuple[Entry, ...] = ()


class Refused(msgspec.Struct, frozen=True):
    """Nothing was written: the tail after `seen` (oldest first) touches a cell that was read."""

    tail: tuple[Entry, ...]


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What a log begins with whose oldest records were cut off.

    seq: the last of them. state: what they fold to, opaque here. statement: signed, see `core.audit.truncation`.
    """

    seq: int
    state: bytes
    statement: str


class Log(Protocol):
    """One ordered log per store; the single source of truth. It begins with record 1, or behind its base."""

    @property
    def incarnation(self) -> str:
        """Names this life of the store; a restored or swapped store has another."""

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        """Write `draft` as the next entry unless an entry after `seen` touches a cell in `reads`.

        Returns only when the entry is durable. Atomic against every other writer. StoreUnavailable
        when nothing was written, with `outcome_unknown` when the entry may be there. reads: put together when they
        are first looked at, so that need not be done where there is no such entry.
        """

    async def read(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Entries with seq > `after`, oldest first, at most `limit` entries, without gaps."""

    async def find(self, entry_id: str) -> Entry | None:
        """The entry of a draft's id, None when it was never written."""

    async def head(self) -> int:
        """The newest number, 0 in an empty store. StoreSwapped when the store is not the one that was opened."""

    async def base(self) -> Base | None:
        """What was cut off; None while everything is there."""

    async def set_base(self, base: Base) -> None:
        """From now on the log begins behind `base.seq`, and nothing before it is read any more; durable, all or nothing.

        In an empty store the next record is `base.seq` + 1. Conflict when the log ends before that number otherwise, when
        no entry ends there, or when it begins later already. A base of the same number is replaced.
        """

    async def prune(self, limit: int) -> int:
        """Remove up to `limit` of the oldest entries that the base covers; how many. What is left goes on the next call."""

    async def rewrite(self, entry: Entry, body: bytes) -> None:
        """Give an entry another body, in which content was erased; Conflict when it is not there as given."""


class Secrets(Protocol):
    """What a store keeps for itself."""

    async def salt(self) -> bytes:
        """32 random bytes of this store, always the same; no log, export or backup holds them."""


class Leases(Protocol):
    """Work that one replica does at a time. A lease ends by itself, so that a dead holder hinders nobody for long."""

    async def lease(self, name: str, holder: str, ttl_ms: int) -> bool:
        """Take or renew a lease for `ttl_ms` from now, 0 to give it back; False while another holds it.

        Time is the store's own, so that replicas need not agree on theirs.
        """


# Properties of a node that other records than those of the graph draw: a whole stroke leaves them as they are.
KEPT = ("suspended", "suspended_reason")


class NodeStroke(msgspec.Struct, frozen=True):
    """Draw or update a node: `label` (Identity, Action ...), its key, properties to set (None removes).

    Property values are text, numbers, booleans or lists of text. whole: they are all there is, but for `KEPT`: others go.
    """

    label: str
    key: str
    properties: dict[str, bool | int | float | str | list[str] | None]
    whole: bool = False


class EdgeStroke(msgspec.Struct, frozen=True):
    """Draw or update an edge between two nodes by key; an end that does not exist yet is skipped. whole: as of a node."""

    type: str
    start: str
    end: str
    properties: dict[str, bool | int | float | str | list[str] | None] = {}
    whole: bool = False


class Strokes(msgspec.Struct, kw_only=True):
    """What one step of the projector draws, in this order: nodes, edges, then what goes away."""

    nodes: list[NodeStroke] = msgspec.field(default_factory=list)
    edges: list[EdgeStroke] = msgspec.field(default_factory=list)
    removed_edges: list[tuple[str, str, str]] = msgspec.field(default_factory=list)
    removed_nodes: list[str] = msgspec.field(default_factory=list)


class Drawing(Protocol):
    """The graph that architects query; drawn from the log, so it may lag behind it."""

    async def drawn(self) -> int:
        """The number up to which the graph is drawn."""

    async def draw(self, strokes: Strokes, *, expected: int, drawn: int) -> bool:
        """Draw and move the cursor from `expected` to `drawn`, both or neither.

        False, and nothing drawn, when the cursor is not at `expected`: another projector was faster.
        Drawing the same strokes twice gives the same graph.
        """

    async def count(self) -> dict[str, int]:
        """How many nodes there are by label and edges by type."""


class Painter(Protocol):
    """Draws somewhere else what the log alone says how to; changes of the graph are drawn by who holds the world."""

    async def paint(self, *, after: int, upto: int, most: int) -> int:
        """Draw whole entries behind number `after`, none that ends behind `upto`, until there are `most` records of them.

        The number up to which is drawn then: `after` when the next entry ends behind `upto`, another when somebody else drew.
        StoreUnavailable when that cannot be done now, StoreError when somebody has to mend something.
        """

    async def close(self) -> None:
        """Give everything back; safe to call twice."""


class DecisionQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A page of decisions, newest first unless `ascending`. Every filter given must hold."""

    limit: int = 50
    before: int | None = None  # seq, exclusive
    after: int | None = None  # seq, exclusive
    ascending: bool = False
    subject: str | None = None
    verdict: str | None = None
    pattern: str | None = None
    chain: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None


class DecisionRow(msgspec.Struct, frozen=True):
    """A drawn decision: its number and its record as JSON."""

    seq: int
    body: bytes


class ChainQuery(msgspec.Struct, frozen=True, kw_only=True):
    """A page of chains, newest first unless `ascending`. Every filter given must hold."""

    limit: int = 50
    before: int | None = None  # seq of the chain's opening, exclusive
    after: int | None = None  # the same
    ascending: bool = False
    session: str | None = None
    status: str | None = None
    owner: str | None = None


class ChainRow(msgspec.Struct, frozen=True, kw_only=True):
    """A drawn chain."""

    seq: int
    id: str
    session: str
    parent: str | None
    status: str
    owner: str
    opened_ms: int
    length: int


class History(Protocol):
    """Reading what was drawn. Nothing here is needed to decide."""

    async def decision(self, decision_id: str) -> DecisionRow | None:
        """One decision by id, None when it is not drawn."""

    async def decisions(self, query: DecisionQuery) -> Sequence[DecisionRow]:
        """A page of decisions."""

    async def chain(self, chain_id: str) -> ChainRow | None:
        """One chain by id, None when it is not drawn."""

    async def chains(self, query: ChainQuery) -> Sequence[ChainRow]:
        """A page of chains."""


class Snapshots(Protocol):
    """Worlds as bytes, so that a start need not fold the whole log. Nothing durable depends on them."""

    async def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep what was folded up to `seq` (at least 1), in place of one of the same number, whole or not at all.

        The two with the highest numbers stay, older ones go. Returns when it is durable.
        """

    async def load_snapshot(self, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The newest one with its number, None when there is none. before: only one with a lower number.

        The bytes are not checked here: whoever saved them must be able to tell.
        """

    async def snapshot_seq(self) -> int:
        """The number of the newest one, 0 when there is none."""

    async def drop_snapshots(self) -> None:
        """Remove all of them: they hold what was erased from the log since."""


class Store(Log, Drawing, History, Snapshots, Leases, Secrets, Protocol):
    """A store that is open; made by wiring, closed by `close`."""

    async def ping(self) -> None:
        """Return when the store answers; StoreUnavailable when it does not."""

    async def close(self) -> None:
        """Give everything back; safe to call twice."""


class Clock(Protocol):
    """Where time comes from outside the core."""

    def __call__(self) -> int:
        """Now, Unix milliseconds UTC."""


class Ids(Protocol):
    """Where ids come from outside the core."""

    def __call__(self) -> str:
        """A new id, unique and growing with time (UUIDv7)."""


class Salts(Protocol):
    """Where the salts of seals come from."""

    def __call__(self) -> bytes:
        """16 random bytes."""


class Notary(Protocol):
    """Holds the keys of logs and what was last signed of them, by origin, outside the store.

    Whoever can change the store must not be able to change this. SettingsError when it cannot be used.
    """

    def key(self, origin: str) -> SigningKey:
        """The key that signs now, made on first use."""

    def keys(self, origin: str) -> KeyHistory:
        """All keys so far."""

    def new_key(self, origin: str) -> SigningKey:
        """Another key, kept nowhere yet."""

    def replace(self, origin: str, key: SigningKey, history: KeyHistory) -> None:
        """From now on this key signs."""

    def last(self, origin: str) -> str | None:
        """The last checkpoint kept, None when there is none."""

    def keep(self, origin: str, note: str) -> None:
        """Keep a checkpoint in place of the last."""
