"""Policy administration: changes of chains, packs and the graph, as jobs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from graphsvc.core.graph import Edge, Node
from graphsvc.core.intent import check_intent, check_template
from graphsvc.core.record import (
    ChainClosed,
    ChainOpened,
    GraphCommitted,
    GraphStaged,
    Record,
    SourceRemoved,
)
from graphsvc.core.retire import has_ended
from graphsvc.core.state import ChainState
from graphsvc.core.value import Json
from graphsvc.core.world import World
from graphsvc.decide.cell import GRAPH, chain_cell
from graphsvc.decide.command import Caller
from graphsvc.decide.jobs import ChangeJob, Moment, check_owner, check_session
from graphsvc.errors import BadInput, Conflict, NotAllowed

__all__ = [
    "close_chain",
    "commit_graph",
    "known_identity",
    "open_chain",
    "remove_source",
    "rollback_policy",
    "stage_graph",
]  # fmt: skip

STAGE_LIMIT = 5_000
_MAX_TEXT = 1_000


def open_chain(
    caller: Caller,
    chain: str,
    session: str | None,
    parent_chain: str | None,
    shared_with: tuple[str, ...],
    intent: dict[str, Json] | None,
) -> ChangeJob:
    """Open a chain that nobody has used."""
    chain = chain.removeprefix("chain:")
    if not chain:
        raise BadInput("must not be empty", field="chain")
    if chain == parent_chain:
        raise BadInput("a chain cannot be its own parent", field="parentChain")
    check_intent(intent)

    def build(now: Moment) -> list[Record]:
        check_template(intent, now.world.ruleset.intents)
        check_owner(now.overlay, caller, chain)
        held = now.overlay.get(("c", chain))
        if isinstance(held, ChainState) and held.used:
            raise Conflict(f"chain `{chain}` is open already; its first use fixed its session and owner")
        if held is None and has_ended(now.overlay, session or chain, (chain, *_named(parent_chain))):
            raise Conflict(
                f"chain `{chain}` ended long ago, or is to belong to what did; choose another name"
            )
        if parent_chain is not None:
            check_owner(now.overlay, caller, parent_chain)
        check_session(now.world, now.overlay, caller, session)
        return [
            ChainOpened(
                at_ms=now.at_ms,
                chain=chain,
                session=session,
                parent_chain=parent_chain,
                owner=caller.subject,
                shared_with=shared_with,
                intent=intent,
            )
        ]

    cells = {chain_cell(chain), *([chain_cell(parent_chain)] if parent_chain else [])}
    return ChangeJob(build, frozenset(cells), reads=frozenset(cells))


def _named(chain: str | None) -> tuple[str, ...]:
    return () if chain is None else (chain,)


def close_chain(caller: Caller, chain: str) -> ChangeJob:
    """Close a chain that is open."""

    def build(now: Moment) -> list[Record]:
        check_owner(now.overlay, caller, chain)
        held = now.overlay.get(("c", chain))
        if not isinstance(held, ChainState) or not held.used:
            raise BadInput(f"no chain `{chain}`", field="chain")
        if held.closed:
            raise Conflict(f"chain `{chain}` is closed already")
        return [ChainClosed(at_ms=now.at_ms, chain=chain, by=caller.subject)]

    cells = frozenset((chain_cell(chain),))
    return ChangeJob(build, cells, reads=cells)


def rollback_policy(
    caller: Caller, pack: str, version: str | None, comment: str, *, signed: bool = False
) -> ChangeJob:
    """Publish an earlier text of a pack again. version: None, the one before what is in force.

    One person may, for it was in force before. signed: only a text that a trusted key had signed.
    """

    def build(now: Moment) -> list[Record]:
        held = now.world.packs.get(pack)
        if held is None:
            raise BadInput(f"no pack `{pack}`", field="pack")
        earlier = [
            each
            for each in now.world.published
            if each.pack == pack and each.sha256 != held.sha256 and version in {None, each.version}
        ]
        if not earlier:
            if version is None:
                raise Conflict(f"pack `{pack}` has had one text only")
            versions = dict.fromkeys(each.version for each in now.world.published if each.pack == pack)
            raise BadInput(
                f"no other text of `{pack}` was published as version `{version}`; there were {', '.join(versions)}",
                field="version",
            )
        if signed and not earlier[-1].signed_by:
            raise NotAllowed(
                f"that text of `{pack}` was not signed by a trusted key; sign it and publish it anew"
            )
        told = f"rolled back from {held.version}" + (f": {comment}" if comment else "")
        record = msgspec.structs.replace(
            earlier[-1], at_ms=now.at_ms, by=caller.subject, comment=told[:_MAX_TEXT]
        )
        now.world.publish([record])
        return [record]

    return ChangeJob(build, frozenset((GRAPH,)))


def stage_graph(load: str, nodes: Sequence[Node], edges: Sequence[Edge]) -> Iterator[ChangeJob]:
    """Parts of a load, each a log entry of bounded size that nobody sees yet."""
    for start in range(0, len(nodes), STAGE_LIMIT):
        yield _stage(load, tuple(nodes[start : start + STAGE_LIMIT]), ())
    for start in range(0, len(edges), STAGE_LIMIT):
        yield _stage(load, (), tuple(edges[start : start + STAGE_LIMIT]))


def _stage(load: str, nodes: tuple[Node, ...], edges: tuple[Edge, ...]) -> ChangeJob:
    def build(now: Moment) -> list[Record]:
        return [GraphStaged(at_ms=now.at_ms, load=load, nodes=nodes, edges=edges)]

    return ChangeJob(build, frozenset((f"l:{load}",)), reads=frozenset())


def commit_graph(caller: Caller, load: str, source: str, *, replace: bool) -> ChangeJob:
    """Make a staged load visible."""
    if not source:
        raise BadInput("name the source, such as aws-prod", field="source")

    def build(now: Moment) -> list[Record]:
        return [GraphCommitted(at_ms=now.at_ms, load=load, source=source, replace=replace, by=caller.subject)]

    return ChangeJob(build, frozenset((GRAPH,)), reads=frozenset())


def remove_source(caller: Caller, source: str) -> ChangeJob:
    """Forget a source; BadInput when there is none of that name."""

    def build(now: Moment) -> list[Record]:
        if source not in now.world.estate.sources:
            raise BadInput(
                f"no source `{source}`; there is {', '.join(now.world.estate.sources) or 'none'}",
                field="source",
            )
        return [SourceRemoved(at_ms=now.at_ms, source=source, by=caller.subject)]

    return ChangeJob(build, frozenset((GRAPH,)))


def known_identity(world: World, identity: str) -> str:
    """The id of an identity of the graph; BadInput when there is none of that name."""
    key = world.estate.identity_key(identity)
    if key is None:
        raise BadInput(f"no identity `{identity}` in the graph", field="identity")
    return key.removeprefix("identity:")
