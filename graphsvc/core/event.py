"""An action as patterns see it: the request joined with what the graph and the rules say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from graphsvc.core.estate import Estate
from graphsvc.core.graph import resource_key
from graphsvc.core.request import AccessRequest, Argument
from graphsvc.core.value import Json

__all__ = ["Declaration", "Event", "build_event"]


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an action means. destinations: names of the properties that say where something goes."""

    effects: frozenset[str] = frozenset()
    result_labels: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    roles: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Frozen:
    """What was read from the graph lazily, kept because the graph is about to change."""

    subject_kind: str
    holders: tuple[str, ...]
    subject_properties: Mapping[str, Json]
    resource_properties: Mapping[str, Json]


class Event(msgspec.Struct, gc=False):
    """One action, its facts as of the graph version it was judged at; conditions read nothing else.

    principals: acting identity first, then delegators, linked accounts as one; no duplicates.
    parties: ids of subject and delegators, nearest first, as the graph knows them.
    subject_holders: keys of the subject and of its groups. destination: known, unknown or owned.
    """

    id: str
    at_ms: int
    chain: str
    session: str
    index: int
    subject: str
    actor: str
    root: str
    principals: tuple[str, ...]
    parties: tuple[str, ...]
    request: AccessRequest
    declaration: Declaration
    labels: frozenset[str]
    resource_type: str
    resource_id: str
    resource_labels: tuple[str, ...]
    tier: str | None
    estate: Estate
    _destination: str = ""
    _frozen: _Frozen | None = None

    @property
    def effects(self) -> frozenset[str]:
        """The declared effects; an action nobody declared has none (rule R21)."""
        return self.declaration.effects

    @property
    def subject_kind(self) -> str:
        """The identity's kind in the graph, else the type the caller gave."""
        if self._frozen is not None:
            return self._frozen.subject_kind
        node = self.estate.node(f"identity:{self.subject}")
        kind = node.fields.get("kind") if node is not None else None
        return kind if isinstance(kind, str) else self.request.subject.type

    @property
    def destination(self) -> str:
        """`owned` when every destination is, `known` when every one is known, else `unknown`."""
        if not self._destination:
            self._destination = self._resolve_destination()
        return self._destination

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Critical arguments with the origin of their values."""
        return self.request.arguments

    def holders(self) -> tuple[str, ...]:
        """Keys of the subject and of every group and role it has."""
        if self._frozen is not None:
            return self._frozen.holders
        return self.estate.holders(f"identity:{self.subject}")

    def value(self, path: tuple[str, ...]) -> Json:
        """The value of a key expression; None when it is missing (rule R18)."""
        head, rest = path[0], path[1:]
        match head:
            case "context":
                return _dig(self.request.context, rest)
            case "chain":
                return self.chain
            case "session":
                return self.session
            case "principal":
                return self.root
            case "action":
                return (
                    self.request.action
                    if rest[0] == "name"
                    else _dig(self.request.action_properties, rest[1:])
                )
            case "subject":
                match rest[0]:
                    case "id":
                        return self.subject
                    case "type":
                        return self.request.subject.type
                    case "kind":
                        return self.subject_kind
                return _stored(self._properties_of_subject(), self.request.subject.properties, rest[1:])
            case _:
                match rest[0]:
                    case "id":
                        return self.resource_id
                    case "type":
                        return self.resource_type
                    case "tier":
                        return self.tier
                return _stored(self._properties_of_resource(), self.request.resource.properties, rest[1:])

    def freeze(self) -> None:
        """Keep every fact as it is now; call it before the graph changes, again is harmless."""
        if self._frozen is None:
            self._destination = self.destination
            self._frozen = _Frozen(
                self.subject_kind,
                self.holders(),
                self._properties_of_subject(),
                self._properties_of_resource(),
            )

    def as_of(self, *, declaration: Declaration, reported: tuple[str, ...], index: int) -> Event:
        """The same action with facts learned later: new rules' declaration, reported labels (R11)."""
        labels = (*self.request.labels, *self.resource_labels, *declaration.result_labels, *reported)
        same = declaration.destinations == self.declaration.destinations
        destination = self._destination if same else ""
        return msgspec.structs.replace(
            self, declaration=declaration, labels=frozenset(labels), index=index, _destination=destination
        )

    def _properties_of_subject(self) -> Mapping[str, Json]:
        if self._frozen is not None:
            return self._frozen.subject_properties
        return _properties(self.estate, f"identity:{self.subject}")

    def _properties_of_resource(self) -> Mapping[str, Json]:
        if self._frozen is not None:
            return self._frozen.resource_properties
        return _properties(self.estate, resource_key(self.resource_type, self.resource_id))

    def _resolve_destination(self) -> str:
        values: list[str] = []
        given = False
        for name in self.declaration.destinations:
            value = self.request.action_properties.get(name)
            if value is None:
                continue
            given = True
            items = value if isinstance(value, list) else [value]
            if any(item is None or isinstance(item, list | dict) for item in items):
                return "unknown"
            values += [str(item) for item in items]
        if not values:
            # A list said to be empty sends nothing anywhere; nothing said may go anywhere.
            return "owned" if given else "unknown"
        starts = [f"identity:{principal}" for principal in (self.subject, *self.principals)]
        if all(self.estate.leads("OWNS", starts, value) for value in values):
            return "owned"
        holders = [key for start in starts for key in self.estate.holders(start)]
        known = all(
            self.estate.leads("OWNS", starts, value) or self.estate.leads("KNOWS", holders, value)
            for value in values
        )
        return "known" if known else "unknown"


def build_event(
    request: AccessRequest,
    *,
    at_ms: int,
    session: str,
    index: int,
    declaration: Declaration,
    estate: Estate,
) -> Event:
    """Join a request with the graph."""
    resource = request.resource
    key = f"resource:{resource.type}:{resource.id}"
    node = estate.node(key)
    resource_labels = estate.labels(key)
    subject, actor = estate.resolve(request.subject.id)
    if request.on_behalf_of:
        resolved = [(subject, actor), *(estate.resolve(entity.id) for entity in request.on_behalf_of)]
        parties = tuple([identity for identity, _ in resolved])
        persons = tuple([person for _, person in resolved])
        principals = tuple(dict.fromkeys(persons))
    else:
        parties, persons, principals = (subject,), (actor,), (actor,)
    labels = request.labels
    if resource_labels or declaration.result_labels:
        labels = (*labels, *resource_labels, *declaration.result_labels)
    return Event(
        id=request.id,
        at_ms=at_ms,
        chain=request.chain,
        session=session,
        index=index,
        subject=subject,
        actor=actor,
        root=persons[-1],
        principals=principals,
        parties=parties,
        request=request,
        declaration=declaration,
        labels=frozenset(labels),
        resource_type=resource.type,
        resource_id=resource.id,
        resource_labels=resource_labels,
        tier=node.tier if node is not None else None,
        estate=estate,
    )


def identity_id(estate: Estate, named: str) -> str:
    """The id an identity is known by: an alias is resolved, an unknown name stays as it is."""
    return estate.resolve(named)[0]


def _properties(estate: Estate, key: str) -> Mapping[str, Json]:
    node = estate.node(key)
    return node.properties if node is not None else {}


def _stored(stored: Mapping[str, Json], claimed: Mapping[str, Json], path: tuple[str, ...]) -> Json:
    # Stored properties win over those sent: a caller may add, never contradict.
    return _dig(stored if path and path[0] in stored else claimed, path)


def _dig(value: Json | Mapping[str, Json], path: tuple[str, ...]) -> Json:
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value if not isinstance(value, Mapping) else None
