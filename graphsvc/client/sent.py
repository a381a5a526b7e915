"""Every document that the client sends, for services that answer none but those they know."""

from __future__ import annotations

from graphsvc.client import asking, document, governing, registering

__all__ = ["SENT"]

SENT: tuple[str, ...] = tuple(
    text
    for module in (document, asking, governing, registering)
    for text in vars(module).values()
    if isinstance(text, str) and text.startswith(("query", "mutation", "subscription"))
)
