"""What held identities come to together: a fixpoint of rights rules over the union of their rights.

Positive Datalog, as MulVAL reads networks (Ou, "MulVAL", Princeton 2005): a rule fires for values of its variables
when all its atoms are held, and what it gives (an identity to assume, a right, everything) may fire others. A
closure grows by one identity at a time from the one before it; only rules with a newly held atom are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphsvc.core.estate import Estate
from graphsvc.core.gain.agenda import Agenda
from graphsvc.core.gain.holding import ANYTHING, Holdings
from graphsvc.core.gain.rule import ANY_VALUE, Rule
from graphsvc.core.glob import is_literal, matches
from graphsvc.core.memo import Memo
from graphsvc.core.permission import Permission
from graphsvc.core.policy.where import SELF, Call

__all__ = ["Binding", "Closure", "Closures", "Firing"]

_MAX_BINDINGS = 10_000
_MEMO_LIMIT = 20_000
_EMPTY: frozenset[str] = frozenset()
_ANYTHING = frozenset((ANYTHING,))

Binding = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Firing:
    """A rule that fires, by one witness. binding: values of its variables, as node keys, those that tell it
    apart first. unknown: a test could not be decided.
    """

    rule: Rule
    binding: Binding
    unknown: bool

    @property
    def key(self) -> tuple[int, Binding]:
        """What makes it the same firing."""
        return self.rule.number, self.binding[: self.rule.telling]


@dataclass(slots=True)
class Closure:
    """held: identities held outright. gained: those that rules give. atoms: values by number of the atom.

    admin: a rule gives everything; what else would follow from that is not listed. truncated: a rule has more bindings than are looked at.
    """

    held: frozenset[str] = _EMPTY
    gained: dict[str, Firing] = field(default_factory=dict)
    atoms: dict[int, frozenset[str]] = field(default_factory=dict)
    mask: int = 0
    firings: dict[tuple[int, Binding], Firing] = field(default_factory=dict)
    admin: bool = False
    truncated: bool = False

    def copied(self, held: frozenset[str]) -> Closure:
        """A closure of more identities that begins as this one."""
        return Closure(
            held,
            self.gained.copy(),
            self.atoms.copy(),
            self.mask,
            self.firings.copy(),
            self.admin,
            self.truncated,
        )


class Closures:
    """Closures by set of held identities, remembered until the graph changes.

    chained: what a rule gives may fire others; else only rights that are held outright count.
    """

    def __init__(
        self, rules: tuple[Rule, ...], holdings: Holdings, estate: Estate, *, chained: bool = True
    ) -> None:
        self._chained = chained
        self.rules = rules
        self._holdings = holdings
        self._estate = estate
        self._agenda = Agenda(rules)
        # Of rules without variables and tests there is but one firing.
        self._only = {
            rule.number: (Firing(rule, (), unknown=False),)
            for rule in rules
            if not rule.variables and not rule.tests
        }
        # A new identity is a new value of `$self`, whatever rights it brings.
        self._of_self = [rule for rule in rules if SELF in rule.variables]
        self._memo: Memo[frozenset[str], Closure] = Memo(_MEMO_LIMIT)
        # Atoms that a right which a rule gives fills, until the graph changes.
        self._filled: dict[tuple[str, str | None], dict[int, frozenset[str]]] = {}

    def of(self, held: frozenset[str]) -> Closure:
        """held: keys of identities."""
        self._follow()
        found = self._memo.get(held)
        if found is None:
            found = Closure()
            for identity in sorted(held):
                found = self._extended(found, found.held | {identity}, identity)
            self._memo.put(held, found)
        return found

    def with_one(self, held: frozenset[str], identity: str) -> Closure:
        """The closure of one identity more."""
        self._follow()
        after = held | {identity}
        found = self._memo.get(after)
        if found is None:
            found = self._memo.put(after, self._extended(self.of(held), after, identity))
        return found

    def with_rights(self, closure: Closure, rights: Sequence[tuple[Sequence[str], Sequence[str]]]) -> Closure:
        """The closure of more rights: globs of actions, and of resources as `type:id`. Not remembered."""
        if not rights:
            return closure
        after = closure.copied(closure.held)
        waiting: dict[int, Rule] = {}
        for actions, resources in rights:
            for action in actions:
                for resource in resources:
                    self._hold(after, self._matching(action, resource), waiting)
        self._run(after, waiting)
        return after

    def atoms_of(self, identity: str) -> Mapping[int, frozenset[str]]:
        """What an identity holds outright, by number of the atom."""
        self._follow()
        return self._holdings.of(identity)

    def given_by(self, permission: Permission) -> Mapping[int, frozenset[str]]:
        """What a plain permission gives by itself."""
        self._follow()
        return dict(self._holdings.given_by(permission))

    def fired(
        self,
        atoms: Mapping[int, frozenset[str]],
        rules: Iterable[Rule],
        held: frozenset[str] = _EMPTY,
    ) -> Iterator[Firing]:
        """Firings of some rules by what is held, without what they give. held: values of `$self`."""
        self._follow()
        closure = Closure(held, atoms=dict(atoms))
        for number in atoms:
            closure.mask |= 1 << number
        for rule in rules:
            if not rule.need & ~closure.mask:
                for firing in self._fire(rule, closure):
                    closure.firings[firing.key] = firing
                    yield firing

    def _follow(self) -> None:
        if self._holdings.follow():
            self._memo.clear()
            self._filled.clear()

    def _extended(self, closure: Closure, held: frozenset[str], identity: str) -> Closure:
        after = closure.copied(held)
        waiting = self._with_self(after)
        self._hold(after, self._holdings.of(identity), waiting)
        if waiting:
            self._run(after, waiting)
        return after

    def _with_self(self, closure: Closure) -> dict[int, Rule]:
        if not self._of_self:
            return {}
        return {rule.number: rule for rule in self._of_self if rule.need & ~closure.mask == 0}

    def _run(self, after: Closure, waiting: dict[int, Rule]) -> None:
        while waiting:
            number, rule = waiting.popitem()
            for firing in self._only.get(number) or self._fire(rule, after):
                after.firings[firing.key] = firing
                if self._chained:
                    self._gain(after, firing, waiting)

    def _hold(self, closure: Closure, atoms: Mapping[int, frozenset[str]], waiting: dict[int, Rule]) -> None:
        held, mask = closure.atoms, closure.mask
        fresh: list[int] = []
        for number, values in atoms.items():
            before = held.get(number)
            if before is None:
                held[number] = values
                mask |= 1 << number
            elif values <= before:
                continue
            else:
                held[number] = before | values
            fresh.append(number)
        closure.mask = mask
        self._agenda.add(fresh, mask, waiting)

    def _gain(self, closure: Closure, firing: Firing, waiting: dict[int, Rule]) -> None:
        gives, binding = firing.rule.gives, dict(firing.binding)
        if gives is None:
            return
        if gives.admin:
            closure.admin = True
        elif gives.assume is not None:
            name = gives.assume
            identity = binding[name[1:]] if name.startswith("$") else f"identity:{name}"
            if identity not in closure.held and identity not in closure.gained:
                closure.gained[identity] = firing
                waiting |= self._with_self(closure)
                self._hold(closure, self._holdings.of(identity), waiting)
        else:
            assert gives.right is not None  # a gain is exactly one of the three
            on = binding[gives.on[1:]] if gives.on is not None and gives.on.startswith("$") else gives.on
            self._hold(closure, self._matching(gives.right, on), waiting)

    def _matching(self, right: str, on: str | None) -> dict[int, frozenset[str]]:
        """Atoms that a gained right fills. on: None everywhere, a node key, or a glob over `type:id`."""
        found = self._filled.get((right, on))
        if found is None:
            if len(self._filled) >= _MEMO_LIMIT:
                self._filled.clear()
            found = self._filled[right, on] = self._looked_for(right, on)
        return found

    def _looked_for(self, right: str, on: str | None) -> dict[int, frozenset[str]]:
        found: dict[int, frozenset[str]] = {}
        holdings = self._holdings
        for number in holdings.atoms_of(right):
            atom = holdings.atoms[number]
            every = holdings.candidates[number] if atom.on == ANY_VALUE else _ANYTHING
            if on is None or on == "*" or atom.on is None:
                found[number] = every
            elif atom.on != ANY_VALUE:
                if matches(on.removeprefix("resource:"), atom.on):
                    found[number] = every
            elif is_literal(on) and ":" in on and on.partition(":")[0] in ("identity", "resource"):
                found[number] = every & {on}
            else:
                names = on.removeprefix("resource:")
                found[number] = frozenset(
                    key for key in every if matches(names, key.removeprefix("resource:"))
                )
        return {number: values for number, values in found.items() if values}

    def _fire(self, rule: Rule, closure: Closure) -> Iterator[Firing]:
        """Firings that the closure does not hold yet; whoever takes one puts it there before taking the next."""
        examined = 0
        waiting: list[tuple[int, dict[str, str], bool]] = [(0, {}, False)]
        for test in rule.tests:
            if not test.variables and test.judge({}, self._estate) is False:
                return
        while waiting:
            place, binding, unknown = waiting.pop()
            if place >= rule.telling:
                # One witness is enough.
                key = rule.number, tuple((name, binding[name]) for name in rule.variables[: rule.telling])
                if key in closure.firings:
                    continue
            if place == len(rule.variables):
                yield Firing(rule, tuple((name, binding[name]) for name in rule.variables), unknown)
                continue
            name = rule.variables[place]
            unsure = self._holdings.unsure.get((rule.number, name), _EMPTY)
            for value in sorted(self._values(rule, name, binding, closure), reverse=True):
                examined += 1
                if examined > _MAX_BINDINGS:
                    closure.truncated = True
                    return
                more = {**binding, name: value}
                answers = [test.judge(more, self._estate) for test in rule.by_place[place]]
                if False not in answers:
                    waiting.append((place + 1, more, unknown or None in answers or value in unsure))

    def _values(self, rule: Rule, name: str, binding: Mapping[str, str], closure: Closure) -> frozenset[str]:
        values: frozenset[str] | None = None
        for premise in rule.premises:
            if premise.variable == name:
                held = closure.atoms.get(premise.atom, _EMPTY)
                values = held if values is None else values & held
        for test in rule.tests:
            given = test.call.values(name, binding, self._estate) if test.call is not None else None
            if given is None and test.call is not None:
                given = self._from_partner(rule, test.call, name, binding, closure)
            if given is not None:
                values = frozenset(given) if values is None else values & frozenset(given)
        if name == SELF:
            mine = closure.held | closure.gained.keys()
            values = mine if values is None else values & mine
        domain = self._holdings.domains.get((rule.number, name), _EMPTY)
        return domain if values is None else values & domain

    def _from_partner(
        self, rule: Rule, call: Call, name: str, binding: Mapping[str, str], closure: Closure
    ) -> Iterable[str] | None:
        """Values that follow from those which another variable, not bound yet, can have by what is held."""
        other = call.partner(name)
        if other is None or other in binding:
            return None
        held = [closure.atoms.get(each.atom, _EMPTY) for each in rule.premises if each.variable == other]
        if not held:
            return None
        partners = held[0].intersection(*held[1:])
        return {
            value
            for each in partners
            for value in call.values(name, {**binding, other: each}, self._estate) or ()
        }
