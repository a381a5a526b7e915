"""Choke points as a picture: who comes to which point first, what all of their ways go through next, and the target."""

from __future__ import annotations

from graphsvc.explore.choke import ChokePoint, ChokePoints
from graphsvc.explore.path import ADMIN
from graphsvc.explore.picture import HOW, Picture, counted, short

__all__ = ["picture_of_choke_points"]


def picture_of_choke_points(found: ChokePoints, to: str) -> Picture:
    """to: the target as it was asked for. Arrows mean that all ways lead so, over whatever lies between."""
    who, goal = _identities(found.sources), "every right" if to == ADMIN else to
    picture = Picture(f"What all ways of {who} to {goal} go through")
    if not found.points:
        picture.title = f"No place that the ways of several identities to {goal} go through"
    target = _target(found, to)
    picture.box(target, kind="admin", text=None if to == ADMIN else to)
    cut_off = {each.node: each.cuts_off for each in found.points if each.node is not None}

    def box(key: str) -> str:
        text = short(key)
        if key in cut_off:
            text += f" (cuts off {cut_off[key]} of {found.sources})"
        picture.box(key, text=None if key == ADMIN else text)
        return key

    for number, point in enumerate(found.points):
        begin, end = _ends(point)
        if point.first:
            some = short(point.first_of[0])
            text = some if point.first == 1 else f"{_identities(point.first)}, such as {some}"
            picture.box(f"first:{number}", start=True, kind="identity", text=text)
            picture.arrow(f"first:{number}", box(begin), "all ways")
        if end is not None:
            how = HOW.get(point.how or "", "by a combination of rights")
            words = f"{how}: the only step for {_identities(point.cuts_off)}"
            picture.arrow(box(begin), box(end), words)
    for point in found.points:
        begin, end = _ends(point)
        here = box(end or begin)
        there = target if point.behind is None else box(_ends(found.points[point.behind])[0])
        if here != there:
            picture.arrow(here, there, "all ways")
    notes = []
    if not found.points:
        notes.append(f"{who} {'gets' if found.sources == 1 else 'get'} there")
    elif found.around:
        notes.append(
            f"{_identities(found.around)} {'passes' if found.around == 1 else 'pass'} none of these points"
        )
    notes += ["there are more points than are drawn"] if found.truncated else []
    picture.note = "; ".join(notes)
    return picture


def _ends(point: ChokePoint) -> tuple[str, str | None]:
    return (point.node, None) if point.node is not None else (point.start or "", point.end)


def _target(found: ChokePoints, to: str) -> str:
    """The key of the target's box: that of the node, where one node was asked for and a hop leads to it."""
    if to == ADMIN:
        return ADMIN
    named = {to, f"identity:{to}", f"resource:{to}"}
    return next((end for _, end in map(_ends, found.points) if end in named), f"target:{to}")


def _identities(many: int) -> str:
    return counted(many, "identity", "identities")
