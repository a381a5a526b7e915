"""An action as patterns see it: the request joined with what the graph and the rules say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from graphsvc.core.estate import Estate
from graphsvc.core.known import Parties, Target, parties_of, target_of
from graphsvc.core.marker import is_unkept
from graphsvc.core.request import AccessRequest, Argument
from graphsvc.core.value import Json

__all__ = ["Declaration", "Event", "build_event", "identity_id", "labels_of"]

_UNLABELLED: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Declaration:
    """What an action means. destinations: names of the properties that say where something goes.

    level: how hard it is to undo, None = as its effects. effects_with_destination: added when one is given.
    """

    effects: frozenset[str] = frozenset()
    result_labels: tuple[str, ...] = ()
    destinations: tuple[str, ...] = ()
    roles: Mapping[str, str] | None = None
    level: int | None = None
    effects_with_destination: frozenset[str] = frozenset()


class Event(msgspec.Struct, frozen=True, gc=False):
    """One action, its facts as of the graph version it was judged at; conditions read nothing else.

    who, what: the parties and the resource as of then. labels: all of the action's (rule R21).
    destination: known, unknown or owned. index: its place in its chain, from 1. reviewed: of an approval, the
    action that was approved (rule R14). reported: labels learned from its result.
    """

    request: AccessRequest
    at_ms: int
    session: str
    index: int
    who: Parties
    what: Target
    declaration: Declaration
    labels: frozenset[str]
    destination: str
    reviewed: Event | None = None

    @property
    def id(self) -> str:
        """The id of the action and of its decision."""
        return self.request.id

    @property
    def chain(self) -> str:
        """The chain it belongs to."""
        return self.request.chain

    @property
    def subject(self) -> str:
        """The id of the acting identity."""
        return self.who.ids[0]

    @property
    def root(self) -> str:
        """The person behind the last delegator, else behind the subject."""
        return self.who.root

    @property
    def principals(self) -> tuple[str, ...]:
        """Everybody it is done by or for, linked accounts as one."""
        return self.who.principals

    @property
    def clocks(self) -> tuple[str, ...]:
        """Cells of the newest times of its session, its principals and its resource (rule R2)."""
        return *self.who.within(self.session)[2], self.what.clock

    @property
    def resource(self) -> str:
        """`type:id` of what is acted on."""
        return f"{self.what.type}:{self.what.id}"

    @property
    def resource_type(self) -> str:
        """The type of what is acted on."""
        return self.what.type

    @property
    def resource_id(self) -> str:
        """The id of what is acted on."""
        return self.what.id

    @property
    def effects(self) -> frozenset[str]:
        """The declared effects; an action nobody declared has none (rule R21)."""
        return self.declaration.effects

    @property
    def subject_kind(self) -> str:
        """The identity's kind in the graph, else the type the caller gave."""
        node = self.who.node
        kind = node.fields.get("kind") if node is not None else None
        return kind if isinstance(kind, str) else self.request.subject.type

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Critical arguments with the origin of their values."""
        return self.request.arguments

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
                request = self.request
                return request.action if rest[0] == "name" else _dig(request.action_properties, rest[1:])
            case "subject":
                match rest[0]:
                    case "id":
                        return self.subject
                    case "type":
                        return self.request.subject.type
                    case "kind":
                        return self.subject_kind
                return _stored(self.who.properties, self.request.subject.properties, rest[1:])
            case _:
                match rest[0]:
                    case "id":
                        return self.what.id
                    case "type":
                        return self.what.type
                    case "tier":
                        return self.what.tier
                return _stored(self.what.properties, self.request.resource.properties, rest[1:])

    def hides(self, path: tuple[str, ...]) -> bool:
        """Whether a key expression has no value because only a marker of it was kept."""
        head, rest, request = path[0], path[1:], self.request
        match head:
            case "context":
                return is_unkept(request.context.get(rest[0]))
            case "action" if rest[0] == "properties":
                return is_unkept(request.action_properties.get(rest[1]))
            case "subject" if rest[0] == "properties":
                stored, claimed = self.who.properties, request.subject.properties
            case "resource" if rest[0] == "properties":
                stored, claimed = self.what.properties, request.resource.properties
            case _:
                return False
        return rest[1] not in stored and is_unkept(claimed.get(rest[1]))

    def as_of(self, declaration: Declaration, reported: tuple[str, ...], index: int, estate: Estate) -> Event:
        """The same action with facts learned later: new rules' declaration, reported labels (R11)."""
        destination = self.destination
        if declaration.destinations != self.declaration.destinations:
            destination = _destination(self.request, declaration, self.who, estate)
        labels = labels_of(self.request, self.what, declaration, reported)
        return replace(self, declaration=declaration, labels=labels, index=index, destination=destination)

    def as_now(self, reported: tuple[str, ...], estate: Estate) -> Event:
        """The same action with the facts of the graph as it is now: for `at: completion`."""
        request = self.request
        who, what = parties_of(request, estate), target_of(request.resource, estate)
        now = build_event(
            request, self.at_ms, self.session, self.index, who, what, self.declaration, estate, self.reviewed
        )
        return replace(now, labels=now.labels | frozenset(reported)) if reported else now


def build_event(
    request: AccessRequest,
    at_ms: int,
    session: str,
    index: int,
    who: Parties,
    what: Target,
    declaration: Declaration,
    estate: Estate,
    reviewed: Event | None = None,
) -> Event:
    """Join a request with what the graph says of its parties and its target."""
    labels = _UNLABELLED
    if request.labels or what.labels or declaration.result_labels:
        labels = labels_of(request, what, declaration)
    destination = "unknown"
    if declaration.destinations:
        destination = _destination(request, declaration, who, estate)
    return Event(request, at_ms, session, index, who, what, declaration, labels, destination, reviewed)


def labels_of(
    request: AccessRequest, what: Target, declaration: Declaration, reported: tuple[str, ...] = ()
) -> frozenset[str]:
    """All labels of an action (rule R21)."""
    return frozenset((*request.labels, *what.labels, *declaration.result_labels, *reported))


def identity_id(estate: Estate, named: str) -> str:
    """The id an identity is known by: an alias is resolved, an unknown name stays as it is."""
    return estate.resolve(named)[0]


def _destination(request: AccessRequest, declaration: Declaration, who: Parties, estate: Estate) -> str:
    """`owned` when every destination is, `known` when every one is known, else `unknown`."""
    standings: set[str] = set()
    given = False
    for name in declaration.destinations:
        value = request.action_properties.get(name)
        if value is None:
            continue
        given = True
        for item in value if isinstance(value, list) else [value]:
            if item is None or isinstance(item, list | dict):
                return "unknown"
            standings.add(who.place(str(item), estate))
    if not standings:
        # A list said to be empty sends nothing anywhere; nothing said may go anywhere.
        return "owned" if given else "unknown"
    if "unknown" in standings:
        return "unknown"
    return "known" if "known" in standings else "owned"


def _stored(stored: Mapping[str, Json], claimed: Mapping[str, Json], path: tuple[str, ...]) -> Json:
    # Stored properties win over those sent: a caller may add, never contradict.
    return _dig(stored if path and path[0] in stored else claimed, path)


def _dig(held: Mapping[str, Json], path: tuple[str, ...]) -> Json:
    value: Json = held if isinstance(held, dict) else dict(held)
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return None if isinstance(value, dict) else value
