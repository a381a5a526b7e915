"""Keeping the best match of a step: one register, or as many as steps that must differ need.

Without `distinct` the register that starts latest serves every later question, so one is kept. With
it a later step may already use the event of the best one (rule R13). If the steps outside the
subtree number `room`, they forbid at most `room` events, and it is enough to keep, for every such choice, the best
register that avoids it: the best, then for each event it uses the best without that event, and so on.
These are at most (events used) ** room + ... registers, and keeping them is associative: the family of
a union is the family of the united families. (Representative families, Monien 1985.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from graphsvc.core.state import Register, Registers

__all__ = ["better", "choices", "family", "joined", "members"]


def better(one: Register | None, other: Register) -> Register:
    """Both together; on equal footing the first stays."""
    if one is None:
        return other
    if other.epoch > one.epoch:
        # Made after a reset that the first did not survive (rule R16).
        return other
    if other.epoch < one.epoch:
        return one
    if not one.uses:
        return other if other.start_ms > one.start_ms else one
    if one is other:
        return one
    return family((*members(one), *members(other)), one.room)


def members(register: Register) -> tuple[Register, ...]:
    """A register and its spares."""
    return (register, *register.spares) if register.spares else (register,)


def family(registers: Iterable[Register], room: int) -> Register:
    """The best of several registers of one step, carrying the spares that `room` forbidden events ask for."""
    ordered = sorted(registers, key=lambda each: (-each.start_ms, each.uses))
    chosen: dict[tuple[str, ...], Register] = {}
    _choose(ordered, frozenset(), room, chosen)
    first, *spares = chosen.values()
    return replace(first, spares=tuple(replace(spare, spares=()) for spare in spares), room=room)


def _choose(
    ordered: list[Register], forbidden: frozenset[str], room: int, chosen: dict[tuple[str, ...], Register]
) -> None:
    best = next((each for each in ordered if forbidden.isdisjoint(each.uses)), None)
    if best is None:
        return
    chosen.setdefault(best.uses, best)
    if room:
        for event in best.uses:
            _choose(ordered, forbidden | {event}, room - 1, chosen)


def choices(
    families: tuple[Register, ...], own: str | None
) -> Iterator[tuple[tuple[Register, ...], set[str]]]:
    """Every way to take one register of each family such that no event serves two steps that must differ.

    own: the event of the step itself when it is one of those. Yields the registers and the events they use.
    """
    used = {own} if own is not None else set[str]()
    if not families:
        yield (), used
        return
    first, rest = families[0], families[1:]
    for register in members(first):
        if used.isdisjoint(register.uses):
            for others, theirs in choices(rest, own):
                if theirs.isdisjoint(register.uses):
                    yield (register, *others), theirs | set(register.uses)


def joined(first: Registers, other: Registers) -> Registers:
    """Registers of a place with several predecessors: of each slot both together."""
    if first is other or not other:
        return first
    if not first:
        return other
    changed = {}
    for slot, register in other.items():
        held = first.get(slot)
        if held is not register:
            best = better(held, register)
            if best is not held:
                changed[slot] = best
    return first.update(changed) if changed else first
