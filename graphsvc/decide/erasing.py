"""Erasing who a person is: from the graph, from what imports and enforcement points said of them in the log, and from all that
was made of both.

Ids stay, for decisions name them. A record keeps its number, its line and its leaf, so every proof holds. What the log would fold
to something else without stays too, and is told: aliases that other records name, and properties of a subject that a rule reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import partial

import msgspec

from graphsvc.core.codec import decode_records, erase_records
from graphsvc.core.erasure import (
    claims_of,
    scrubbed,
    sign_erasure,
    unclaimed,
    values_of,
    without,
    without_claims,
)
from graphsvc.core.graph import Node
from graphsvc.core.record import Decided, GraphStaged, Record
from graphsvc.core.request import Entity
from graphsvc.core.value import format_time
from graphsvc.core.world import World
from graphsvc.decide.audit import AuditLog, origin_of
from graphsvc.decide.claim import claims_read
from graphsvc.decide.command import Caller
from graphsvc.decide.draw import LABELS, draw
from graphsvc.decide.ports import NodeStroke, Notary, Strokes
from graphsvc.decide.service import GraphsvcService
from graphsvc.decide.truncation import rebase, redraw
from graphsvc.errors import BadInput

__all__ = ["Erased", "erase"]

_PAGE = 200


@dataclass(slots=True)
class Erased:
    """What was found: sources that name the person, entries of the log that say something of them, aliases that stay, properties
    of subjects that stay because rules read them, and other records in which a value stands that was erased elsewhere, by kind.
    """

    sources: list[str] = field(default_factory=list)
    records: int = 0
    read: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    elsewhere: dict[str, int] = field(default_factory=dict)
    cut_off: int = 0


@dataclass(frozen=True, slots=True)
class _Person:
    """Whom it is about. key: of their node; names: what records call them. properties, claims: casefolded names of what goes,
    from facts and from what was said of them in requests.
    """

    key: str
    names: frozenset[str]
    properties: Collection[str]
    claims: Collection[str]

    def told(self, entity: Entity) -> Entity:
        """A subject or delegator without what goes, the very same where nothing does."""
        return unclaimed(entity, self.claims) if entity.id in self.names else entity

    def decided(self, record: Decided) -> Decided:
        """A decision without what goes, the very same where nothing does."""
        return without_claims(record, self.told)

    def values(self, record: Record) -> Iterator[str]:
        """The texts that go from a record."""
        if isinstance(record, GraphStaged):
            for node in record.nodes:
                if node.key == self.key:
                    yield from values_of(node, self.properties)
        for entity in self._named(record):
            yield from claims_of(entity, self.claims)

    def staying(self, record: Record) -> Iterator[str]:
        """Names of properties that a decision says of them and rules read."""
        for entity in self._named(record):
            told = {name.casefold() for name in entity.properties}
            yield from told.intersection(self.properties).difference(self.claims)

    def _named(self, record: Record) -> Iterator[Entity]:
        if isinstance(record, Decided):
            named = (record.request.subject, *record.request.on_behalf_of)
            yield from (each for each in named if each.id in self.names)

    def changed(self, record: Record, kept: Collection[str]) -> Record:
        """A record as it is stored from now on. kept: aliases that stay."""
        if isinstance(record, GraphStaged):
            return without(record, self.key, self.properties, kept)
        return self.decided(record) if isinstance(record, Decided) else record


async def erase(
    service: GraphsvcService,
    notary: Notary,
    caller: Caller,
    identity: str,
    properties: Collection[str],
    now_ms: int,
    *,
    dry_run: bool,
) -> Erased:
    """Erase; BadInput for an unknown identity. properties: casefolded names of what goes beside the name and the aliases."""
    store = service.store
    world_key = service.world.estate.identity_key(identity)
    if world_key is None:
        raise BadInput(f"identity: no identity `{identity}`", field="identity")
    base = await store.base()
    found = Erased(cut_off=0 if base is None else base.seq)
    person = _person(service.world, world_key, properties)
    values, aliases, changed = await _read(service, person, found)
    named = await _named(service, values, person)
    found.kept = sorted(aliases & named.keys())
    for value in named:
        for kind, count in named[value].items():
            found.elsewhere[kind] = found.elsewhere.get(kind, 0) + count
    found.records = len(changed)
    facts = service.world.estate.facts()
    found.sources = [source for source, (nodes, _) in facts.items() if world_key in nodes]
    if dry_run:
        return found
    held = {source: nodes.get(world_key) for source, (nodes, _) in facts.items()}
    for source, node in held.items():
        # All of them, in their order: whose import came last decides what is true of other nodes.
        told = [] if node is None else [scrubbed(node, properties, found.kept)]
        await service.load_graph(caller, source, told, [], replace=False)
    await service.wait_drawn()
    await _undraw(service, world_key, [node for node in held.values() if node is not None], properties)
    # The log now holds what was just loaded as well; that needs nothing.
    log = AuditLog(store, notary)
    size = (await log.checkpoint()).checkpoint.size
    key, at = await asyncio.to_thread(notary.key, origin_of(store)), format_time(now_ms)
    for first in changed:
        (entry,) = await store.read(after=first - 1, limit=1)
        body = erase_records(
            entry.body,
            entry.id,
            partial(person.changed, kept=found.kept),
            lambda place, stored, entry=entry: sign_erasure(  # type: ignore[misc]
                key, seq=entry.first + place, size=size, stored=stored, at=at
            ),
        )
        # First: an entry that was rewritten is not found again by whoever repeats an erasure that was cut off.
        await _draw_again(service, entry.first, decode_records(entry.body), person)
        await store.rewrite(entry, body)
    _disclaim(service.world, person)
    await rebase(store, notary, lambda world: _scrub_world(world, person, found.kept))
    await store.drop_snapshots()
    return found


def _person(world: World, key: str, properties: Collection[str]) -> _Person:
    nodes = [node for held, _ in world.estate.facts().values() for node in held.values()]
    read = claims_read(world)
    names = {key, key.partition(":")[2]}
    names |= {str(each) for node in nodes if node.key == key for each in _aliases(node)}
    wanted = frozenset(properties)
    claims = frozenset[str]() if read is None else wanted - read
    return _Person(key, frozenset(names), wanted, claims)


def _disclaim(world: World, person: _Person) -> None:
    world.history.disclaim(person.told)
    world.decided.change(person.decided)


def _scrub_world(world: World, person: _Person, kept: Collection[str]) -> None:
    for source, (nodes, _) in list(world.estate.facts().items()):
        node = nodes.get(person.key)
        told = [] if node is None else [scrubbed(node, person.properties, kept)]
        world.estate.load(source, told, [], replace=False)
    _disclaim(world, person)


async def _read(
    service: GraphsvcService, person: _Person, found: Erased
) -> tuple[set[str], set[str], list[int]]:
    """What records say of the person, their aliases, and the first numbers of the entries that say it."""
    values: set[str] = set()
    stay: set[str] = set()
    aliases: set[str] = set()
    changed: list[int] = []
    after = 0
    while page := await service.store.read(after=after, limit=_PAGE):
        for entry in page:
            records = decode_records(entry.body)
            here = {value for record in records for value in person.values(record)}
            if here or any(person.changed(record, ()) != record for record in records):
                changed.append(entry.first)
            values |= here
            stay |= {name for record in records for name in person.staying(record)}
            staged = (record for record in records if isinstance(record, GraphStaged))
            nodes = (node for record in staged for node in record.nodes if node.key == person.key)
            aliases |= {str(each) for node in nodes for each in _aliases(node)}
            after = entry.seq
        await asyncio.sleep(0)
    found.read = sorted(stay)
    return values, aliases, changed


async def _draw_again(service: GraphsvcService, first: int, records: list[Record], person: _Person) -> None:
    """Draw the decisions of an entry without what went from them."""
    for place, record in enumerate(records):
        if isinstance(record, Decided) and (changed := person.decided(record)) is not record:
            strokes = draw(changed, first + place)
            nodes = [stroke for stroke in strokes.nodes if stroke.label == "Decision"]
            await redraw(service.store, Strokes(nodes=nodes))


def _aliases(node: Node) -> list[object]:
    found = node.fields.get("aliases")
    return [*found] if isinstance(found, list) else []


async def _named(service: GraphsvcService, values: set[str], person: _Person) -> dict[str, dict[str, int]]:
    """In how many records of which kind, imports apart, each value stands as a text of its own."""
    found: dict[str, dict[str, int]] = {}
    wanted = {value: msgspec.json.encode(value) for value in values}
    after = 0
    while wanted and (page := await service.store.read(after=after, limit=_PAGE)):
        for entry in page:
            for record in decode_records(entry.body):
                if isinstance(record, GraphStaged):
                    continue
                text = msgspec.json.encode(person.changed(record, ()))
                for value, encoded in wanted.items():
                    if encoded in text:
                        counts = found.setdefault(value, {})
                        kind = str(type(record).__struct_config__.tag)
                        counts[kind] = counts.get(kind, 0) + 1
            after = entry.seq
        await asyncio.sleep(0)
    return found


async def _undraw(service: GraphsvcService, key: str, nodes: list[Node], properties: Collection[str]) -> None:
    gone: dict[str, bool | int | float | str | list[str] | None] = {"name": None, "aliases": None}
    gone |= {name: None for node in nodes for name in node.properties if name.casefold() in properties}
    held = service.world.estate.node(key)
    kept = held.fields.get("aliases") if held is not None else None
    if isinstance(kept, list) and kept:
        gone["aliases"] = [str(each) for each in kept]
    await redraw(service.store, Strokes(nodes=[NodeStroke(LABELS["identity"], key, gone)]))
