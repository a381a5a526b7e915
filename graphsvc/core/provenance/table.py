"""Provenance tables of packs, compiled: a cell for how far an effect was asked for, its level, and a fact."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.provenance import AmountRule, ContentRule, FetchRule, Provenance, Row
from graphsvc.core.provenance.fact import FACTS
from graphsvc.core.verdict import Verdict

__all__ = ["NO_ARGUMENT", "Table", "compile_tables", "verdict_of"]

# The column of an action without critical arguments.
NO_ARGUMENT = "none"
_VERDICTS = {"permit": Verdict.PERMIT, "escalate": Verdict.ESCALATE, "deny": Verdict.DENY}
_IF_DESCRIBED = "permit_if_described"


@dataclass(frozen=True, slots=True)
class Table:
    """One pack's table. after: patterns of which one must complete, () = always asked.

    cells: by (requested, level, fact or NO_ARGUMENT); one that is not there denies. described: effects for which a
    described value of the highest designation is permitted where its cell says so.
    """

    pack: str
    after: frozenset[str]
    required: bool
    levels: Mapping[str, int]
    cells: Mapping[tuple[str, int, str], str]
    described: frozenset[str]
    fetch: FetchRule | None
    amount: AmountRule | None
    content: ContentRule | None
    content_effects: frozenset[str]

    def level_of(self, effects: Collection[str], declared: int | None) -> int | None:
        """How hard the effects are to undo; None when the table does not judge any of them.

        declared: the action's own level, which replaces those of its effects.
        """
        found = [self.levels[effect] for effect in effects if effect in self.levels]
        if not found:
            return None
        return max(found) if declared is None else declared

    def verdict(
        self, requested: str, level: int, fact: str, effects: Collection[str], *, described: bool
    ) -> Verdict:
        """What a value leads to. described: the request describes it and points at its place itself."""
        cell = self.cells.get((requested, level, fact), "deny")
        if cell == _IF_DESCRIBED:
            return Verdict.PERMIT if described and self.described.issuperset(effects) else Verdict.ESCALATE
        return _VERDICTS[cell]


def compile_tables(policies: Iterable[Policy]) -> tuple[Table, ...]:
    """The tables of packs that have one, in pack order; all are asked, and the most severe answer counts."""
    policies = tuple(policies)
    known = {pattern.id for policy in policies for pattern in policy.patterns}
    return tuple(
        _compiled(policy.pack.id, policy.provenance, known)
        for policy in policies
        if policy.provenance is not None
    )


def verdict_of(outcome: str) -> Verdict:
    """The verdict that a policy's word means."""
    return _VERDICTS[outcome]


def _compiled(pack: str, written: Provenance, known: Collection[str]) -> Table:
    return Table(
        pack=pack,
        # A pattern that is not there would switch the table off; without any, it is always asked.
        after=frozenset(written.after).intersection(known),
        required=written.facts == "required",
        levels={str(effect): level for effect, level in written.levels.items()},
        cells={key: cell for row in written.table for key, cell in _cells(row)},
        described=frozenset(written.described),
        fetch=written.fetch,
        amount=written.amount,
        content=written.content,
        content_effects=frozenset(written.content.effects if written.content is not None else ()),
    )


def _cells(row: Row) -> Iterable[tuple[tuple[str, int, str], str]]:
    for when in row.when:
        for level in row.level:
            for column in (*FACTS, NO_ARGUMENT):
                yield (when, level, column), getattr(row, column)
