"""Reading a world from a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec
from immutables import Map

from graphsvc.core.count import Counted
from graphsvc.core.event import Event
from graphsvc.core.known import Memo, Parties
from graphsvc.core.record import PolicyPublished
from graphsvc.core.snapshot.row import (
    FORMAT,
    Changes,
    CountedRow,
    Format,
    FrontRow,
    HappenedRow,
    HeldRow,
    PartiesRow,
    Snapshot,
)
from graphsvc.core.state import NOWHERE, ChainState, Front, Happened, Register, Registers, Scope, Slot, Store
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.errors import BadInput

__all__ = ["restore"]


def _govern(world: World, rows: Snapshot) -> None:
    """Trials, drafts, endorsements and emergencies, told again in the order of the log."""
    told = zip(rows.published_at, rows.published, strict=True)
    governance = world.governance
    for seq, record in sorted([*told, *rows.governing], key=lambda item: item[0]):
        if isinstance(record, PolicyPublished):
            governance.published(record, seq)
        else:
            governance.apply(record, seq)
    if governance.breaks:
        for decided in world.decided.values():
            governance.decided(decided)
    for name in governance.withdrawn:
        world.waiting.pop(name, None)


def restore(data: bytes, *, entitlement: str | None = None) -> World:
    """The world that was written; BadInput when it is not a snapshot of this format."""
    try:
        number = msgspec.msgpack.decode(data, type=Format).format
        if number != FORMAT:
            raise BadInput(f"the snapshot has format {number}, this version reads {FORMAT}", field="snapshot")
        rows = msgspec.msgpack.decode(data, type=Snapshot)
    except msgspec.MsgspecError as error:
        raise BadInput(f"not a snapshot: {error}", field="snapshot") from None
    return _Reader(rows).world(entitlement)


class _Reader:
    def __init__(self, rows: Snapshot) -> None:
        self.rows = rows
        self.registers: list[Register] = []
        for row in rows.registers:
            children = tuple(self.registers[place] for place in row.children)
            spares = tuple(self.registers[place] for place in row.spares)
            self.registers.append(
                Register(row.start_ms, row.action, row.step, children, row.epoch, row.uses, spares, row.room)
            )
        self.fronts: list[Front] = []
        self.bits: dict[int, int] = {}

    def world(self, entitlement: str | None) -> World:
        rows = self.rows
        world = World(entitlement=entitlement)
        world.seq = rows.seq
        for name, nodes, edges in rows.sources:
            world.estate.load(name, nodes, edges, replace=True)
        for key, labels in rows.relabelled.items():
            world.estate.relabel(key, labels)
        for granted in rows.granted:
            world.grants.add(granted)
        for grant, at_ms in rows.revoked.items():
            world.grants.revoke(grant, at_ms)
        world.grants.suspended = rows.suspended
        world.grants.halts.by_kind = rows.halted
        world.grants.used = rows.used
        world.signals.by_identity = rows.signals
        world.reviews = {review.decision: review for review in rows.reviews}
        world.approved = set(rows.approved)
        world.decided = {decided.request.id: decided for decided in rows.decided}
        world.waiting = {
            name: decided
            for name, decided in world.decided.items()
            if decided.answered is Verdict.ESCALATE and name not in world.reviews
        }
        world.answered = rows.answered
        world.reported = {record.action: record for record in rows.reported}
        world.cancelled = {record.action: record for record in rows.cancelled}
        world.opened = {record.chain: (seq, record) for seq, record in rows.opened}
        world.staged = rows.staged
        world.redrawn = {seq: (set(nodes), set(edges)) for seq, nodes, edges in rows.redrawn}
        world.published = rows.published
        world.packs = {pack.pack: pack for pack in rows.published}
        _govern(world, rows)
        world.compile()
        self.bits = world.ruleset.bits
        for front in rows.fronts:
            self.fronts.append(self._front(front))
        self._cells(world)
        for report in rows.reported:
            past = world.happened(report.action)
            if past is not None and report.tokens:
                world.sightings.add(past.event.session, report.tokens)
        return world

    def _cells(self, world: World) -> None:
        rows, cells = self.rows, world.cells
        parties = [_parties(row) for row in rows.parties]
        for row in rows.happened:
            happened = self._happened(row, world, parties)
            cells["e", row.id] = happened
            for name in row.scopes:
                world.names_of.setdefault(name, []).append(row.id)
        for chain in rows.chains:
            name, session, index, front, *rest = msgspec.structs.astuple(chain)
            cells["c", name] = ChainState(session, index, self._front_at(front), *rest)
        for scope in rows.scopes:
            held = Map({slot: self._cell(value) for slot, value in scope.cells})
            cells[scope.name] = Scope(
                scope.newest_ms, held, Map(scope.levels), Map(scope.micros), scope.total, scope.due_ms,
                scope.limit,
                self._reached(held),
                scope.held,
            )  # fmt: skip
        for store in rows.stores:
            cells[store.name] = Store(store.newest_ms, self._map(store.data))
        for cell, guards in rows.foreign:
            cells[cell] = Map({slot: Map(times) for slot, times in guards})

    def _happened(self, row: HappenedRow, world: World, parties: list[Parties]) -> Happened:
        request = row.request if row.request is not None else world.decided[row.id].request
        reviewed = None
        if row.reviewed is not None:
            reviewed = cast("Happened", world.cells["e", row.reviewed]).event
        event = Event(
            request, row.at_ms, row.session, row.index, parties[row.who], self.rows.targets[row.what],
            world.ruleset.candidates(request.action).declaration, frozenset(row.labels), row.destination, reviewed,
        )  # fmt: skip
        return Happened(
            row.seq, event, row.in_history, row.scopes, self._front_at(row.front), row.inputs, row.reported
        )

    def _front_at(self, place: int) -> Front:
        return self.fronts[place] if place >= 0 else NOWHERE

    def _front(self, row: FrontRow) -> Front:
        base = self._front_at(row.base)
        causal = self._changed(base.causal, row.causal)
        causal_data = self._changed(base.causal_data, row.causal_data)
        return Front(
            causal,
            causal if row.flow is None else self._changed(base.flow, row.flow),
            causal_data,
            causal_data if row.flow_data is None else self._changed(base.flow_data, row.flow_data),
            self._reached_after(base.reached, causal, row.causal),
        )

    def _reached_after(self, before: int, causal: Registers, changes: Changes) -> int:
        found, gone = changes
        # What is gone may still be reached by another slot.
        return self._reached(causal) if gone else before | self._reached(slot for slot, _ in found)

    def _changed(self, base: Registers, changes: Changes) -> Registers:
        found, gone = changes
        for slot in gone:
            base = base.delete(slot)
        return base.update(self._map(found)) if found else base

    def _reached(self, slots: Iterable[Slot]) -> int:
        reached = 0
        for slot in slots:
            reached |= self.bits.get(slot, 0)  # type: ignore[arg-type]  # a slot with a key is not there
        return reached

    def _map(self, pairs: Iterable[tuple[Slot, int]]) -> Registers:
        return Map({slot: self.registers[place] for slot, place in pairs})

    def _cell(self, value: int | CountedRow | HeldRow) -> object:
        if isinstance(value, HeldRow):
            return self.registers[value.register]
        if isinstance(value, CountedRow):
            order = dict(value.order)
            places = {entry[0]: number for number, entry in order.items()}
            return Counted(Map(order), Map(places), value.first, value.end)
        return value


def _parties(row: PartiesRow) -> Parties:
    return Parties(**msgspec.structs.asdict(row), memo=Memo())
