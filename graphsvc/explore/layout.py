"""Where boxes lie: layers from top to bottom, or from left to right where that is too wide, few crossings within them.

Sugiyama, Tagawa, Toda, "Methods for Visual Understanding of Hierarchical System Structures", 1981: each node below its
predecessors, long arrows led through a point of every layer between, layers ordered by the mean place of
neighbours. The words of an arrow are a node of their own on its way, so nothing ever lies on anything else. The same
picture always gets the same layout.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from graphsvc.explore.picture import Arrow, Box, Picture

__all__ = ["Layout", "Place", "lay_out"]

_LINE, _PAD, _CHAR = 17, 12, 7.9
_WORD, _WORD_CHAR = 15, 6.7
_GAP_X, _GAP_Y, _MARGIN, _TOP = 26, 26, 28, 58
_SCREEN = 1_500
_SWEEPS = 8
_Node = str | tuple[str, str] | tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Place:
    """A box's centre, width and height, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Layout:
    """places: by key of the box; words: by ends of the arrow; ways: the points that an arrow goes through.

    sideways: arrows that leave boxes at the side, of parts whose layers stand from left to right.
    """

    places: dict[str, Place]
    words: dict[tuple[str, str], Place]
    ways: dict[tuple[str, str], tuple[tuple[float, float], ...]]
    width: float
    height: float
    sideways: frozenset[tuple[str, str]] = frozenset()


def lay_out(picture: Picture) -> Layout:
    """The layout of a picture: parts that hang together by themselves, in rows of about a screen's width."""
    places: dict[str, Place] = {}
    words: dict[tuple[str, str], Place] = {}
    ways: dict[tuple[str, str], tuple[tuple[float, float], ...]] = {}
    x, y, tallest, width = 0.0, float(_TOP), 0.0, 0.0
    sideways: frozenset[tuple[str, str]] = frozenset()
    for part in map(_best, _parts(picture)):
        if x and x + part.width > _SCREEN:
            x, y, tallest = 0.0, y + tallest, 0.0
        places |= {key: _moved(place, x, y) for key, place in part.places.items()}
        words |= {ends: _moved(place, x, y) for ends, place in part.words.items()}
        ways |= {ends: tuple((px + x + _MARGIN, py + y) for px, py in way) for ends, way in part.ways.items()}
        sideways |= part.sideways
        x += part.width
        width, tallest = max(width, x), max(tallest, part.height)
    return Layout(
        places={key: places[key] for key in picture.boxes},
        words={ends: words[ends] for ends in picture.arrows},
        ways={ends: ways[ends] for ends in picture.arrows},
        width=max(width, _MARGIN + len(picture.title) * 10.6, _MARGIN + len(picture.note) * 6.4)
        + 2 * _MARGIN,
        height=max(y + tallest, _TOP) + _MARGIN + (22 if picture.note else 0),
        sideways=sideways,
    )


def _moved(place: Place, x: float, y: float) -> Place:
    return Place(place.x + x + _MARGIN, place.y + y, place.width, place.height)


def _parts(picture: Picture) -> list[Picture]:
    """What hangs together, in the order of the first box of each."""
    near: dict[str, list[str]] = {key: [] for key in picture.boxes}
    for start, end in picture.arrows:
        near[start].append(end)
        near[end].append(start)
    part: dict[str, int] = {}
    found: list[Picture] = []
    for root in picture.boxes:
        queue = [root] if root not in part else []
        for key in queue:
            if key not in part:
                part[key] = len(found)
                queue += near[key]
        if queue:
            found.append(Picture(""))
    for key, box in picture.boxes.items():
        found[part[key]].boxes[key] = box
    for ends, arrow in picture.arrows.items():
        found[part[ends[0]]].arrows[ends] = arrow
    return found


def _best(picture: Picture) -> Layout:
    """Layers below each other, or beside each other where they are too wide for a screen: boxes are wider than high."""
    down = _laid_out(picture, sideways=False)
    if down.width <= _SCREEN:
        return down
    return min(down, _laid_out(picture, sideways=True), key=lambda each: each.width)


