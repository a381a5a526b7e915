"""Reading a world from a snapshot."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec
from immutables import Map

from graphsvc.core.count import Counted
from graphsvc.core.forgotten import GONE, Forgotten
from graphsvc.core.history import Course, Packed
from graphsvc.core.known import CLOCKS, Memo, Parties
from graphsvc.core.mark import Mark
from graphsvc.core.record import PolicyPublished
from graphsvc.core.retire import ended_cell
from graphsvc.core.snapshot.row import (
    FORMAT,
    Changes,
    CountedRow,
    Format,
    FrontRow,
    HeldRow,
    PartiesRow,
    Snapshot,
)
from graphsvc.core.state import NOWHERE, ChainState, Front, Register, Registers, Scope, Slot
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


def _sessions(world: World, rows: Snapshot) -> None:
    for row in rows.chains:
        if ended_cell(row.session) not in world.cells:
            world.sessions.opened(row.session, row.name)
        else:
            world.sessions.ended.setdefault(row.session, []).append(row.name)
    for key, (_, action) in world.answered.items():
        # Keys are forgotten with the session of their action.
        world.sessions.keyed(cast("Packed", world.history.get(action)).session, key)
    world.sessions.over = rows.over
    world.sessions.due_ms = rows.due_ms


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
        self.marks: list[Mark] = []
        for mark in rows.marks:
            before, beside = self._mark_at(mark.before), self._mark_at(mark.beside)
            own = sum(1 << number for number in mark.own)
            mask = own | (before.mask if before is not None else 0)
            # Of a meeting both sides count; else the second tells where the steps before its own were.
            mask |= beside.mask if beside is not None and not own else 0
            self.marks.append(Mark(mask, mark.action, before, beside))
        self.fronts: list[Front] = []

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
        world.grants.told = {(each.target_kind, each.target): each for each in rows.told}
        world.grants.used = rows.used
        world.signals.by_identity = rows.signals
        world.reviews = {review.decision: review for review in rows.reviews}
        world.approved = set(rows.approved)
        for decided in rows.decided:
            world.decided.add(decided)
        world.decided.missing = len(rows.decided) < len(rows.happened)
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
        for front in rows.fronts:
            self.fronts.append(self._front(front))
        self._cells(world)
        _sessions(world, rows)
        for report in rows.reported:
            past = world.happened(report.action)
            if past is not None and report.tokens:
                world.sightings.add(past.event.session, report.tokens)
        return world

    def _cells(self, world: World) -> None:
        rows, cells = self.rows, world.cells
        parties = [_parties(row) for row in rows.parties]
        for row in rows.happened:
            who = parties[row.who]
            asked = row.subject, row.behind
            world.history.put(
                row.id, Course(row.session, row.chain, asked, who), row.action, row.in_history,
                self.rows.targets[row.what], self._front_at(row.front), row.body,
            )  # fmt: skip
            for name in (f"s:{row.session}", *who.cells):
                world.names_of[name].append(row.id)
        for chain in rows.chains:
            name, session, index, front, *rest = msgspec.structs.astuple(chain)
            cells["c", name] = ChainState(session, index, self._front_at(front), *rest)
        for scope in rows.scopes:
            held = Map({slot: self._cell(value) for slot, value in scope.cells})
            best = sum(mask << world.ruleset.patterns[number].shift for number, mask in scope.best)
            cells[scope.name] = Scope(
                held, Map(scope.levels), best, scope.total, scope.due_ms, scope.limit,
                self.marks[scope.marks], scope.held,
            )  # fmt: skip
        for store in rows.stores:
            cells[store.name] = self._map(store.data)
        cells.update(rows.clocks)
        world.state.newest_ms = max(
            (at for name, at in rows.clocks.items() if name.startswith(CLOCKS)), default=0
        )
        if rows.gone:
            cells[GONE] = Forgotten.from_bytes(rows.gone)
        for cell, guards in rows.foreign:
            cells[cell] = Map({slot: Map(times) for slot, times in guards})

    def _mark_at(self, place: int) -> Mark | None:
        return self.marks[place] if place >= 0 else None

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
            self.marks[row.marks],
            self.marks[row.flow_marks],
        )

    def _changed(self, base: Registers, changes: Changes) -> Registers:
        found, gone = changes
        for slot in gone:
            base = base.delete(slot)
        return base.update(self._map(found)) if found else base

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
