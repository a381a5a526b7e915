"""Whether two globs have a name in common: what a request for rights could reach that a rule is about."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["overlap"]


@lru_cache(maxsize=4_096)
def overlap(left: str, right: str) -> bool:
    """True when some name is matched by both; `*` stands for any characters, `?` for one."""
    # Places in `right` that can be reached having read a part of `left`.
    reached = _past_stars({0}, right)
    for char in left:
        if char == "*":
            first = min(reached)
            # Any characters: `right` may be read on as far as it goes from the first place on.
            reached = set(range(first, len(right) + 1))
            continue
        moved: set[int] = set()
        for place in reached:
            if place == len(right):
                continue
            other = right[place]
            if other == "*":
                moved.add(place)
            elif other == "?" or char in ("?", other):
                moved.add(place + 1)
        reached = _past_stars(moved, right)
        if not reached:
            return False
    return len(right) in reached


def _past_stars(places: set[int], glob: str) -> set[int]:
    found = set(places)
    for place in places:
        while place < len(glob) and glob[place] == "*":
            place += 1
            found.add(place)
    return found
