"""Writing a world as a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from operator import itemgetter
from typing import Any, TypeVar, cast

import msgspec
from immutables import Map

from graphsvc.core.count import Counted
from graphsvc.core.forgotten import GONE, Forgotten
from graphsvc.core.history import Packed
from graphsvc.core.known import Parties, Target
from graphsvc.core.mark import Mark
from graphsvc.core.progress import steps_by_pattern
from graphsvc.core.snapshot.row import (
    FORMAT,
    ChainRow,
    Changes,
    CountedRow,
    FrontRow,
    HappenedRow,
    HeldRow,
    MarkRow,
    PartiesRow,
    RegisterRow,
    ScopeRow,
    Snapshot,
    StoreRow,
)
from graphsvc.core.state import NOWHERE, ChainState, Front, Register, Registers, Scope, Slot
from graphsvc.core.world import World

__all__ = ["in_steps", "snapshot"]

T = TypeVar("T")

_STEP = 20  # rows; a row takes some tens of microseconds
_encode = msgspec.msgpack.Encoder().encode


def snapshot(world: World) -> bytes:
    """The world as bytes; the same world gives the same bytes."""
    steps = in_steps(world)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return cast("bytes", done.value)


def in_steps(world: World) -> Generator[None, None, bytes]:
    """The same a little at a time: the world may go on between steps, the bytes are of the first one's moment.

    A step is some tens of rows; only the first takes longer in a larger world, for it copies the mappings.
    """
    writer = _Writer(world)
    yield
    return (yield from writer.written())


def _gone(world: World) -> bytes:
    gone = world.cells.get(GONE)
    return gone.to_bytes() if isinstance(gone, Forgotten) else b""


class _Writer:
    def __init__(self, world: World) -> None:
        # The values are immutable and the mappings are not: copies of those hold the moment, and hold alive what is
        # told apart by identity below.
        self._cells = dict(world.cells)
        self._ruleset = world.ruleset
        self._history = list(world.history.items().items())
        self._decided = list(world.decided.values())
        self._answered = dict(world.answered)
        self._rest = Snapshot(
            format=FORMAT,
            seq=world.seq,
            sources=[
                (name, list(nodes.values()), list(edges.values()))
                for name, (nodes, edges) in world.estate.facts().items()
            ],
            relabelled=dict(world.estate.relabelled()),
            published=list(world.published),
            published_at=list(world.governance.published_at),
            governing=list(world.governance.records),
            granted=list(world.grants.by_id.values()),
            revoked=dict(world.grants.revoked),
            suspended=dict(world.grants.suspended),
            halted={kind: dict(names) for kind, names in world.grants.halts.by_kind.items()},
            told=list(world.grants.told.values()),
            used=dict(world.grants.used),
            signals={name: list(signals) for name, signals in world.signals.by_identity.items()},
            reviews=[
                msgspec.structs.replace(each, covered=sorted(each.covered)) for each in world.reviews.values()
            ],
            approved=sorted(world.approved),
            decided=[],
            answered={},
            reported=list(world.reported.values()),
            cancelled=list(world.cancelled.values()),
            opened=list(world.opened.values()),
            staged={load: (list(nodes), list(edges)) for load, (nodes, edges) in world.staged.items()},
            redrawn=[(seq, sorted(nodes), sorted(edges)) for seq, (nodes, edges) in world.redrawn.items()],
            happened=[],
            chains=[],
            scopes=[],
            stores=[],
            clocks={},
            over=dict(world.sessions.over),
            gone=_gone(world),
            due_ms=world.sessions.due_ms,
            foreign=[],
            registers=[],
            marks=[],
            fronts=[],
            parties=[],
            targets=[],
        )
        # Rows are encoded as soon as they are made, so that no step has to encode everything.
        self.registers: list[bytes] = []
        self.marks: list[bytes] = []
        self.fronts: list[bytes] = []
        self.parties: list[PartiesRow] = []
        self.targets: list[Target] = []
        self._register_places: dict[int, int] = {}  # by identity, which is quicker to look up
        self._content_places: dict[tuple[object, ...], int] = {}
        self._mark_places: dict[int, int] = {}
        self._mark_contents: dict[bytes, int] = {}
        self._front_places: dict[int, int] = {}
        self._fronts: list[Front] = []
        self._parties_places: dict[tuple[object, ...], int] = {}
        self._target_places: dict[tuple[object, ...], int] = {}
        self._last_front: dict[str, int] = {}  # by chain

    def written(self) -> Generator[None, None, bytes]:
        chains: list[tuple[str, ChainState]] = []
        named: list[tuple[str, object]] = []
        for keys in _parts(self._cells):
            for key in keys:
                value = self._cells[key]
                if isinstance(value, ChainState):
                    chains.append((_name(key), value))
                else:
                    named.append((cast("str", key), value))
            yield
        # Names and numbers are unique, so values are never compared.
        chains.sort(key=itemgetter(0))
        named.sort(key=itemgetter(0))
        decided = yield from self._rows(self._decided, _same)
        rows = yield from self._rows(self._history, lambda item: self._happened(*item))
        chain_rows = yield from self._rows(chains, lambda item: self._chain(*item))
        scopes = [(name, value) for name, value in named if isinstance(value, Scope)]
        scope_rows = yield from self._rows(scopes, lambda item: self._scope(*item))
        maps = [(name, value) for name, value in named if isinstance(value, Map)]
        stores = [(name, value) for name, value in maps if name.startswith("r:")]
        store_rows = yield from self._rows(stores, lambda item: self._store(*item))
        foreign = [
            (name, [(slot, dict(sorted(times.items()))) for slot, times in _ordered(value)])
            for name, value in maps
            if name.startswith("u:")
        ]
        yield
        clocks: list[bytes] = []
        for pairs in _parts(named):
            for name, value in pairs:
                if isinstance(value, int):
                    clocks += _encode(name), _encode(value)
            yield
        answered: list[bytes] = []
        for part in _parts(self._answered.items()):
            for pair in part:
                answered += map(_encode, pair)
            yield
        big = {
            "decided": decided,
            "answered": _map(answered),
            "happened": rows,
            "chains": chain_rows,
            "scopes": scope_rows,
            "stores": store_rows,
            "clocks": _map(clocks),
            "registers": _array(self.registers),
            "marks": _array(self.marks),
            "fronts": _array(self.fronts),
        }
        rest = msgspec.structs.replace(
            self._rest, foreign=foreign, parties=self.parties, targets=self.targets
        )
        whole: list[bytes] = []
        for name in rest.__struct_fields__:
            yield
            encoded = big.get(name)
            whole += _encode(name), _encode(getattr(rest, name)) if encoded is None else encoded
        return _map(whole)

    def _rows(self, items: Sequence[T], row: Callable[[T], object]) -> Generator[None, None, bytes]:
        rows: list[bytes] = []
        for part in _parts(items):
            rows += [_encode(row(item)) for item in part]
            yield
        return _array(rows)

    def _register(self, register: Register) -> int:
        place = self._register_places.get(id(register))
        if place is None:
            children = [self._register(child) for child in register.children]
            spares = [self._register(spare) for spare in register.spares]
            row = RegisterRow(
                register.start_ms,
                register.action,
                register.step,
                children,
                register.epoch,
                register.uses,
                spares,
                register.room,
            )
            # Equal registers are one, whoever made them: a world's bytes depend on what it holds alone.
            content = (
                *msgspec.structs.astuple(row)[:3],
                *children,
                None,
                row.epoch,
                row.uses,
                *spares,
                row.room,
            )
            place = self._content_places.setdefault(content, len(self.registers))
            self._register_places[id(register)] = place
            if place == len(self.registers):
                self.registers.append(_encode(row))
        return place

    def _mark(self, mark: Mark) -> int:
        places = self._mark_places
        waiting = [mark]
        while waiting:
            last = waiting[-1]
            if id(last) in places:
                waiting.pop()
                continue
            sides = [side for side in (last.before, last.beside) if side is not None]
            missing = [side for side in sides if id(side) not in places]
            if missing:
                # Ways back are as long as there are bits, too long for calls within calls.
                waiting += missing
                continue
            before, beside = (-1 if side is None else places[id(side)] for side in (last.before, last.beside))
            row = _encode(MarkRow(_numbers(last.own), last.action, before, beside))
            place = self._mark_contents.setdefault(row, len(self.marks))
            places[id(last)] = place
            if place == len(self.marks):
                self.marks.append(row)
        return places[id(mark)]

    def _front(self, front: Front, chain: str) -> int:
        if front == NOWHERE:
            return -1
        place = self._front_places.get(id(front))
        if place is None:
            base = self._last_front.get(chain, -1)
            before = self._fronts[base] if base >= 0 else NOWHERE
            same, same_data = front.flow == front.causal, front.flow_data == front.causal_data
            row = FrontRow(
                base,
                self._changes(before.causal, front.causal),
                None if same else self._changes(before.flow, front.flow),
                self._changes(before.causal_data, front.causal_data),
                None if same_data else self._changes(before.flow_data, front.flow_data),
                self._mark(front.marks),
                self._mark(front.flow_marks),
            )
            place = self._front_places[id(front)] = len(self.fronts)
            self.fronts.append(_encode(row))
            self._fronts.append(front)
        self._last_front[chain] = place
        return place

    def _changes(self, before: Registers, after: Registers) -> Changes:
        if before is after:
            return [], []
        found: list[tuple[Slot, int]] = []
        for slot, register in _ordered(after):
            held, place = before.get(slot), self._register(register)
            if held is not register and (held is None or self._register(held) != place):
                found.append((slot, place))
        gone = [slot for slot, _ in _ordered(before) if slot not in after]
        return found, gone

    def _happened(self, action: str, packed: Packed) -> HappenedRow:
        return HappenedRow(
            action, packed.session, packed.chain, packed.action, packed.in_history, *packed.course.asked,
            self._who(packed.who), self._what(packed.what), self._front(packed.front, packed.chain), packed.body,
        )  # fmt: skip

    def _who(self, who: Parties) -> int:
        # Equal parties of different graph versions are one: what is worked out for them is no part of them.
        node = msgspec.msgpack.encode(who.node)
        name = (who.ids, who.principals, who.holders, node)
        place = self._parties_places.get(name)
        if place is None:
            place = self._parties_places[name] = len(self.parties)
            self.parties.append(
                PartiesRow(
                    who.ids,
                    who.keys,
                    who.actor,
                    who.root,
                    who.principals,
                    who.cells,
                    who.clocks,
                    who.actor_cell,
                    who.root_cell,
                    who.node,
                    who.holders,
                )
            )
        return place

    def _what(self, what: Target) -> int:
        name = (what.key, what.labels, what.tier, msgspec.msgpack.encode(what.node))
        place = self._target_places.get(name)
        if place is None:
            place = self._target_places[name] = len(self.targets)
            self.targets.append(what)
        return place

    def _chain(self, name: str, chain: ChainState) -> ChainRow:
        intent = dict(chain.intent) if chain.intent is not None else None
        return ChainRow(
            name, chain.session, chain.index, self._front(chain.front, name), chain.last_action, chain.parent,
            chain.spawned_from, chain.closed, chain.owner, chain.shared_with, chain.opened_ms, intent,
            chain.used,
        )  # fmt: skip

    def _scope(self, name: str, scope: Scope) -> ScopeRow:
        return ScopeRow(
            name, [(slot, self._cell(value)) for slot, value in _ordered(scope.cells)],
            sorted(scope.levels.items()), list(steps_by_pattern(scope.best, self._ruleset)), scope.total, scope.due_ms,
            scope.limit, self._mark(scope.marks), scope.held,
        )  # fmt: skip

    def _cell(self, value: object) -> int | CountedRow | HeldRow:
        if isinstance(value, Register):
            return HeldRow(self._register(value))
        if isinstance(value, Counted):
            return CountedRow(sorted(value.order.items()), value.first, value.end)
        return cast("int", value)

    def _store(self, name: str, stored: Registers) -> StoreRow:
        return StoreRow(name, [(slot, self._register(register)) for slot, register in _ordered(stored)])


def _parts(items: Iterable[T]) -> Iterator[list[T]]:
    left = iter(items)
    while part := list(islice(left, _STEP)):
        yield part


def _array(rows: list[bytes]) -> bytes:
    """Encoded values as one array (MessagePack's array 32): joining is quicker than encoding a list of them."""
    return b"".join((b"\xdd", len(rows).to_bytes(4, "big"), *rows))


def _map(pairs: list[bytes]) -> bytes:
    """Encoded keys and values in turn as one map (map 32)."""
    return b"".join((b"\xdf", (len(pairs) // 2).to_bytes(4, "big"), *pairs))


def _numbers(bits: int) -> list[int]:
    return [number for number in range(bits.bit_length()) if bits >> number & 1]


def _same(item: object) -> object:
    return item


def _name(key: object) -> str:
    """The name in a key of two parts, such as ("c", chain)."""
    return cast("tuple[str, str]", key)[1]


def _ordered(cells: Map[Slot, object] | Registers) -> list[tuple[Slot, Any]]:
    return sorted(cells.items(), key=lambda item: item[0] if isinstance(item[0], tuple) else (item[0],))
