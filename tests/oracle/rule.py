"""Rules switched off: the oracle with one rule replaced by what somebody might naively do instead.

A rule decides a verdict when the answer changes without it; the long runs count how often each does.
"""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["NAIVE", "is_off", "without"]

# What is done instead, by rule.
NAIVE = {
    "R1": "windows leave out their edge",
    "R2": "times are taken as sent",
    "R3": "a child chain has a session of its own",
    "R4": "being spawned connects nothing",
    "R5": "a denied action joins nothing",
    "R6": "unknown inputs are no inputs",
    "R7": "a bad parent is dropped and the rest is all there is",
    "R8": "a declared parent is before nothing unless its chain was joined",
    "R9": "a denied action counts",
    "R10": "a cancelled action still counts",
    "R11": "reported labels are not the action's",
    "R12": "an approved review lets nothing through",
    "R13": "steps that must differ may share an event",
    "R14": "anybody's event is a guard",
    "R15": "a sanitizer cuts every branch",
    "R16": "resets are ignored",
    "R17": "a count completes at its limit",
    "R18": "a missing key value is a value",
    "R19": "key values of different types differ",
    "R20": "the first declaration that fits describes an action",
    "R21": "declared result labels are ignored",
    "R22": "linked accounts are different people, and any number of principals is judged",
    "R23": "stores connect nothing",
    "R24": "a condition that cannot be answered is false",
    "R25": "every relation is that of the log unless written out",
    "R26": "only the first completion is told",
}
_OFF: set[str] = set()


def is_off(rule: str) -> bool:
    """Whether the rule is switched off."""
    return rule in _OFF


@contextmanager
def without(rule: str) -> Iterator[None]:
    """The oracle without one rule."""
    _OFF.add(rule)
    try:
        yield
    finally:
        _OFF.discard(rule)
