"""Which atoms of rights rules an identity holds: looked up once for all who hold the same permissions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphsvc.core.estate import Estate
from graphsvc.core.gain.rule import ANY_VALUE, Atom, Rule
from graphsvc.core.glob import is_literal, matches
from graphsvc.core.memo import Memo
from graphsvc.core.permission import Permission
from graphsvc.core.rights import Held, Rights
from graphsvc.core.value import Json

__all__ = ["ANYTHING", "Holdings", "faces"]

# The value of an atom without a variable.
ANYTHING = ""
_DOMAIN_EDGES = frozenset({"CAN_ASSUME", "RUNS_AS", "CONTAINS", "HOLDS_CREDENTIAL"})
_MEMO_LIMIT = 100_000


def faces(identity: str) -> tuple[str, ...]:
    """Keys of the resources that stand for an identity where a right is held on it."""
    name = identity.partition(":")[2]
    own = f"resource:identity:{name}"
    if name.startswith("arn:"):
        return own, f"resource:aws:{name}"
    if name.startswith("k8s:"):
        cluster, _, user = name[4:].partition(":")
        _, account, rest = user.partition("system:serviceaccount:")
        if account:
            namespace, _, called = rest.partition(":")
            return own, f"resource:k8s:{cluster}/namespaces/{namespace}/core/serviceaccounts/{called}"
        return own, f"resource:k8s:{cluster}/cluster/core/users/{user}"
    return (own,)


class Holdings:
    """Atoms by identity, over an estate. lenient: conditions that cannot be decided count as met."""

    def __init__(
        self,
        rules: Sequence[Rule],
        atoms: Sequence[Atom],
        estate: Estate,
        rights: Rights,
        actions: Iterable[str] = (),
        *,
        lenient: bool = False,
    ) -> None:
        self.atoms = atoms
        self.lenient = lenient
        self._rules = rules
        self._estate = estate
        self._rights = rights
        self._version = -1
        # By what is held; and by identity where that speaks of who holds it, until the graph changes.
        self._memo: Memo[Held, Mapping[int, frozenset[str]]] = Memo(_MEMO_LIMIT)
        self._personal: Memo[str, Mapping[int, frozenset[str]]] = Memo(_MEMO_LIMIT)
        # Rights with a wildcard mean the names anybody speaks of.
        literal = {right for atom in atoms for right in atom.rights if is_literal(right)}
        self._names = sorted(literal | {name for name in actions if is_literal(name)})
        self._expanded: dict[str, tuple[str, ...]] = {}
        self._named: dict[str, list[int]] = {}
        self._globbed: list[int] = []
        for number, atom in enumerate(atoms):
            if all(map(is_literal, atom.rights)):
                for name in atom.rights:
                    self._named.setdefault(name, []).append(number)
            else:
                self._globbed.append(number)
        self.domains: dict[tuple[int, str], frozenset[str]] = {}
        # Values for which a test of the variable alone cannot be decided.
        self.unsure: dict[tuple[int, str], frozenset[str]] = {}
        self.candidates: tuple[frozenset[str], ...] = ()
        self._spoken: Memo[Permission, tuple[int, ...]] = Memo()
        self._given: Memo[Permission, tuple[tuple[int, frozenset[str]], ...]] = Memo()
        self._by_place: dict[tuple[frozenset[str], bool], dict[str, list[str]]] = {}

    def of(self, identity: str) -> Mapping[int, frozenset[str]]:
        """By number of the atom the values it is held on; atoms that are not held are left out."""
        held = self._rights.held(identity)
        if held.personal:
            own = self._personal.get(identity)
            return self._personal.put(identity, self._judged(identity, held)) if own is None else own
        found = self._memo.get(held)
        if found is None:
            every = self._united(held) if held.plain else self._judged(identity, held)
            found = self._memo.put(held, every)
        return found

    def atoms_of(self, right: str) -> list[int]:
        """Numbers of the atoms that holding a right, or a glob of rights, may fill."""
        if not is_literal(right):
            return [number for number, atom in enumerate(self.atoms) if _meets(right, atom)]
        return [
            *self._named.get(right, ()),
            *(each for each in self._globbed if _meets(right, self.atoms[each])),
        ]

    def follow(self) -> bool:
        """Take up changes of the graph; True when any were made."""
        estate = self._estate
        if self._version == estate.version:
            return False
        changes = estate.changed_since(self._version) if self._version >= 0 else None
        self._version = estate.version
        self._personal.clear()
        if (
            changes is None
            or any(not key.startswith("permission:") for key in changes.nodes)
            or any(edge_type in _DOMAIN_EDGES for edge_type, _, _ in changes.edges)
        ):
            self._memo.clear()
            self._by_place.clear()
            self._given.clear()
            self._set_domains()
        return True

    def _set_domains(self) -> None:
        """Values that variables can take: nodes of the graph for which the rule's own tests may hold."""
        estate = self._estate
        self.unsure.clear()
        keys = [node.key for node in estate.nodes()]
        everything = {
            True: frozenset(key for key in keys if key.startswith("identity:")),
            False: frozenset(key for key in keys if key.startswith("resource:")),
        }
        found: list[set[str]] = [set() for _ in self.atoms]
        reached: dict[str, frozenset[str]] = {kind: frozenset(estate.ends(kind)) for kind in _DOMAIN_EDGES}
        left: dict[str, frozenset[str]] = {kind: frozenset(estate.starts(kind)) for kind in _DOMAIN_EDGES}
        for rule in self._rules:
            for name in rule.variables:
                domain = everything[name in rule.identities]
                for test in rule.tests:
                    edge_type = test.call.leads_to(name) if test.call is not None else None
                    if edge_type is not None:
                        domain &= reached[edge_type]
                    edge_type = test.call.leaves(name) if test.call is not None else None
                    if edge_type is not None:
                        domain &= left[edge_type]
                    if test.variables == {name}:
                        given = test.call.values(name, {}, estate) if test.call is not None else None
                        domain = domain if given is None else domain & frozenset(given)
                        answers = {value: test.judge({name: value}, estate) for value in domain}
                        domain = frozenset(value for value, answer in answers.items() if answer is not False)
                        unsure = frozenset(value for value in domain if answers[value] is None)
                        if unsure:
                            held = self.unsure.get((rule.number, name), frozenset())
                            self.unsure[rule.number, name] = held | unsure
                self.domains[rule.number, name] = domain
                for premise in rule.premises:
                    if premise.variable == name:
                        found[premise.atom] |= domain
        # Equal ones are one, so that what is kept by them is found without comparing.
        same: dict[frozenset[str], frozenset[str]] = {}
        self.candidates = tuple(same.setdefault(each, each) for each in map(frozenset, found))

    def _values(self, identity: str, held: Held, number: int) -> frozenset[str]:
        atom = self.atoms[number]
        names = [name for right in atom.rights for name in self._expand(right)]
        names = [name for name in names if held.of(name)]
        given = dict(atom.given)
        if atom.on is None:
            found = any(
                self._rights.anywhere(identity, name, lenient=self.lenient, given=given) for name in names
            )
            return frozenset((ANYTHING,)) if found else frozenset()
        if atom.on != ANY_VALUE:
            found = any(self._may(identity, name, f"resource:{atom.on}", given) for name in names)
            return frozenset((ANYTHING,)) if found else frozenset()
        candidates = self.candidates[number]
        if any(held.free(name) for name in names):
            return candidates
        return frozenset(
            value
            for value in self._named_by(held, names, number)
            if any(
                self._may(identity, name, place, given)
                for place in (faces(value) if atom.of_identities else (value,))
                for name in names
            )
        )

    def _united(self, held: Held) -> Mapping[int, frozenset[str]]:
        """What plain permissions give together: the union of what each gives."""
        found: dict[int, frozenset[str]] = {}
        for permission in held.permissions:
            for number, values in self.given_by(permission):
                known = found.get(number)
                found[number] = values if known is None else known | values
        return found

    def _judged(self, identity: str, held: Held) -> Mapping[int, frozenset[str]]:
        """The same where one may take away what another gives: each candidate is asked about."""
        spoken = sorted({number for each in held.permissions for number in self._spoken_of(each)})
        values = ((number, self._values(identity, held, number)) for number in spoken)
        return {number: on for number, on in values if on}

    def given_by(self, permission: Permission) -> tuple[tuple[int, frozenset[str]], ...]:
        """Atoms that a plain permission fills by itself, with the values it fills them with."""
        found = self._given.get(permission)
        if found is None:
            values = ((number, self._filled_by(permission, number)) for number in self._spoken_of(permission))
            found = self._given.put(permission, tuple((number, on) for number, on in values if on))
        return found

    def _filled_by(self, permission: Permission, number: int) -> frozenset[str]:
        atom, candidates = self.atoms[number], self.candidates[number]
        if atom.on is None:
            return frozenset((ANYTHING,)) if permission.exact or permission.wild else frozenset()
        places = self._estate.places
        if atom.on != ANY_VALUE:
            held = permission.covers(places(f"resource:{atom.on}"))
            return frozenset((ANYTHING,)) if held else frozenset()
        if permission.anywhere:
            return candidates
        if permission.wild:
            return frozenset(
                value
                for value in candidates
                if any(
                    permission.covers(places(face))
                    for face in (faces(value) if atom.of_identities else (value,))
                )
            )
        inside = self._inside(candidates, of_identities=atom.of_identities)
        return frozenset(value for place in permission.exact for value in inside.get(place, ()))

    def _spoken_of(self, permission: Permission) -> tuple[int, ...]:
        """Numbers of the atoms whose rights a permission speaks of."""
        found = self._spoken.get(permission)
        if found is None:
            every: Iterable[int] = range(len(self.atoms))
            if not permission.globbed and not self._globbed:
                every = sorted(
                    {number for name in permission.actions for number in self._named.get(name, ())}
                )
            found = tuple(
                number
                for number in every
                if any(
                    permission.speaks_of(name)
                    for right in self.atoms[number].rights
                    for name in self._expand(right)
                )
            )
            self._spoken.put(permission, found)
        return found

    def _named_by(self, held: Held, names: Sequence[str], number: int) -> Iterable[str]:
        """Candidates of an atom that some permission may be about; the others need not be asked about."""
        speaking = {each.key: each for name in names for each in held.of(name) if not each.deny}
        if any(each.wild for each in speaking.values()):
            return self.candidates[number]
        inside = self._inside(self.candidates[number], of_identities=self.atoms[number].of_identities)
        return {
            value for each in speaking.values() for place in each.exact for value in inside.get(place, ())
        }

    def _inside(self, candidates: frozenset[str], *, of_identities: bool) -> Mapping[str, list[str]]:
        """Candidates by each place that they are, or are in."""
        found = self._by_place.get((candidates, of_identities))
        if found is None:
            found = {}
            for value in candidates:
                for face in faces(value) if of_identities else (value,):
                    for place in self._estate.ancestors(face):
                        found.setdefault(place, []).append(value)
            self._by_place[candidates, of_identities] = found
        return found

    def _may(self, identity: str, action: str, resource: str, given: Mapping[str, Json]) -> bool:
        right = self._rights.check(identity, action, resource, None, given)
        return right.allowed or (self.lenient and right.code == "condition_unknown")

    def _expand(self, right: str) -> tuple[str, ...]:
        found = self._expanded.get(right)
        if found is None:
            found = (right,) if is_literal(right) else tuple(n for n in self._names if matches(right, n))
            self._expanded[right] = found
        return found


def _meets(right: str, atom: Atom) -> bool:
    return any(matches(right, name) or matches(name, right) for name in atom.rights)
