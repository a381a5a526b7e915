"""Pictures of paths, combinations and cuts: what is drawn, whatever it is drawn as.

A picture is a small graph with words. Shapes tell kinds apart besides colours, and everything that a label shortens is
there in full for whoever points at it or has it read out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from graphsvc.explore.combination import Combination
from graphsvc.explore.path import ADMIN, Hop, Path
from graphsvc.explore.support import EdgeTriple

__all__ = [
    "HOW",
    "Arrow",
    "Box",
    "Picture",
    "counted",
    "picture_of_combinations",
    "picture_of_cut",
    "picture_of_hop",
    "picture_of_paths",
    "short",
]

HOW = {
    "assume": "may step into",
    "credential": "holds the key of",
    "runs as": "runs as",
    "holds all": "holds every right",
    "right": "may act on",
}
# Between what stands behind a separator and what follows.
_BREAK = re.compile(r"(?<=[-/: ])")
_ACCOUNT = "system:serviceaccount:"
_KIND = {"GRANTED": "granted", "MEMBER_OF": "member of", "HAS_ROLE": "has the role", "INHERITS": "inherits", "CAN_ASSUME": "may assume"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """A node. kind: `identity`, `group`, `role`, `permission`, `resource`, `admin` or `gain`. full: what `lines` shorten."""

    key: str
    kind: str
    lines: tuple[str, ...]
    full: str
    start: bool = False


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one box to another. style: `sure`, `maybe` (a condition decides) or `cut` (to be removed)."""

    start: str
    end: str
    lines: tuple[str, ...]
    full: str
    style: str = "sure"


@dataclass(slots=True)
class Picture:
    """title: what it shows; note: what it leaves out, empty when nothing."""

    title: str
    boxes: dict[str, Box] = field(default_factory=dict)
    arrows: dict[tuple[str, str], Arrow] = field(default_factory=dict)
    note: str = ""

    def box(self, key: str, *, start: bool = False, kind: str | None = None, text: str | None = None) -> None:
        """Draw a node once; `start` stays once it is said."""
        known = self.boxes.get(key)
        if known is not None and (known.start or not start):
            return
        named = ADMIN if key == ADMIN else key.partition(":")[2]
        what = kind or ("admin" if key == ADMIN else key.partition(":")[0])
        label = text or ("every right (admin)" if key == ADMIN else short(key))
        self.boxes[key] = Box(key, what, _wrapped(label, 30), text or named, start)

    def arrow(self, start: str, end: str, label: str, style: str = "sure") -> None:
        """Draw an edge between boxes that are drawn; a second one adds its words."""
        known = self.arrows.get((start, end))
        if known is not None:
            if label in known.full:
                return
            label = f"{known.full}; {label}"
            style = known.style if known.style == "cut" else style
        self.arrows[start, end] = Arrow(start, end, _wrapped(label, 38, most=4), label, style)


def short(key: str) -> str:
    """The part of a key that people say: the name in an ARN, the object of a cluster."""
    name = key.partition(":")[2] or key
    if key.startswith("resource:"):
        kind, _, name = name.partition(":")
        name = name if kind in ("aws", "k8s", "") else f"{kind} {name}"
    if name.startswith("k8s:"):
        return _in_cluster(name)
    if key.startswith("permission:"):
        # Of a statement the policy that it stands in.
        name = name.rpartition("#")[2].rpartition("/")[0] or name if "#" in name else name
    if name.startswith("arn:"):
        parts = name.split(":", 5)
        rest = parts[5] if len(parts) == 6 else name
        head, slash, tail = rest.partition("/")
        if rest == "root":
            return f"account {parts[4]}"
        return f"{head} {tail.rpartition('/')[2]}" if slash else f"{parts[2]} {rest}"
    return name


def counted(many: int, one: str, more: str = "") -> str:
    """How many of something in words: `1 grant`, `2 grants`. more: the plural, if it is not made by an s."""
    return f"{many} {one if many == 1 else more or f'{one}s'}"


def _in_cluster(name: str) -> str:
    """Of `k8s:<cluster>:<name>` the name, as Kubernetes' own tools write it."""
    said = name.split(":", 2)[-1]
    if said.startswith(_ACCOUNT):
        return f"service account {said.removeprefix(_ACCOUNT).replace(':', '/', 1)}"
    kind, slash, rest = said.partition("/")
    if not slash or kind not in ("role", "clusterrole"):
        return said
    owner, mark, _ = rest.partition("#")
    owner, among, namespace = owner.partition("/in/")
    told = f"{kind} {owner}{f' in {namespace}' if among else ''}"
    return f"a rule of {told}" if mark else told


def picture_of_paths(paths: Sequence[Path], *, title: str | None = None, note: str = "") -> Picture:
    """Every hop of some paths, those that they share drawn once."""
    picture = Picture(title or _title_of(paths), note=note)
    for path in paths:
        picture.box(path.start, start=True)
        for hop in path.hops:
            picture_of_hop(picture, hop)
    return picture