def _laid_out(picture: Picture, *, sideways: bool) -> Layout:
    depth = _depths(picture)
    layers: list[list[_Node]] = [[] for _ in range(2 * max(depth.values(), default=-1) + 1)]
    for key in picture.boxes:
        layers[2 * depth[key]].append(key)
    chains: dict[tuple[str, str], list[_Node]] = {}
    for ends in picture.arrows:
        chains[ends] = list(_chain(ends, depth, layers))
    _order(layers, list(chains.values()))
    sizes = {node: _size(node, picture) for layer in layers for node in layer}
    if sideways:
        sizes = {node: (height, width) for node, (width, height) in sizes.items()}
    found = _placed(layers, sizes, list(chains.values()))
    left = min((place.x - place.width / 2 for place in found.values()), default=0.0)
    found = {node: Place(p.x - left, p.y, p.width, p.height) for node, p in found.items()}
    ways = {ends: _way(ends, chain, found) for ends, chain in chains.items()}
    if sideways:
        found = {node: Place(p.y, p.x, p.height, p.width) for node, p in found.items()}
        ways = {ends: tuple((y, x) for x, y in way) for ends, way in ways.items()}
    return Layout(
        places={key: found[key] for key in picture.boxes},
        words={ends: found[ends] for ends in picture.arrows},
        ways=ways,
        width=max((p.x + p.width / 2 for p in found.values()), default=0.0) + _GAP_X,
        height=max((p.y + p.height / 2 for p in found.values()), default=0.0) + _GAP_Y,
        sideways=frozenset(ways) if sideways else frozenset(),
    )


def _chain(ends: tuple[str, str], depth: dict[str, int], layers: list[list[_Node]]) -> Iterator[_Node]:
    """The nodes of an arrow from the upper end to the lower: ends, words, and a point in each other layer."""
    upper, lower = sorted(ends, key=lambda key: depth[key])
    first, last = 2 * depth[upper], 2 * depth[lower]
    yield upper
    for number in range(first + 1, last):
        node: _Node = ends if number == first + 1 else (*ends, number)
        layers[number].append(node)
        yield node
    if first == last:
        # Within a layer there is no room below; a cycle of one.
        layers[min(first + 1, len(layers) - 1)].append(ends)
        yield ends
    yield lower


def _way(
    ends: tuple[str, str], chain: list[_Node], found: dict[_Node, Place]
) -> tuple[tuple[float, float], ...]:
    points: list[tuple[float, float]] = []
    first, last = found[chain[0]], found[chain[-1]]
    points.append((first.x, first.y + first.height / 2))
    for node in chain[1:-1]:
        place = found[node]
        points += [(place.x, place.y - place.height / 2), (place.x, place.y + place.height / 2)]
    points.append((last.x, last.y - last.height / 2))
    # Against the layers: from the lower end up.
    return tuple(points) if chain[0] == ends[0] else tuple(reversed(points))


def _size(node: _Node, picture: Picture) -> tuple[float, float]:
    if isinstance(node, str):
        return _box_size(picture.boxes[node])
    return _word_size(picture.arrows[node[0], node[1]]) if len(node) == 2 else (10.0, 10.0)


def _box_size(box: Box) -> tuple[float, float]:
    longest = max(len(line) for line in box.lines)
    return max(110.0, longest * _CHAR + 2 * _PAD), len(box.lines) * _LINE + 2 * _PAD


def _word_size(arrow: Arrow) -> tuple[float, float]:
    longest = max((len(line) for line in arrow.lines), default=0)
    return longest * _WORD_CHAR + 8, len(arrow.lines) * _WORD + 6


def _depths(picture: Picture) -> dict[str, int]:
    forward = _without_cycles(picture)
    depth = dict.fromkeys(picture.boxes, 0)
    # Longest way from a source; as many rounds as the longest path has hops.
    for _ in picture.boxes:
        moved = False
        for start, end in forward:
            if depth[end] < depth[start] + 1:
                depth[end] = depth[start] + 1
                moved = True
        if not moved:
            break
    return depth


