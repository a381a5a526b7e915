"""Published packs as policies; texts that were read once are not read again."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from graphsvc.core.governing import PolicyShadowed
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policy, set_problems
from graphsvc.core.record import PolicyPublished

__all__ = ["load_pack", "load_packs"]


def load_packs(packs: Mapping[str, PolicyPublished] | Mapping[str, PolicyShadowed]) -> tuple[Policy, ...]:
    """Load the texts of published packs, in pack order."""
    policies = [load_pack(pack.text, pack.file) for pack in packs.values()]
    problems = set_problems(policies)
    if problems:
        raise problems[0]
    return tuple(sorted(policies, key=lambda policy: (policy.pack.order, policy.pack.id)))


# Reading a pack takes a second where folding a record takes microseconds, and texts repeat.
@lru_cache(maxsize=256)
def load_pack(text: str, file: str = "<policy>") -> Policy:
    """One pack; PolicyError where its text is not one."""
    return load_policy(text, file)