def picture_of_hop(picture: Picture, hop: Hop, *, ends: str | None = None) -> None:
    """Draw a hop with its ends. ends: the words of a box that stands for its end and others like it."""
    picture.box(hop.start)
    end = hop.end if ends is None else f"{hop.end}*"
    picture.box(end, text=ends)
    words = HOW.get(hop.how, hop.how)
    if hop.how == "combination":
        words = " + ".join(each.partition(" on ")[0] for each in hop.rights)
        words = f"{words} ({hop.pattern})" if hop.pattern else words
    elif hop.how == "right":
        words = ", ".join(hop.rights)
    if hop.conditions:
        words += f"; {'; '.join(hop.conditions)}"
    picture.arrow(hop.start, end, words, "maybe" if hop.conditions else "sure")


def picture_of_combinations(found: Sequence[Combination], *, note: str = "") -> Picture:
    """Who holds what by which way, and what that gives."""
    who = found[0].identity if len(found) == 1 else f"{len(found)} combinations of rights"
    picture = Picture(f"{short(f'identity:{who}')}: {found[0].title}" if len(found) == 1 else who, note=note)
    for each in found:
        start = f"identity:{each.identity}"
        picture.box(start, start=True)
        gain = _gain(picture, each)
        style = "sure" if each.certainty == "yes" else "maybe"
        for held in each.permissions:
            # Each its own: what two hold apart gives neither of them both.
            right = f"right:{start}|{held.right}|{held.on or ''}"
            on = f" on {short(held.on)}" if held.on else ""
            picture.box(right, kind="permission", text=f"{held.right}{on}")
            node = start
            for kind, begin, end in held.via:
                picture.box(begin)
                if kind == "GRANTED":
                    node = begin
                    continue
                picture.box(end)
                picture.arrow(begin, end, _KIND.get(kind, kind))
                node = end
            words = short(held.permission) if held.permission else "held"
            if held.conditions:
                words += f"; {'; '.join(held.conditions)}"
            picture.arrow(node, right, words, "maybe" if held.conditions else "sure")
            if gain is not None:
                picture.arrow(right, gain, "together" if len(each.permissions) > 1 else "gives", style)
    return picture


def picture_of_cut(
    removed: Iterable[EdgeTriple], ways: Sequence[Path], shown: int, *, title: str, note: str = ""
) -> Picture:
    """Ways, and the edges to take out; of ways at most `shown`."""
    picture = picture_of_paths(ways[:shown], title=title, note=note)
    drawn = {box for box in picture.boxes if box != ADMIN}
    for kind, start, end in removed:
        if kind != "CAN_ASSUME" and start not in drawn:
            picture.box(start, start=start.startswith("identity:"))
        elif start not in picture.boxes:
            picture.box(start)
        picture.box(end)
        picture.arrows.pop((start, end), None)
        picture.arrow(start, end, f"remove: {_KIND.get(kind, kind)}", "cut")
    return picture


def _gain(picture: Picture, found: Combination) -> str | None:
    if found.gives is None:
        key = f"gain:{found.identity}:{found.pattern}"
        picture.box(key, kind="gain", text=found.title)
        return key
    if found.gives == ADMIN:
        picture.box(ADMIN)
        return ADMIN
    if found.gives == "assume":
        if len(found.values) == 1:
            picture.box(f"identity:{found.values[0]}")
            return f"identity:{found.values[0]}"
        key = f"gain:{found.pattern}:{','.join(found.values)}"
        others = f" and {len(found.values) - 1} more" if len(found.values) > 1 else ""
        picture.box(key, kind="gain", text=f"acts as {short('identity:' + found.values[0])}{others}")
        return key
    key = f"gain:{found.gives}"
    picture.box(key, kind="gain", text=f"gives the {found.gives}")
    return key


def _title_of(paths: Sequence[Path]) -> str:
    starts = list(dict.fromkeys(path.start for path in paths))
    ends = list(dict.fromkeys(path.end for path in paths))
    begin = short(starts[0]) if len(starts) == 1 else f"{len(starts)} identities"
    end = ("every right" if ends[0] == ADMIN else short(ends[0])) if len(ends) == 1 else f"{len(ends)} places"
    gets = "gets" if len(starts) == 1 else "get"
    return f"How {begin} {gets} to {end}"


def _wrapped(text: str, width: int, most: int = 3) -> tuple[str, ...]:
    """Lines of about a width, broken after separators too, for ARNs have no blanks."""
    lines: list[str] = []
    line = ""
    for word in _BREAK.split(text):
        if line and len(f"{line}{word}".rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += word
        while len(line.rstrip()) > width:
            lines.append(line[:width])
            line = line[width:]
    if line.strip():
        lines.append(line.rstrip())
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: width - 1] + "…"]
    return tuple(lines)
