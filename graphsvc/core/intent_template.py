"""Templates of intents that packs bring, in the form that intents have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphsvc.core.duration import format_duration
from graphsvc.core.policy.document import IntentTemplate, Policy
from graphsvc.core.value import Json

__all__ = ["intent_templates"]


def intent_templates(policies: Sequence[Policy]) -> Mapping[str, Mapping[str, Json]]:
    """By name; policies: in pack order, so that the later of two counts."""
    return {name: _intent(each) for policy in policies for name, each in policy.intents.items()}


def _intent(template: IntentTemplate) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for name in ("actions", "resources", "effects", "destinations"):
        globs = getattr(template, name)
        if globs is not None:
            found[name] = list(globs)
    for name, limit in (("amount", template.amount), ("total", template.total)):
        if limit is not None:
            found[name] = {"max": limit.max, "currency": limit.currency}
    if template.lasts is not None:
        found["lasts"] = format_duration(template.lasts)
    return found
