"""The garbage collector while a large graph is asked one question."""

from __future__ import annotations

import gc

__all__ = ["set_aside", "spare"]

# Young objects are looked through every so many, half-young ones every fifty times of that, old ones never in practice.
_RARELY = (50_000, 50, 1_000)


def spare() -> tuple[int, int, int]:
    """Look for garbage among new objects, rarely among old ones: nearly all that is made stays. The thresholds that held before."""
    known = gc.get_threshold()
    gc.set_threshold(*_RARELY)
    return known


def set_aside() -> None:
    """Never look again through what there is now: a graph stays until the command ends."""
    gc.freeze()
