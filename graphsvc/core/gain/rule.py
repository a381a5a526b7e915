"""A rights pattern as the closure runs it: atoms that must be held, on values of its variables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphsvc.core.pattern import CompiledPattern
from graphsvc.core.policy.pattern import RightsGain, RightsPattern
from graphsvc.core.policy.where import SELF, Test, identities_of, parse_where

__all__ = ["ANY_VALUE", "Atom", "Premise", "Rule", "compile_rules"]

# Where an atom is held that has a variable; no glob, for those stand for all they fit at once.
ANY_VALUE = "$"


@dataclass(frozen=True, slots=True)
class Atom:
    """Holding one of some rights. on: None anywhere; `ANY_VALUE` any value of a variable; else a glob over `type:id`.

    of_identities: the values of the variable are identities, else resources. given: keys of conditions that the rule fixes.
    """

    rights: tuple[str, ...]
    on: str | None
    of_identities: bool = False
    given: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Premise:
    """An atom by its number, on the value of a variable, None without one."""

    atom: int
    variable: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """number: of its pattern in the rule set. need: bits of its atoms. tests: conjuncts of its `where`.

    variables: in the order in which they are bound; telling: how many of the first tell firings apart, those
    that say what is given, all but `$self` where nothing is; identities: those that stand for identities.
    rights: as written. by_place: for each variable
    the conjuncts that can be judged once it is bound, those of that variable alone left out.
    """

    number: int
    pattern: CompiledPattern
    premises: tuple[Premise, ...]
    need: int
    variables: tuple[str, ...]
    telling: int
    identities: frozenset[str]
    tests: tuple[Test, ...]
    by_place: tuple[tuple[Test, ...], ...]
    rights: RightsPattern

    @property
    def gives(self) -> RightsGain | None:
        """What it gives, None when holding the rights is the harm."""
        return self.rights.gives


def compile_rules(
    patterns: Iterable[tuple[CompiledPattern, RightsPattern]],
) -> tuple[tuple[Rule, ...], tuple[Atom, ...]]:
    """The rules of checked patterns, and the atoms they share."""
    atoms: dict[Atom, int] = {}
    rules = tuple(_rule(compiled, written, atoms) for compiled, written in patterns)
    return rules, tuple(atoms)


def _rule(compiled: CompiledPattern, written: RightsPattern, atoms: dict[Atom, int]) -> Rule:
    test = parse_where(written.where) if written.where is not None else None
    identities = identities_of(test)
    if written.gives is not None and written.gives.assume is not None:
        identities |= _variables((written.gives.assume,))
    premises = []
    for right in written.all_of:
        variable = right.on[1:] if right.on is not None and right.on.startswith("$") else None
        given = tuple(sorted(right.given.items()))
        atom = Atom(right.right, right.on if variable is None else ANY_VALUE, variable in identities, given)
        premises.append(Premise(atoms.setdefault(atom, len(atoms)), variable))
    need = 0
    for premise in premises:
        need |= 1 << premise.atom
    bound = dict.fromkeys(premise.variable for premise in premises if premise.variable is not None)
    # Those that only `where` or `gives` speak of come last: their values follow from the others.
    bound |= dict.fromkeys(sorted(test.variables if test is not None else ()))
    gives = written.gives
    told = set(bound) - {SELF}
    if gives is not None:
        told = set(_variables((gives.assume, gives.on)))
        bound |= dict.fromkeys(sorted(told))
    variables = sorted(bound, key=lambda name: name not in told)
    tests = test.conjuncts() if test is not None else ()
    return Rule(
        number=compiled.number,
        pattern=compiled,
        premises=tuple(premises),
        need=need,
        variables=tuple(variables),
        telling=len(told),
        identities=identities,
        tests=tests,
        by_place=tuple(_judged_at(place, variables, tests) for place in range(len(variables))),
        rights=written,
    )


def _judged_at(place: int, variables: Sequence[str], tests: Sequence[Test]) -> tuple[Test, ...]:
    bound, name = frozenset(variables[: place + 1]), variables[place]
    return tuple(test for test in tests if name in test.variables <= bound and len(test.variables) > 1)


def _variables(texts: Sequence[str | None]) -> frozenset[str]:
    return frozenset(text[1:] for text in texts if text is not None and text.startswith("$"))
