"""Which steps of plain patterns lie before a place: one number, and who reached them.

Theory of operation. Of a pattern without windows, keys, cuts and resets a later match is never better than an earlier
one. So all that is to know of its register is whether there is one, and all such registers of a place are the bits
of one number: what a step needs is there iff `need & ~mask == 0`, and what several predecessors bring is an `or`.
Who reached a bit first is told by the marks before: each adds bits of its own, or is a meeting of two.

INVARIANT: a mark has bits that those before it lack, so no way back is longer than there are bits.
INVARIANT: the bits that a step needs lay at `inner` of the mark that reached it, so a whole match can be told.
"""

from __future__ import annotations

import msgspec

__all__ = ["NOTHING", "Mark", "marked", "met", "reached_by"]


class Mark(msgspec.Struct, frozen=True, gc=False):
    """mask: all bits reached, those that `action` added too; no action: a meeting, which adds none.

    before: what lay before. beside: of a meeting the other side; of an action whose inputs are declared where the steps
    before its own were found, None: in `before`.
    """

    mask: int = 0
    action: str = ""
    before: Mark | None = None
    beside: Mark | None = None

    @property
    def own(self) -> int:
        """The bits that its action added."""
        if not self.action or self.before is None:
            return 0
        return self.mask & ~self.before.mask

    @property
    def inner(self) -> Mark:
        """Where the steps were found that its own needed."""
        return self.beside or self.before or NOTHING


NOTHING = Mark()


def marked(before: Mark, own: int, action: str, inner: Mark | None = None) -> Mark:
    """A place after an action that reached some steps. own: bits that `before` lacks; inner: see `Mark.beside`."""
    return Mark(before.mask | own, action, before, inner)


def met(one: Mark, other: Mark) -> Mark:
    """A place after both; what either reached was reached by the first, if it was."""
    if one is other:
        return one
    mask = one.mask | other.mask
    if mask == one.mask:
        return one
    return other if mask == other.mask else Mark(mask, "", one, other)


def reached_by(mark: Mark, bit: int) -> Mark:
    """The mark that reached a bit; KeyError when none did."""
    place: Mark | None = mark
    while place is not None and place.mask & bit:
        before = place.before
        if before is not None and before.mask & bit:
            place = before
        elif place.action:
            return place
        else:
            place = place.beside
    raise KeyError(bit)
