"""A path in sentences for people who decide about rights and do not read them."""

from __future__ import annotations

from collections.abc import Mapping

from graphsvc.explore.path import ADMIN, Hop, Path
from graphsvc.explore.picture import short

__all__ = ["explained"]


def explained(path: Path, titles: Mapping[str, str] | None = None) -> str:
    """What somebody can do step by step, what it comes to, and what is not sure. titles: of patterns, by id."""
    sentences = [
        f"{_name(hop.start) if number == 0 else 'From there it'} {_told(hop, titles or {})}."
        for number, hop in enumerate(path.hops)
    ]
    doubts = list(dict.fromkeys(each.removeprefix("needs ") for hop in path.hops for each in hop.conditions))
    steps = "one step" if len(path.hops) == 1 else f"{len(path.hops)} steps"
    last = "can do anything at all" if path.end == ADMIN else f"gets to {_name(path.end)}"
    whole = f"In {steps}, {_name(path.start)} {last}."
    if doubts:
        whole += f" Whether this works depends on {' and '.join(doubts)}, which the data does not tell."
    return " ".join((whole, *sentences))


def _told(hop: Hop, titles: Mapping[str, str]) -> str:
    end = _name(hop.end)
    match hop.how:
        case "holds all":
            return "holds every right there is"
        case "assume":
            return f"is trusted to act as {end}"
        case "credential":
            return f"contains the key of {end}: whoever can read it can act as {end}"
        case "runs as":
            return f"works with the rights of {end}"
        case "right":
            what = "do everything" if hop.rights == ("*",) else f"use {', '.join(hop.rights[:3])}"
            return f"may {what} on {end}"
        case _:
            rights = _listed([each.partition(" on ")[0] for each in hop.rights])
            lets = "which together let" if len(hop.rights) > 1 else "which lets"
            why = titles.get(hop.pattern or "", "")
            why = f" ({why.partition(':')[0]})" if why else ""
            if hop.end == ADMIN:
                return f"may use {rights}, {lets} it give itself every right{why}"
            return f"may use {rights}, {lets} it act as {end}{why}"


def _name(key: str) -> str:
    return "every right" if key == ADMIN else f"`{short(key)}`"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
