"""What the parts of the asynchronous client have in common: one read, one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["Calling", "next_cursor"]


class Calling:
    """Implemented by `Client`."""

    async def _read(self, text: str, variables: Mapping[str, Any]) -> Any:
        """The value of a query; asked again when the connection is lost."""
        raise NotImplementedError

    async def _call(self, text: str, variables: Mapping[str, Any]) -> Any:
        """The value of a mutation, its failures raised."""
        raise NotImplementedError


def next_cursor(value: Any) -> str | None:
    """Where the next page of a connection begins; None at the end."""
    page = value["pageInfo"]
    return page["endCursor"] if page["hasNextPage"] else None
