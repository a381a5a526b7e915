"""What is said of one key."""

from __future__ import annotations

from typing import Final, NamedTuple

from graphsvc.core.value import Json

__all__ = ["EFFECTS", "Wording", "says"]

EFFECTS: Final = (
    "`read`, `write`, `modify`, `message` (to a known party), `send` (data leaves), `fetch` (reading a place that an "
    "argument names, which can carry data out), `pay`, `account` (accounts and credentials), `grant`, `assume` "
    "(becoming another identity), `commit`, `destroy`, `execute`"
)


class Wording(NamedTuple):
    """What a key means, in one or two sentences; examples of its value, in the form that files hold."""

    text: str
    examples: tuple[Json, ...] = ()


def says(text: str, *examples: Json) -> Wording:
    """One entry."""
    return Wording(text, examples)
