"""The shape of a pattern's steps: an in-forest in which every step leads to at most one other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ROOT", "cycle_from", "path_between", "way_up"]

# The virtual root above several tops; no step can have an empty name.
ROOT: Final = ""


def cycle_from(name: str, then: Mapping[str, str | None]) -> tuple[str, ...]:
    """The steps of the cycle that `name` is part of, beginning with it; empty when it is on none."""
    seen = [name]
    following = then.get(name)
    while following is not None and following in then and following not in seen:
        seen.append(following)
        following = then[following]
    return tuple(seen) if following == name else ()


def way_up(name: str, then: Mapping[str, str | None]) -> tuple[str, ...]:
    """From a step to its top, both included, then ROOT. Steps must be free of cycles."""
    way = [name]
    while (following := then[way[-1]]) is not None:
        way.append(following)
    return (*way, ROOT)


def path_between(first: str, second: str, then: Mapping[str, str | None]) -> tuple[str, ...]:
    """The tree path between two steps, both included; it holds ROOT when they are in different trees."""
    up, down = way_up(first, then), way_up(second, then)
    meeting = next(name for name in up if name in down)
    return (*up[: up.index(meeting) + 1], *reversed(down[: down.index(meeting)]))
