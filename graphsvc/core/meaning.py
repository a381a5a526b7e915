"""What actions mean by the `actions` of all packs together."""

from __future__ import annotations

from collections.abc import Sequence

from graphsvc.core.event import Declaration
from graphsvc.core.glob import is_literal, literal_length, matches
from graphsvc.core.policy.document import ActionDeclaration, Policy

__all__ = ["Meanings"]


class Meanings:
    """Declarations of packs in pack order. Exactly one entry describes an action; entries do not merge (rule R20)."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        # Later packs before earlier ones, within a pack in file order: the first best match wins.
        declared = [
            (glob, _declaration(entry))
            for policy in reversed(policies)
            for glob, entry in policy.actions.items()
        ]
        self._exact = {glob: meaning for glob, meaning in reversed(declared) if is_literal(glob)}
        self._wild = [(glob, meaning) for glob, meaning in declared if not is_literal(glob)]
        self._wild.sort(key=lambda item: -literal_length(item[0]))

    def declare(self, action: str) -> Declaration:
        """The exact name, else the glob with most literal characters, else nothing."""
        found = self._exact.get(action)
        if found is not None:
            return found
        return next((meaning for glob, meaning in self._wild if matches(glob, action)), Declaration())


def _declaration(entry: ActionDeclaration) -> Declaration:
    return Declaration(
        effects=frozenset(entry.effects),
        result_labels=entry.result.labels,
        destinations=tuple(name for name, role in entry.arguments.items() if role == "destination"),
        roles=dict(entry.arguments),
        level=entry.level,
        effects_with_destination=frozenset(entry.effects_with_destination),
    )
