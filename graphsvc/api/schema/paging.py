"""Pages of a list by keyset cursors, from either end (Relay): `first` behind `after`, or `last` before `before`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol, TypeVar

from graphsvc.api.schema.node import Connection, Edge, PageInfo, page_size
from graphsvc.errors import BadInput

__all__ = ["Window", "listed", "scanned", "window"]

T = TypeVar("T")
# How many rows may be looked through for one page, when not all of them are wanted.
_MAX_SCANNED = 5_000


class Numbered(Protocol):
    """A row that lies somewhere in the log."""

    @property
    def seq(self) -> int:
        """Its number."""


R = TypeVar("R", bound=Numbered)
# More than any list holds that is read from memory.
_ALL = 2**31


class Window(NamedTuple):
    """Which part of a list: `size` entries between two cursors, those at the end when `is_backward`."""

    size: int
    after: str | None
    before: str | None
    is_backward: bool

    def connection(self, edges: list[Edge[T]], *, more: bool) -> Connection[T]:
        """The page of these edges, in the list's order. more: there are others beyond the end that was read towards."""
        info = PageInfo(
            has_next_page=self.before is not None if self.is_backward else more,
            has_previous_page=more if self.is_backward else self.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        )
        return Connection(edges=edges, page_info=info)


def window(first: int | None, after: str | None, last: int | None, before: str | None) -> Window:
    """The part that a caller asks for; BadInput when it cannot be both."""
    if first is not None and last is not None:
        raise BadInput("last: cannot be given together with first", field="last")
    if last is not None:
        return Window(page_size(last, "last"), after, before, is_backward=True)
    return Window(page_size(first), after, before, is_backward=False)


def listed(
    asked: Window,
    read: Callable[[str | None, int], list[T]],
    cursor: Callable[[T], str],
    checked: Callable[[str, str], str],
) -> tuple[list[T], bool]:
    """A page of a list that is read from memory, and whether there is more.

    read: entries behind a cursor, at most so many. checked: a caller's cursor and its field, as `cursor` writes it.
    """
    after = None if asked.after is None else checked(asked.after, "after")
    if asked.before is None and not asked.is_backward:
        rows = read(after, asked.size + 1)
        return rows[: asked.size], len(rows) > asked.size
    rows = read(after, _ALL)
    if asked.before is not None:
        end = checked(asked.before, "before")
        rows = rows[: next((place for place, row in enumerate(rows) if cursor(row) == end), len(rows))]
    more = len(rows) > asked.size
    return (rows[-asked.size :] if asked.is_backward else rows[: asked.size]), more


async def scanned(
    asked: Window,
    older_than: int | None,
    newer_than: int | None,
    read: Callable[[int, int | None, int | None], Awaitable[Sequence[R]]],
    kept: Callable[[R], T | None],
) -> tuple[list[tuple[int, T]], bool]:
    """A page of a list that a store keeps, newest first, with the numbers of its rows, and whether there is more.

    read: so many rows older than a number and newer than another, newest first, oldest first when the window is read
    backward. kept: what becomes of a row, None when it is not wanted.
    """
    found: list[tuple[int, T]] = []
    more, seen = True, 0
    while len(found) <= asked.size and more and seen < _MAX_SCANNED:
        rows = await read(asked.size + 1, older_than, newer_than)
        more = len(rows) == asked.size + 1
        seen += len(rows)
        for row in rows:
            if asked.is_backward:
                newer_than = row.seq
            else:
                older_than = row.seq
            if (one := kept(row)) is not None:
                found.append((row.seq, one))
    page = found[: asked.size]
    if asked.is_backward:
        page.reverse()
    return page, len(found) > asked.size or more
