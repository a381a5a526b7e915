"""Every interleaving of three actors under a commit protocol, small enough to try them all.

Each actor takes one step of a three-step separation of duties, in a chain of its own, for one principal. A step
is harmless until both others have happened. Actors share a log; each is a generator that yields before every
access to it, and all orders of those accesses are run.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

__all__ = ["ACTORS", "Outcome", "Protocol", "Shared", "explore"]

ACTORS = 3


class Shared:
    """The store: a log of permitted steps, and locks by name."""

    def __init__(self) -> None:
        self.log: list[int] = []
        self.verdicts: list[tuple[int, bool]] = []  # in commit order
        self.locks: dict[str, int] = {}

    def lock(self, name: str, actor: int) -> bool:
        """Take a lock; False while another holds it."""
        return self.locks.setdefault(name, actor) == actor

    def unlock(self, name: str) -> None:
        """Give a lock back."""
        del self.locks[name]

    def commit(self, actor: int, *, permitted: bool) -> None:
        """Write a verdict."""
        self.verdicts.append((actor, permitted))
        if permitted:
            self.log.append(actor)


# Yields None before a step that can always be taken, or the name of the lock that it needs.
Program = Iterator[str | None]
Protocol = Callable[[Shared, int], Program]


class Outcome(NamedTuple):
    """How many interleavings there are, in how many all three were permitted, and in how many a verdict is not the
    one that a serial run in commit order gives.
    """

    runs: int
    completed: int
    unserial: int


def harmless(actor: int, seen: list[int]) -> bool:
    """The rule: the last of the three steps is denied."""
    return len({*seen} - {actor}) < ACTORS - 1


def explore(protocol: Protocol) -> Outcome:
    """Run every interleaving: schedules are replayed from the start, since generators cannot be copied."""
    runs = completed = unserial = 0
    waiting: list[tuple[int, ...]] = [()]
    while waiting:
        schedule = waiting.pop()
        shared, ready = _run(protocol, schedule)
        if ready:
            waiting += [(*schedule, actor) for actor in ready]
            continue
        runs += 1
        completed += len(set(shared.log)) == ACTORS
        unserial += not _is_serial(shared)
    return Outcome(runs, completed, unserial)


def _run(protocol: Protocol, schedule: tuple[int, ...]) -> tuple[Shared, list[int]]:
    shared = Shared()
    programs = [protocol(shared, actor) for actor in range(ACTORS)]
    wants: list[str | None] = [next(program) for program in programs]
    done = [False] * ACTORS
    for actor in schedule:
        try:
            wants[actor] = next(programs[actor])
        except StopIteration:
            done[actor] = True
    ready = []
    for actor in range(ACTORS):
        name = wants[actor]
        if not done[actor] and (name is None or shared.locks.get(name, actor) == actor):
            ready.append(actor)
    assert ready or all(done), "a deadlock"
    return shared, ready


def _is_serial(shared: Shared) -> bool:
    before: list[int] = []
    for actor, permitted in shared.verdicts:
        if permitted != harmless(actor, before):
            return False
        if permitted:
            before.append(actor)
    return True
