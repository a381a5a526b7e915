"""A blast radius as a picture: a tree from the start, in which what is reached alike from the same place is one box."""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.explore.path import Hop, Reached
from graphsvc.explore.picture import Picture, counted, picture_of_hop, short

__all__ = ["picture_of_reached"]

# So many that are reached alike stand by themselves; more are one box.
_APART = 3
# More in one picture is no picture.
_BOXES = 40


def picture_of_reached(reached: Reached, start: str, *, most: int = _BOXES) -> Picture:
    """The nearest are drawn first; the note says how many are not, and whether there is more than was looked at."""
    many = len(reached.came) - 1
    picture = Picture(f"What {short(start)} can become or touch: {counted(many, 'node')}")
    picture.box(start, start=True)
    below: dict[str, list[Hop]] = {}
    for hop in reached.came.values():
        if hop is not None:
            below.setdefault(hop.start, []).append(hop)
    drawn, queue = 0, [start]
    for node in queue:
        for hops in _alike(below.get(node, ()), below):
            if len(picture.boxes) > most:
                break
            drawn += len(hops)
            picture_of_hop(picture, hops[0], ends=_together(hops))
            queue += [hop.end for hop in hops if hop.end in below]
    notes = (
        [f"{counted(many - drawn, 'node')} more {'is' if many - drawn == 1 else 'are'} not drawn"]
        if drawn < many
        else []
    )
    notes += ["a limit was reached: there is more"] if reached.truncated else []
    picture.note = "; ".join(notes)
    return picture


def _alike(hops: Iterable[Hop], below: dict[str, list[Hop]]) -> list[list[Hop]]:
    """Hops from one node, those together that lead to an end of the same kind in the same way and no further."""
    groups: dict[tuple[str, ...], list[Hop]] = {}
    for hop in hops:
        alone = hop.end if hop.end in below else ""
        kind = (
            ":".join(hop.end.split(":")[:2]) if hop.end.startswith("resource:") else hop.end.partition(":")[0]
        )
        name = (kind, hop.how, hop.pattern or "", hop.certainty, alone)
        groups.setdefault(name, []).append(hop)
    return [
        part
        for group in groups.values()
        for part in ([group] if len(group) > _APART else [[hop] for hop in group])
    ]


def _together(hops: list[Hop]) -> str | None:
    """The words of a box for several ends."""
    if len(hops) == 1:
        return None
    kind = hops[0].end.partition(":")[0]
    one, more = {"identity": ("identity", "identities"), "resource": ("resource", "resources")}.get(
        kind, ("node", "nodes")
    )
    return f"{counted(len(hops), one, more)}, such as {short(hops[0].end)}"
