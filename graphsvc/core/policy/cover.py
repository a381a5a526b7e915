"""How globs relate to each other: whether two can match one name, and whether one covers the other."""

from __future__ import annotations

from functools import lru_cache

from graphsvc.core.glob import matches

__all__ = ["covers", "overlaps"]


@lru_cache(maxsize=4096)
def overlaps(first: str, second: str) -> bool:
    """True when some name matches both globs."""
    # reach[j]: first[:i] and second[:j] can match one prefix.
    reach = [True] + [False] * len(second)
    for j, char in enumerate(second):
        reach[j + 1] = reach[j] and char == "*"
    for left in first:
        following = [reach[0] and left == "*"]
        for j, right in enumerate(second):
            if left == "*" or right == "*":
                following.append(following[j] or reach[j + 1] or reach[j])
            else:
                following.append(reach[j] and (left == right or "?" in {left, right}))
        reach = following
    return reach[-1]


@lru_cache(maxsize=4096)
def covers(wide: str, narrow: str) -> bool:
    """True when every name that matches `narrow` matches `wide`."""
    # A wildcard of `narrow` stands for anything, so only a wildcard of `wide` can match these characters.
    spellings = (
        narrow.replace("?", "\x01").replace("*", filling) for filling in ("", "\x00", "\x00\x00\x00")
    )
    return all(matches(wide, spelling) for spelling in spellings)