def _without_cycles(picture: Picture) -> list[tuple[str, str]]:
    out: dict[str, list[str]] = {key: [] for key in picture.boxes}
    for start, end in picture.arrows:
        out[start].append(end)
    kept: list[tuple[str, str]] = []
    done: set[str] = set()
    open_: set[str] = set()
    first = [key for key, box in picture.boxes.items() if box.start]
    for root in (*first, *picture.boxes):
        stack = [(root, iter(out[root]))] if root not in done else []
        open_.update({root} if stack else ())
        while stack:
            node, ends = stack[-1]
            end = next(ends, "")
            if not end:
                stack.pop()
                open_.discard(node)
                done.add(node)
            elif end not in open_:
                kept.append((node, end))
                if end not in done:
                    open_.add(end)
                    stack.append((end, iter(out[end])))
    return kept


def _order(layers: list[list[_Node]], chains: list[list[_Node]]) -> None:
    near = _neighbours(chains)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, chains)
    for sweep in range(_SWEEPS):
        places = {node: place / max(1, len(layer)) for layer in layers for place, node in enumerate(layer)}
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            mean = {node: _mean(places, near.get(node, ()), places[node]) for node in layer}
            layer.sort(key=lambda node: (mean[node], str(node)))
            places |= {node: place / max(1, len(layer)) for place, node in enumerate(layer)}
        # Means may swing between two orders: the best one met is taken.
        if (crossings := _crossings(layers, chains)) < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    for layer, order in zip(layers, best, strict=True):
        layer[:] = order


def _crossings(layers: list[list[_Node]], chains: list[list[_Node]]) -> int:
    """How often arrows cross between layers that follow each other."""
    at = {node: (number, place) for number, layer in enumerate(layers) for place, node in enumerate(layer)}
    between: dict[int, list[tuple[int, int]]] = {}
    for chain in chains:
        for one, other in pairwise(chain):
            (upper, left), (lower, right) = sorted((at[one], at[other]))
            if upper != lower:
                between.setdefault(upper, []).append((left, right))
    many = 0
    for pairs in between.values():
        seen: list[int] = []
        for _, right in sorted(pairs):
            many += len(seen) - bisect_right(seen, right)
            insort(seen, right)
    return many


def _placed(
    layers: list[list[_Node]], sizes: dict[_Node, tuple[float, float]], chains: list[list[_Node]]
) -> dict[_Node, Place]:
    """Each near the middle of its neighbours, in the order of its layer, with room between."""
    near = _neighbours(chains)
    x: dict[_Node, float] = {}
    for layer in layers:
        at = 0.0
        for node in layer:
            x[node] = at + sizes[node][0] / 2
            at += sizes[node][0] + _GAP_X
        for node in layer:
            x[node] -= at / 2
    for sweep in range(_SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = [_mean(x, near.get(node, ()), x[node]) for node in layer]
            x |= dict(zip(layer, _spread(layer, wanted, sizes), strict=True))
    found: dict[_Node, Place] = {}
    y = 0.0
    for layer in layers:
        tallest = max((sizes[node][1] for node in layer), default=0.0)
        for node in layer:
            found[node] = Place(x[node], y + tallest / 2, *sizes[node])
        y += tallest + _GAP_Y
    return found


def _spread(layer: list[_Node], wanted: list[float], sizes: dict[_Node, tuple[float, float]]) -> list[float]:
    """Places as near to those wanted as room allows: the mean of pushing from the left and from the right."""
    from_left, from_right = list(wanted), list(wanted)
    for number in range(1, len(layer)):
        room = (sizes[layer[number - 1]][0] + sizes[layer[number]][0]) / 2 + _GAP_X
        from_left[number] = max(from_left[number], from_left[number - 1] + room)
    for number in range(len(layer) - 2, -1, -1):
        room = (sizes[layer[number]][0] + sizes[layer[number + 1]][0]) / 2 + _GAP_X
        from_right[number] = min(from_right[number], from_right[number + 1] - room)
    return [(one + other) / 2 for one, other in zip(from_left, from_right, strict=True)]


def _neighbours(chains: list[list[_Node]]) -> dict[_Node, list[_Node]]:
    near: dict[_Node, list[_Node]] = {}
    for chain in chains:
        for one, other in pairwise(chain):
            near.setdefault(one, []).append(other)
            near.setdefault(other, []).append(one)
    return near


def _mean(places: dict[_Node, float], nodes: list[_Node] | tuple[()], otherwise: float) -> float:
    return sum(places[node] for node in nodes) / len(nodes) if nodes else otherwise
