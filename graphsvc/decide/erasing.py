"""Erasing who a person is: from the graph, from what imports said of them in the log, and from all that was made of both.

Ids stay, for decisions name them. A record keeps its number, its line and its leaf, so every proof holds. Aliases that other
records name stay too, or the log would fold to something else; they are told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, field

import msgspec

from graphsvc.core.codec import decode_records, erase_records
from graphsvc.core.erasure import scrubbed, sign_erasure, values_of, without
from graphsvc.core.graph import Node
from graphsvc.core.record import GraphStaged
from graphsvc.core.value import format_time
from graphsvc.core.world import World
from graphsvc.decide.audit import AuditLog, origin_of
from graphsvc.decide.command import Caller
from graphsvc.decide.draw import LABELS
from graphsvc.decide.ports import NodeStroke, Notary, Strokes
from graphsvc.decide.service import GraphsvcService
from graphsvc.decide.truncation import rebase, redraw
from graphsvc.errors import BadInput

__all__ = ["Erased", "erase"]

_PAGE = 200


@dataclass(slots=True)
class Erased:
    """What was found: sources that name the person, records of imports that did, aliases that stay, and other records in
    which a value stands that was erased elsewhere, by kind.
    """

    sources: list[str] = field(default_factory=list)
    records: int = 0
    kept: list[str] = field(default_factory=list)
    elsewhere: dict[str, int] = field(default_factory=dict)
    cut_off: int = 0


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
    values, aliases, changed = await _read(service, world_key, properties)
    named = await _named(service, values)
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
            lambda record: (
                without(record, world_key, properties, found.kept)
                if isinstance(record, GraphStaged)
                else record
            ),
            lambda place, stored, entry=entry: sign_erasure(  # type: ignore[misc]
                key, seq=entry.first + place, size=size, stored=stored, at=at
            ),
        )
        await store.rewrite(entry, body)
    await rebase(store, notary, lambda world: _scrub_world(world, world_key, properties, found.kept))
    await store.drop_snapshots()
    return found


def _scrub_world(world: World, key: str, properties: Collection[str], kept: Collection[str]) -> None:
    for source, (nodes, _) in list(world.estate.facts().items()):
        node = nodes.get(key)
        world.estate.load(
            source, [] if node is None else [scrubbed(node, properties, kept)], [], replace=False
        )


async def _read(
    service: GraphsvcService, key: str, properties: Collection[str]
) -> tuple[set[str], set[str], list[int]]:
    """What imports said of the person, their aliases, and the first numbers of the entries that say it."""
    values: set[str] = set()
    aliases: set[str] = set()
    changed: list[int] = []
    after = 0
    while page := await service.store.read(after=after, limit=_PAGE):
        for entry in page:
            nodes = [
                node
                for record in decode_records(entry.body)
                if isinstance(record, GraphStaged)
                for node in record.nodes
                if node.key == key
            ]
            here = {value for node in nodes for value in values_of(node, properties)}
            if here:
                changed.append(entry.first)
            values |= here
            aliases |= {str(each) for node in nodes for each in _aliases(node)}
            after = entry.seq
        await asyncio.sleep(0)
    return values, aliases, changed


def _aliases(node: Node) -> list[object]:
    found = node.fields.get("aliases")
    return [*found] if isinstance(found, list) else []


async def _named(service: GraphsvcService, values: set[str]) -> dict[str, dict[str, int]]:
    """In how many records of which kind, imports apart, each value stands as a text of its own."""
    found: dict[str, dict[str, int]] = {}
    wanted = {value: msgspec.json.encode(value) for value in values}
    after = 0
    while wanted and (page := await service.store.read(after=after, limit=_PAGE)):
        for entry in page:
            for record in decode_records(entry.body):
                if isinstance(record, GraphStaged):
                    continue
                text = msgspec.json.encode(record)
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
