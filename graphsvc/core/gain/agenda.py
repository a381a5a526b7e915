"""Which rules a newly held atom may fire, found without looking at all that mention it.

A rule fires when all its atoms are held. The one that is held last finds it by any other that is held already, so
only rules that share two held atoms are looked at; those of a single atom are listed by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

from graphsvc.core.gain.rule import Rule

__all__ = ["Agenda"]


class Agenda:
    """Rules by their atoms."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._alone: dict[int, list[Rule]] = {}
        self._by_pair: dict[tuple[int, int], list[Rule]] = {}
        # Bits of the atoms that appear beside an atom in some rule.
        self._beside: dict[int, int] = {}
        for rule in rules:
            atoms = sorted({premise.atom for premise in rule.premises})
            if len(atoms) == 1:
                self._alone.setdefault(atoms[0], []).append(rule)
            for atom, other in permutations(atoms, 2):
                self._beside[atom] = self._beside.get(atom, 0) | 1 << other
                self._by_pair.setdefault((atom, other), []).append(rule)

    def add(self, atoms: Iterable[int], mask: int, waiting: dict[int, Rule]) -> None:
        """Put rules that mention one of the atoms and whose atoms are all held into `waiting`. mask: bits of what is held."""
        alone, beside = self._alone, self._beside
        for atom in atoms:
            if atom in alone:
                for rule in alone[atom]:
                    waiting[rule.number] = rule
            held = beside.get(atom, 0) & mask
            if held:
                self._add_shared(atom, held, ~mask, waiting)

    def _add_shared(self, atom: int, held: int, lacking: int, waiting: dict[int, Rule]) -> None:
        while held:
            bit = held & -held
            held ^= bit
            for rule in self._by_pair[atom, bit.bit_length() - 1]:
                if not rule.need & lacking:
                    waiting[rule.number] = rule
