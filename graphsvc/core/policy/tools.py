"""Declarations of packs as the client of an enforcement point reads them: plain JSON by action."""

from __future__ import annotations

from collections.abc import Iterable

from graphsvc.core.policy.document import Policy
from graphsvc.core.value import Json

__all__ = ["tools_of"]


def tools_of(policies: Iterable[Policy]) -> dict[str, dict[str, Json]]:
    """What packs say of actions, by name or glob; of a name in several packs the later one's, as when deciding."""
    tools: dict[str, dict[str, Json]] = {}
    for policy in sorted(policies, key=lambda each: (each.pack.order, each.pack.id)):
        for name, declared in policy.actions.items():
            tools[name] = declared.model_dump(mode="json", exclude_defaults=True)
    return tools
