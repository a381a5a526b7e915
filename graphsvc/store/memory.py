"""The reference store: everything in this process, nothing kept afterwards.

The other stores must behave like this one; the conformance suite compares them. It never waits inside
a step, so the event loop makes each step atomic.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from msgspec.structs import replace

from graphsvc.decide.ports import (
    KEPT,
    Accepted,
    Base,
    ChainQuery,
    ChainRow,
    DecisionQuery,
    DecisionRow,
    Draft,
    Entry,
    Refused,
    Strokes,
)
from graphsvc.errors import Conflict, StoreSwapped, StoreUnavailable
from graphsvc.store.base import check_base
from graphsvc.store.stroke import check_strokes

__all__ = ["MemoryStore", "open_memory"]

Property = bool | int | float | str | list[str]


@dataclass(slots=True)
class _Node:
    label: str
    properties: dict[str, Property] = field(default_factory=dict)


class MemoryStore:
    """A Store whose log and drawing are plain lists and dictionaries."""

    def __init__(self) -> None:
        self._incarnation = secrets.token_hex(6)
        self._salt = secrets.token_bytes(32)
        self._entries: list[Entry] = []
        self._by_id: dict[str, Entry] = {}
        self._nodes: dict[str, _Node] = {}
        self._edges: dict[tuple[str, str, str], Mapping[str, Property]] = {}
        self._drawn = 0
        self._snapshots: dict[int, bytes] = {}
        self._base: Base | None = None
        self._leases: dict[str, tuple[str, float]] = {}
        self._is_open = True

    @property
    def incarnation(self) -> str:
        """Names this life of the store."""
        return self._incarnation

    async def salt(self) -> bytes:
        """32 random bytes of this store."""
        self._check_open()
        return self._salt

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        """Write the draft as the next entry unless the tail after `seen` touches a cell in `reads`."""
        self._check_open()
        head = self._head()
        if seen > head:
            raise StoreSwapped(f"the log ends at {head}, before {seen}, which was seen: another store")
        tail = self._after(seen)
        if tail:
            read = frozenset(reads)
            if any(not read.isdisjoint(entry.cells) for entry in tail):
                return Refused(tail)
        if draft.id in self._by_id:
            raise Conflict(f"an entry with the id `{draft.id}` exists already")
        entry = Entry(seq=head + draft.count, first=head + 1, id=draft.id, cells=draft.cells, body=draft.body)
        self._entries.append(entry)
        self._by_id[entry.id] = entry
        return Accepted(entry, tail)

    def _head(self) -> int:
        return self._entries[-1].seq if self._entries else self._cut()

    def _cut(self) -> int:
        return self._base.seq if self._base is not None else 0

    def _after(self, seq: int) -> tuple[Entry, ...]:
        seq = max(seq, self._cut())
        index = len(self._entries)
        while index and self._entries[index - 1].seq > seq:
            index -= 1
        return tuple(self._entries[index:])

    async def read(self, *, after: int, limit: int) -> Sequence[Entry]:
        """Entries with seq > `after`, oldest first, at most `limit`."""
        self._check_open()
        return self._after(after)[:limit]

    async def find(self, entry_id: str) -> Entry | None:
        """The entry of a draft's id."""
        self._check_open()
        return self._by_id.get(entry_id)

    async def head(self) -> int:
        """The newest number, 0 in an empty store."""
        self._check_open()
        return self._head()

    async def base(self) -> Base | None:
        """What was cut off."""
        self._check_open()
        return self._base

    async def set_base(self, base: Base) -> None:
        """The log begins behind `base.seq` from now on."""
        self._check_open()
        ends = [entry.seq for entry in self._entries]
        check_base(base.seq, cut=self._cut(), head=self._head(), ends_there=base.seq in ends)
        self._base = base

    async def prune(self, limit: int) -> int:
        """Remove entries that the base covers."""
        self._check_open()
        gone = [entry for entry in self._entries[:limit] if entry.seq <= self._cut()]
        del self._entries[: len(gone)]
        for entry in gone:
            del self._by_id[entry.id]
        return len(gone)

    async def rewrite(self, entry: Entry, body: bytes) -> None:
        """Give an entry another body."""
        self._check_open()
        if entry not in self._entries:
            raise Conflict(f"entry `{entry.id}` is not there as it was read")
        changed = replace(entry, body=body)
        self._entries[self._entries.index(entry)] = self._by_id[entry.id] = changed

    async def drop_snapshots(self) -> None:
        """Remove all snapshots."""
        self._check_open()
        self._snapshots.clear()

    async def drawn(self) -> int:
        """The number up to which the graph is drawn."""
        self._check_open()
        return self._drawn

    async def draw(self, strokes: Strokes, *, expected: int, drawn: int) -> bool:
        """Draw and move the cursor, both or neither; False when the cursor is not at `expected`."""
        self._check_open()
        check_strokes(strokes)
        if self._drawn != expected:
            return False
        for stroke in strokes.nodes:
            node = self._nodes.get(stroke.key)
            if node is None:
                node = self._nodes[stroke.key] = _Node(stroke.label)
            node.label = stroke.label
            if stroke.whole:
                node.properties = {name: node.properties[name] for name in KEPT if name in node.properties}
            _set(node.properties, stroke.properties)
        for line in strokes.edges:
            if line.start in self._nodes and line.end in self._nodes:
                triple = (line.type, line.start, line.end)
                before = self._edges.get(triple)
                if before is None or line.whole or line.properties:
                    # Most edges say nothing more, and share it.
                    after: dict[str, Property] = {} if before is None or line.whole else dict(before)
                    _set(after, line.properties)
                    self._edges[triple] = after or _NOTHING
        for triple in strokes.removed_edges:
            self._edges.pop(triple, None)
        gone = {key for key in strokes.removed_nodes if self._nodes.pop(key, None) is not None}
        if gone:
            self._edges = {
                triple: properties
                for triple, properties in self._edges.items()
                if triple[1] not in gone and triple[2] not in gone
            }
        self._drawn = drawn
        return True

    async def count(self) -> dict[str, int]:
        """How many nodes there are by label and edges by type; nothing is listed with 0."""
        self._check_open()
        nodes = Counter(node.label for node in self._nodes.values())
        return dict(nodes + Counter(edge_type for edge_type, _, _ in self._edges))

    async def decision(self, decision_id: str) -> DecisionRow | None:
        """One decision by id."""
        self._check_open()
        found = [node for node in self._labelled("Decision") if node.get("id") == decision_id]
        return _decision_row(found[0]) if found else None

    async def decisions(self, query: DecisionQuery) -> Sequence[DecisionRow]:
        """A page of decisions."""
        self._check_open()
        found = [node for node in self._labelled("Decision") if _is_wanted(node, query)]
        found.sort(key=lambda node: _int(node["seq"]), reverse=not query.ascending)
        return [_decision_row(node) for node in found[: query.limit]]

    async def chain(self, chain_id: str) -> ChainRow | None:
        """One chain by id."""
        self._check_open()
        found = [node for node in self._labelled("Chain") if node.get("id") == chain_id]
        return _chain_row(found[0]) if found else None

    async def chains(self, query: ChainQuery) -> Sequence[ChainRow]:
        """A page of chains."""
        self._check_open()
        found = [
            node
            for node in self._labelled("Chain")
            if "seq" in node
            and (query.before is None or _int(node["seq"]) < query.before)
            and (query.after is None or _int(node["seq"]) > query.after)
            and (query.session is None or node.get("session") == query.session)
            and (query.status is None or node.get("status") == query.status)
            and (query.owner is None or node.get("owner") == query.owner)
        ]
        found.sort(key=lambda node: _int(node["seq"]), reverse=not query.ascending)
        return [_chain_row(node) for node in found[: query.limit]]

    def _labelled(self, label: str) -> Iterator[dict[str, Property]]:
        return (node.properties for node in self._nodes.values() if node.label == label)

    async def save_snapshot(self, seq: int, body: bytes) -> None:
        """Keep it and the one before it."""
        self._check_open()
        self._snapshots[seq] = body
        for old in sorted(self._snapshots)[:-2]:
            del self._snapshots[old]

    async def load_snapshot(self, *, before: int | None = None) -> tuple[int, bytes] | None:
        """The newest one, or the newest one before a number."""
        self._check_open()
        return max(
            ((seq, body) for seq, body in self._snapshots.items() if before is None or seq < before),
            default=None,
        )

    async def snapshot_seq(self) -> int:
        """The number of the newest one, 0 when there is none."""
        self._check_open()
        return max(self._snapshots, default=0)

    async def lease(self, name: str, holder: str, ttl_ms: int) -> bool:
        """Take, renew or give back a lease."""
        self._check_open()
        now_s = time.monotonic()
        held = self._leases.get(name)
        if held is not None and held[0] != holder and now_s < held[1]:
            return False
        self._leases[name] = (holder, now_s + ttl_ms / 1000)
        return True

    async def ping(self) -> None:
        """Return when the store answers."""
        self._check_open()

    async def close(self) -> None:
        """Forget that it was open; safe to call twice."""
        self._is_open = False

    def _check_open(self) -> None:
        if not self._is_open:
            raise StoreUnavailable("the store is closed")


