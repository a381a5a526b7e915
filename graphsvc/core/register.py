"""Max-min registers: whether an action completes a tree of steps, in time independent of history.

Theory of operation. For a place x and a step s, the register L_s(x) is the newest possible earliest
time among all matches of s's subtree at or before x. Subtrees of different children share only the
key, so the best choice for each child is independent; and a match that starts later is at least as
good for every future window test. Hence one number per (step, place, key) replaces the unbounded set
of partial matches, and the theorem holds: the rule below is true iff a match exists by definition.

    in[s]  = register of s before this action (of its front, or of the scope in log order)
    if s matches and every child c has in[c]:  v = min(now, in[c] ...)
        if v >= now - window:  out[s] = max(in[s], v)
    complete iff some top s was set by this action and every other top has been set within the window

INVARIANT: children are tested on `in`, never on `out`: an action does not precede itself (R13).
With steps that must differ a register carries spares (see `family`); with resets it carries the number
of resets that its edge had seen, and counts only while that is the number still (R16).
Source: docs/semantics.md, "Registers".
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from graphsvc.core.advance import Advance, Match, is_guarded, scopes_of
from graphsvc.core.family import better, choices, family, members
from graphsvc.core.part import CAUSAL, CAUSAL_DATA, FLOW, FLOW_DATA, LOG, Cut, Offer, Tree, slot_at
from graphsvc.core.pattern import CompiledPattern, CompiledReset, CompiledStep
from graphsvc.core.progress import raised
from graphsvc.core.state import DATA_SCOPE, Cells, Register, Registers, Slot

__all__ = ["advance_cut", "advance_tree", "after"]

# Registers along declared inputs are also carried along happened-before, for whoever has unknown inputs.
_CARRIED = {FLOW: CAUSAL, FLOW_DATA: CAUSAL_DATA}


def advance_tree(tree: Tree, advance: Advance) -> None:
    """Judge the action against one pattern of steps."""
    event = advance.event
    offers: list[Offer] = []
    # A comprehension would cost more than what most trees have to ask.
    for offer in tree.offers:
        if offer.is_free or offer.matches(event, advance.live, advance.values):
            offers.append(offer)  # noqa: PERF401
    if not offers:
        return
    pattern, track = tree.pattern, tree.track
    oldest_ms = event.at_ms - pattern.within_ms if pattern.within_ms is not None else None
    for scope in scopes_of(pattern, event, advance.session):
        cells = advance.cells_of(scope)
        if pattern.unseen is not None and (unseen_ms := cells.get(pattern.unseen)) is not None:
            _look_back(pattern, offers, scope, unseen_ms, oldest_ms, advance)
        before = cells if track == LOG else advance.before[track]
        outs: list[tuple[Offer, Register]] = []
        for offer in offers:
            register = _reach(offer, scope, before, oldest_ms, advance)
            if register is not None:
                outs.append((offer, register))
        if not outs:
            continue
        for offer, _ in outs:
            if offer.step.successor < 0:
                _complete(pattern, scope, outs, cells, oldest_ms, advance)
                break
        _write(pattern, track, scope, outs, cells, before, advance)
        if pattern.counts_for_risk:
            _progress(pattern, scope, outs, cells, before, advance)


def _look_back(
    pattern: CompiledPattern,
    offers: list[Offer],
    scope: str,
    unseen_ms: int,
    oldest_ms: int | None,
    advance: Advance,
) -> None:
    """A top may complete what an action began whose key nobody can tell (see `unseen`)."""
    if oldest_ms is not None and unseen_ms < oldest_ms:
        return
    tops = (offer for offer in offers if offer.step.successor < 0)
    if not all(is_guarded(pattern, offer.guards, scope, advance) for offer in tops):
        advance.may_complete(pattern)


def _reach(
    offer: Offer, scope: str, before: Registers, oldest_ms: int | None, advance: Advance
) -> Register | None:
    """The register that the action gives a step: None when something before it is missing or too old."""
    event, step = advance.event, offer.step
    start_ms = event.at_ms
    children: list[Register] = []
    for lookup, resets in offer.children:
        register = before.get(slot_at(lookup, advance.values))
        if register is None or (resets and register.epoch != advance.epoch(scope, resets, after=False)):
            return None
        children.append(register)
        start_ms = min(start_ms, register.start_ms)
    if oldest_ms is not None and start_ms < oldest_ms:
        return None
    epoch = advance.epoch(scope, offer.resets, after=True) if offer.resets else 0
    if step.room is None:
        return Register(start_ms, event.request.id, step.number, tuple(children), epoch)
    return _reach_differing(offer, tuple(children), epoch, oldest_ms, advance)


def _reach_differing(
    offer: Offer, children: tuple[Register, ...], epoch: int, oldest_ms: int | None, advance: Advance
) -> Register | None:
    event, step = advance.event, offer.step
    room = step.room or 0
    found: list[Register] = []
    for chosen, used in choices(children, event.id if step.differs else None):
        start_ms = min((register.start_ms for register in chosen), default=event.at_ms)
        if oldest_ms is None or start_ms >= oldest_ms:
            uses = tuple(sorted(used)) if room else ()
            found.append(Register(start_ms, event.id, step.number, chosen, epoch, uses))
    return family(found, room) if found else None


def _complete(
    pattern: CompiledPattern,
    scope: str,
    outs: list[tuple[Offer, Register]],
    cells: Cells,
    oldest_ms: int | None,
    advance: Advance,
) -> None:
    for offer, register in outs:
        if offer.step.successor >= 0:
            continue
        key = offer.top[1]
        wanted = [advance.values[place] for place in key]
        families = [register]
        for top in pattern.tops:
            if top == offer.step.number:
                continue
            step = pattern.steps[top]
            held: Register | None = cells.get((step.top_slot, *wanted) if wanted else step.top_slot)
            for other, own in outs:
                if other.step is step and [advance.values[place] for place in other.top[1]] == wanted:
                    held = better(held, own)
            if held is None:
                break
            families.append(held)
        else:
            if offer.step.room is None and not any(each.uses for each in families):
                old = oldest_ms is not None and any(each.start_ms < oldest_ms for each in families)
                witness = None if old else tuple(families)
            else:
                witness = _witness(families, oldest_ms)
            if witness is not None and not is_guarded(pattern, offer.guards, scope, advance):
                bound = {name: advance.values[place] or "" for name, place in offer.named}
                advance.complete(Match(pattern, scope, bound, witness))
                return


def _witness(families: list[Register], oldest_ms: int | None) -> tuple[Register, ...] | None:
    """One register of each top, inside the window, no event serving two steps that must differ."""
    live = [
        [one for one in members(each) if oldest_ms is None or one.start_ms >= oldest_ms] for each in families
    ]
    for chosen in product(*live):
        uses = [event for register in chosen for event in register.uses]
        if len(uses) == len(set(uses)):
            return chosen
    return None


def _write(
    pattern: CompiledPattern,
    track: int,
    scope: str,
    outs: list[tuple[Offer, Register]],
    cells: Cells,
    before: Registers,
    advance: Advance,
) -> None:
    for offer, register in outs:
        if offer.step.successor < 0:
            if len(pattern.tops) > 1:
                slot = slot_at(offer.top, advance.values)
                held: Register | None = cells.get(slot)
                best = better(held, register)
                if best is not held:
                    advance.set_cell(scope, slot, best)
            continue
        slot = slot_at(offer.own, advance.values)
        if track == LOG:
            held = before.get(slot)
            best = better(held, register)
            if best is not held:
                advance.set_cell(scope, slot, best)
        else:
            advance.set_own(track, slot, register)
            if track in _CARRIED:
                advance.set_own(_CARRIED[track], slot, register)


def _progress(
    pattern: CompiledPattern,
    scope: str,
    outs: list[tuple[Offer, Register]],
    cells: Cells,
    before: Registers,
    advance: Advance,
) -> None:
    # Data has no session of its own: what follows it counts in the session of whoever acts.
    where = advance.session if scope == DATA_SCOPE else scope
    levels = advance.levels_of(where).get(pattern.number, ())
    if len(levels) == 2 * pattern.levels and pattern.within_ms is None:
        # As near as can be, and no window ends.
        return
    now = levels
    for agreeing, bound in _agreeing(outs, advance):
        found = [(register.start_ms, offer.step.mask) for offer, register in agreeing]
        if len(pattern.steps) > len(agreeing):
            mine = [offer.step for offer, _ in agreeing]
            found += _reached_before(pattern, scope, mine, bound, cells, before, advance)
        found.sort(reverse=True)
        starts: list[tuple[int, int] | None] = [None] * len(pattern.steps)
        mask = 0
        for start_ms, covered in found:
            mask |= covered
            count = mask.bit_count()
            if starts[count - 1] is None:
                starts[count - 1] = (start_ms, mask)
        now = raised(now, starts)
    if now != levels:
        advance.set_levels(where, pattern.number, now)


def _agreeing(
    outs: list[tuple[Offer, Register]], advance: Advance
) -> Iterator[tuple[list[tuple[Offer, Register]], dict[str, str | None]]]:
    """The steps that the action is, with its key values; apart where one variable has two values in it."""
    if len(outs) == 1:
        yield outs, {name: advance.values[place] for name, place in outs[0][0].named}
        return
    told: dict[str, list[str | None]] = {}
    for offer, _ in outs:
        for name, place in offer.named:
            values = told.setdefault(name, [])
            if advance.values[place] not in values:
                values.append(advance.values[place])
    for chosen in product(*told.values()):
        bound = dict(zip(told, chosen, strict=True))
        agreeing = [
            (offer, register)
            for offer, register in outs
            if all(bound[name] == advance.values[place] for name, place in offer.named)
        ]
        if agreeing:
            own = {name for offer, _ in agreeing for name, _ in offer.named}
            yield agreeing, {name: value for name, value in bound.items() if name in own}


def _reached_before(
    pattern: CompiledPattern,
    scope: str,
    mine: list[CompiledStep],
    bound: dict[str, str | None],
    cells: Cells,
    before: Registers,
    advance: Advance,
) -> list[tuple[int, int]]:
    """Other steps with a live register that agrees with the keys of the action."""
    found: list[tuple[int, int]] = []
    lone_top = pattern.tops[0] if len(pattern.tops) == 1 else -1
    for step in pattern.steps:
        # A lone top is never kept: once it is reached the pattern is complete.
        if step.number == lone_top or step in mine:
            continue
        number = step.slot if step.successor >= 0 else step.top_slot
        slot: Slot = number
        if step.key_out:
            if not bound.keys() >= set(step.key_out):
                continue
            slot = (number, *[bound[name] for name in step.key_out])
        held: Register | None = (before if step.successor >= 0 else cells).get(slot)
        if held is not None and not (step.resets and _is_dead(held, step.resets, scope, bound, advance)):
            found.append((held.start_ms, step.mask))
    return found


def _is_dead(
    held: Register,
    resets: tuple[CompiledReset, ...],
    scope: str,
    bound: dict[str, str | None],
    advance: Advance,
) -> bool:
    cells = advance.cells_of(scope)
    total = 0
    for reset in resets:
        key = [bound[name] for name in reset.matcher.variables]
        total += cells.get((reset.slot, *key) if key else reset.slot, 0)
    return held.epoch != total


def advance_cut(offer: Cut, advance: Advance) -> None:
    """The action cuts the paths that lead through it (rule R15): registers before it are not passed on."""
    if not offer.matches(advance.event, advance.live, advance.values):
        return
    pattern = offer.pattern
    data = pattern.scope == "data"
    tracks = [CAUSAL_DATA if data else CAUSAL]
    if pattern.relation == "flow":
        tracks.append(FLOW_DATA if data else FLOW)
    values = {name: advance.values[place] for name, place in offer.named}
    for number in offer.cut.steps:
        step = pattern.steps[number]
        if step.successor < 0:
            continue
        # A sanitizer with a key cuts only what agrees with it.
        wanted = [(place, values[name]) for place, name in enumerate(step.key_out, 1) if name in values]
        for track in tracks:
            if not step.key_out:
                advance.add_cut(track, (step.slot,))
                continue
            agreeing = [
                slot
                for slot in advance.before[track]
                if isinstance(slot, tuple)
                and slot[0] == step.slot
                and all(slot[place] == value for place, value in wanted)
            ]
            advance.add_cut(track, agreeing)


def after(advance: Advance, track: int) -> Registers:
    """The registers of a track after the action: those before it, less what it cuts, and its own."""
    registers = advance.before[track]
    for slot in advance.cut.get(track, ()):
        if slot in registers:
            registers = registers.delete(slot)
    own = advance.own.get(track)
    if own:
        for slot, register in own.items():
            held = registers.get(slot)
            best = better(held, register)
            if best is not held:
                registers = registers.set(slot, best)
    return registers
