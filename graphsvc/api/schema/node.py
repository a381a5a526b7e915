"""Objects that can be fetched by id, and pages of them (Relay)."""

from __future__ import annotations

from typing import Generic, TypeVar

import strawberry

__all__ = ["Connection", "Edge", "Node", "PageInfo", "page_size"]

from graphsvc.errors import BadInput

T = TypeVar("T")
_MAX_PAGE = 200


@strawberry.interface(description="Anything with an id of its own, such as `chain:c1`.")
class Node:
    """Anything with an id of its own."""

    id: strawberry.ID


@strawberry.type(description="Where a page lies.")
class PageInfo:
    """Where a page lies."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    """One entry of a page."""

    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    """A page."""

    edges: list[Edge[T]]
    page_info: PageInfo


def page_size(first: int | None, field: str = "first") -> int:
    """The number of entries asked for, 50 when left out; BadInput outside 1..200 names `field`."""
    if first is None:
        return 50
    if not 1 <= first <= _MAX_PAGE:
        raise BadInput(f"{field}: `{first}` is not between 1 and {_MAX_PAGE}", field=field)
    return first