async def open_memory() -> MemoryStore:
    """A new, empty store."""
    return MemoryStore()


_NOTHING: Mapping[str, Property] = MappingProxyType({})


def _set(
    target: dict[str, Property], changes: dict[str, bool | int | float | str | list[str] | None]
) -> None:
    for name, value in changes.items():
        if value is None:
            target.pop(name, None)
        else:
            target[name] = list(value) if isinstance(value, list) else value


def _is_wanted(node: dict[str, Property], query: DecisionQuery) -> bool:
    if "seq" not in node:
        return False
    seq, at_ms, patterns = _int(node["seq"]), _int(node.get("at_ms", 0)), node.get("patterns", [])
    return (
        (query.before is None or seq < query.before)
        and (query.after is None or seq > query.after)
        and (query.subject is None or node.get("subject") == query.subject)
        and (query.verdict is None or node.get("verdict") == query.verdict)
        and (query.pattern is None or (isinstance(patterns, list) and query.pattern in patterns))
        and (query.chain is None or node.get("chain") == query.chain)
        and (query.from_ms is None or at_ms >= query.from_ms)
        and (query.to_ms is None or at_ms < query.to_ms)
    )


def _decision_row(node: dict[str, Property]) -> DecisionRow:
    return DecisionRow(_int(node["seq"]), str(node.get("body", "")).encode())


def _chain_row(node: dict[str, Property]) -> ChainRow:
    parent = node.get("parent")
    return ChainRow(
        seq=_int(node["seq"]),
        id=str(node["id"]),
        session=str(node.get("session", "")),
        parent=None if parent is None else str(parent),
        status=str(node.get("status", "")),
        owner=str(node.get("owner", "")),
        opened_ms=_int(node.get("opened_ms", 0)),
        length=_int(node.get("length", 0)),
    )


def _int(value: Property) -> int:
    assert isinstance(value, int)
    return value
