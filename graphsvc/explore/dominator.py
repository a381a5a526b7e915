"""Immediate dominators of a graph of numbers: Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["immediate_dominators"]


def immediate_dominators(
    after: Sequence[Sequence[int]], before: Sequence[Sequence[int]], root: int
) -> tuple[list[int], list[int]]:
    """By node its immediate dominator, -1 where the root does not lead; and the nodes it leads to, in reverse postorder.

    after, before: by node where edges from it lead, and where those to it come from. The root is its own dominator.
    """
    order = _reverse_postorder(after, root)
    place = [-1] * len(after)
    for position, node in enumerate(order):
        place[node] = position
    # By place in the order, so that the nearer to the root is the smaller.
    coming = [[place[each] for each in before[node] if place[each] >= 0] for node in order]
    above = [-1] * len(order)
    above[0] = 0
    changed = True
    while changed:
        changed = False
        for node in range(1, len(order)):
            found = -1
            for other in coming[node]:
                if above[other] < 0:
                    continue
                if found < 0:
                    found = other
                    continue
                while found != other:
                    if found > other:
                        found = above[found]
                    else:
                        other = above[other]
            if above[node] != found:
                above[node] = found
                changed = True
    dominators = [-1] * len(after)
    for position, node in enumerate(order):
        dominators[node] = order[above[position]]
    return dominators, order


def _reverse_postorder(after: Sequence[Sequence[int]], root: int) -> list[int]:
    seen = bytearray(len(after))
    seen[root] = 1
    order: list[int] = []
    stack = [(root, iter(after[root]))]
    while stack:
        node, rest = stack[-1]
        for following in rest:
            if not seen[following]:
                seen[following] = 1
                stack.append((following, iter(after[following])))
                break
        else:
            stack.pop()
            order.append(node)
    order.reverse()
    return order
