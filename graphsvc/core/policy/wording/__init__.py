"""What every key of a policy file means, in words for people: shown by editors, and the language reference.

One entry a key, `Model.key`, with examples as they are written in a file. A key that a model inherits is told once,
at the model that brings it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphsvc.core.policy.wording.condition import CONDITION
from graphsvc.core.policy.wording.file import FILE
from graphsvc.core.policy.wording.pattern import PATTERN
from graphsvc.core.policy.wording.provenance import PROVENANCE
from graphsvc.core.policy.wording.says import Wording
from graphsvc.core.policy.wording.story import STORY

__all__ = ["WORDING", "Wording", "wording_of"]

WORDING: Final[Mapping[str, Wording]] = {**FILE, **CONDITION, **PATTERN, **PROVENANCE, **STORY}
_WHICH = frozenset({"Level", "ReviewRoute"})


def wording_of(model: str, key: str) -> Wording:
    """What a key of a model means. KeyError (misuse) when nothing is written about it."""
    told = WORDING.get(f"{model}.{key}")
    return told or WORDING[f"{'Which' if model in _WHICH else 'EventCondition'}.{key}"]
