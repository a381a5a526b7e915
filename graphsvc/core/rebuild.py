"""History told again when something became known late: labels of a result, or that an action did not happen.

Either everything is built again, or only some scopes, or, for what happened a moment ago, these scopes are taken back to
before the action and forward again. All three leave the same state; the tests compare them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from graphsvc.core.evaluate import evaluate
from graphsvc.core.record import ChainOpened
from graphsvc.core.state import ChainState, Happened

if TYPE_CHECKING:
    from graphsvc.core.world import World

__all__ = ["happen_otherwise", "rebuild"]


def rebuild(world: World, scopes: frozenset[str] | None = None) -> None:
    """Registers from history again, as if what is known now had been known then.

    scopes: only these scope instances; None: all. Verdicts given stand: each action keeps its
    place, in history or out of it.
    """
    held = world.cells
    chains = {
        key: chain
        for key, chain in held.items()
        if isinstance(chain, ChainState) and (scopes is None or f"s:{chain.session}" in scopes)
    }
    if scopes is None:
        names: Iterable[str] = [key[1] for key in held if isinstance(key, tuple) and key[0] == "e"]
        world.cells = {}
        world.undo.forget()
    else:
        for key in (*chains, *scopes):
            held.pop(key, None)
        names = {name for scope in scopes for name in world.names_of.get(scope, ())}
    happened = [cast("Happened", held["e", name]) for name in names]
    again: list[tuple[int, Happened | ChainOpened]] = [(past.seq, past) for past in happened]
    again += [world.opened[key[1]] for key in chains if isinstance(key, tuple) and key[1] in world.opened]
    for _, past in sorted(again, key=lambda item: item[0]):
        if isinstance(past, ChainOpened):
            world.open_chain(past)
        else:
            _happen_again(world, past, scopes)
    _keep(world, chains)


def happen_otherwise(world: World, past: Happened) -> None:
    """An action with other labels, or out of history: what came after it is built again."""
    scopes = _touched(world, past)
    if scopes is None or not _rewind(world, past, scopes):
        rebuild(world, scopes)


def _rewind(world: World, past: Happened, scopes: frozenset[str]) -> bool:
    """Take the state of some scopes back to before an action, and forward again; False: too long ago."""
    session = f"s:{past.event.session}"
    if world.last_opened.get(session, 0) > past.seq:
        # A chain that was opened without an action began with what lay before it then.
        return False
    later = _since(world, past, scopes)
    before: dict[Hashable, object | None] = {}
    for one in later:
        mine = session in one.scopes and session in scopes
        replaced = world.undo.replaced(one.event.id)
        if replaced is None:
            if mine or one is past:
                return False
            continue
        for key, value in replaced.items():
            is_chain = isinstance(key, tuple) and key[0] == "c"
            if key not in before and (key in scopes if isinstance(key, str) else mine and is_chain):
                before[key] = value
    if not scopes <= before.keys():
        return False
    chains = {key: held for key in before if isinstance(held := world.cells.get(key), ChainState)}
    for key, value in before.items():
        if value is None:
            world.cells.pop(key, None)
        else:
            world.cells[key] = value
    for one in later:
        _happen_again(world, one, scopes)
    _keep(world, chains)
    return True


def _since(world: World, past: Happened, scopes: frozenset[str]) -> list[Happened]:
    """The action and every later one in some scopes, in log order."""
    found: dict[str, Happened] = {}
    for scope in scopes:
        for name in reversed(world.names_of.get(scope, ())):
            one = cast("Happened", world.cells["e", name])
            if one.seq < past.seq:
                break
            found[name] = one
    return sorted(found.values(), key=lambda one: one.seq)


def _keep(world: World, chains: Mapping[Hashable, ChainState]) -> None:
    for key, old in chains.items():
        now = world.cells.get(key)
        world.cells[key] = _kept(now, old) if isinstance(now, ChainState) else old


def _happen_again(world: World, past: Happened, scopes: frozenset[str] | None) -> None:
    event, reviewed = past.event, past.event.reviewed
    if reviewed is not None:
        # What was approved may have been told labels since.
        reviewed = cast("Happened", world.cells["e", reviewed.id]).event
    delta = evaluate(
        event.request,
        event.at_ms,
        world.facts(),
        seq=past.seq,
        force=past.in_history,
        past=past,
        reviewed=reviewed,
        exact=True,
    ).delta
    if scopes is not None:
        mine = f"s:{event.session}" in scopes
        delta = {
            key: value for key, value in delta.items() if (key in scopes if isinstance(key, str) else mine)
        }
        world.undo.refresh(event.id, delta, world.cells)
    else:
        world.undo.record(event.id, event.session, delta, world.cells)
    world.cells |= delta


def _touched(world: World, past: Happened) -> frozenset[str] | None:
    """The scopes that an action's labels or absence may change; None: all.

    Guards of `by: other` and `anyone` are read across scopes, and data flows on through stores.
    """
    guards = world.ruleset.candidates(past.event.request.action).every.guards
    if world.ruleset.has_data or any(offer.guard.by != "same" for offer in guards):
        return None
    if past.event.id in world.approved:
        return None
    return frozenset(past.scopes)


def _kept(now: ChainState, old: ChainState) -> ChainState:
    """A rebuilt chain with what no action says of it."""
    return replace(
        now,
        closed=old.closed,
        owner=old.owner,
        shared_with=old.shared_with,
        opened_ms=old.opened_ms,
        intent=old.intent,
    )
