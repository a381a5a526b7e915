"""History told again when something became known late: labels of a result, or that an action did not happen.

Either everything is built again, or only some scopes, or, for what happened a moment ago, these scopes are taken back to
before the action and forward again. All three leave the same state; the tests compare them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, cast

from msgspec.structs import replace

from graphsvc.core.evaluate import evaluate
from graphsvc.core.forgotten import Forgotten
from graphsvc.core.record import ChainOpened
from graphsvc.core.state import ChainState, Happened

if TYPE_CHECKING:
    from graphsvc.core.ruleset import Ruleset
    from graphsvc.core.world import World

__all__ = ["happen_otherwise", "rebuild"]


def rebuild(world: World, scopes: frozenset[str] | None = None, judged_by: Ruleset | None = None) -> None:
    """Registers from history again, as if what is known now had been known then.

    scopes: only these scope instances; None: all. judged_by: the rules by whose declarations the actions are kept, where
    others are in force by now: what these say of a destination is found again where it is another argument. Verdicts given stand: each action keeps its
    place, in history or out of it.
    """
    held = world.cells
    rules = judged_by or world.ruleset
    chains = {
        key: chain
        for key, chain in held.items()
        if isinstance(chain, ChainState) and (scopes is None or f"s:{chain.session}" in scopes)
    }
    if scopes is None:
        names: Iterable[str] = list(world.history)
        # Times of cells never go back, and what has ended does not begin again.
        lasting = {key: value for key, value in held.items() if isinstance(value, int | Forgotten)}
        held.clear()
        held.update(lasting)
        world.undo.forget()
    else:
        for key in (*chains, *scopes):
            held.pop(key, None)
        names = {name for scope in scopes for name in world.names_of.get(scope, ())}
    happened = [cast("Happened", world.history.happened(name, rules)) for name in names]
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
    session = past.scopes[0]
    kept = ((world.seq_of(action), replaced) for action, replaced in world.undo.kept(past.session))
    start, replaced = next(((seq, replaced) for seq, replaced in kept if seq <= past.seq), (0, {}))
    if world.last_opened.get(session, 0) > start or not scopes <= replaced.keys():
        # A chain that was opened without an action began with what lay before it then.
        return False
    before = {key: value for key, value in replaced.items() if key in scopes or not isinstance(key, str)}
    later = _since(world, start, scopes, past)
    for one in later:
        chain = ("c", one.event.request.chain)
        if one.scopes[0] == session and chain not in before:
            if one.event.index > 1:
                return False
            before[chain] = None
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


def _since(world: World, seq: int, scopes: frozenset[str], past: Happened) -> list[Happened]:
    """Every action in some scopes from a number on, in log order; `past` is one of them."""
    found = {past.event.id: past}
    for scope in scopes:
        for name in reversed(world.names_of.get(scope, ())):
            if world.seq_of(name) < seq:
                break
            if name not in found:
                found[name] = cast("Happened", world.happened(name))
    return sorted(found.values(), key=lambda one: one.seq)


def _keep(world: World, chains: Mapping[Hashable, ChainState]) -> None:
    for key, old in chains.items():
        now = world.cells.get(key)
        world.cells[key] = _kept(now, old) if isinstance(now, ChainState) else old


def _happen_again(world: World, past: Happened, scopes: frozenset[str] | None) -> None:
    event, reviewed = past.event, past.event.reviewed
    if reviewed is not None:
        # What was approved may have been told labels since.
        reviewed = cast("Happened", world.happened(reviewed.id)).event
    evaluation = evaluate(
        event.request,
        event.at_ms,
        world.facts(),
        seq=past.seq,
        force=past.in_history,
        past=past,
        reviewed=reviewed,
        exact=True,
    )
    delta, mine = evaluation.delta, True
    if scopes is not None:
        mine = f"s:{event.session}" in scopes
        delta = {
            key: value for key, value in delta.items() if (key in scopes if isinstance(key, str) else mine)
        }
        world.undo.refresh(evaluation.happened, scopes, world.cells)
    else:
        world.undo.record(evaluation.happened, world.cells)
    world.cells.update(delta)
    if mine:
        world.history.keep(evaluation.happened)


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
