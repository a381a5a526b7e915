"""Every action that has its place in the orders, packed: what later questions need of it, and no more.

Most of an action is shared with others or follows from the rules: who acts in which chain is one value for all of a chain's
actions, its resource is a reference, its declaration and labels are worked out again. The rest is a few dozen bytes. What was unusual about the request
(claims, context, arguments ...) is kept field by field, so that a late fact can be judged as if it had been known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
from msgspec.structs import replace

from graphsvc.core.event import Event, labels_of
from graphsvc.core.known import Parties, Target
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.state import Front, Happened, Inputs

__all__ = ["Course", "History", "Packed"]

_DESTINATIONS = ("unknown", "known", "owned")
_NUMBERS = {name: number for number, name in enumerate(_DESTINATIONS)}
# Fields of a request that most requests leave out, by a number that is written.
_SELDOM = (
    "action_properties", "session", "parent_chain", "joins", "context", "labels", "parents", "arguments", "intent",
    "review", "executed",
)  # fmt: skip
_CLAIMS, _AS_TEXT = len(_SELDOM), len(_SELDOM) + 1
_LABELS, _PARENTS = _SELDOM.index("labels"), _SELDOM.index("parents")

Asked: TypeAlias = tuple[Entity, tuple[Entity, ...]]

_encode = msgspec.msgpack.Encoder().encode


class _Body(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """seq, at_ms, index: as in an event. destination: by number; known, fed: its inputs."""

    seq: int
    at_ms: int
    index: int
    destination: int = 0
    known: bool = False
    fed: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    reviewed: str | None = None
    seldom: dict[int, Any] | None = None


_decode = msgspec.msgpack.Decoder(_Body).decode
# What MessagePack does not give back as it was: it has lists alone.
_FIELD_TYPES = {
    field.name: field.type
    for field in msgspec.structs.fields(AccessRequest)
    if field.name in {"joins", "labels", "parents", "arguments"}
}


class Course(msgspec.Struct, frozen=True, gc=False):
    """What the actions of a chain have in common while nobody else acts in it.

    asked: subject and delegators as the caller named them.
    """

    session: str
    chain: str
    asked: Asked
    who: Parties


class Packed(msgspec.Struct, frozen=True, gc=False):
    """An action as it is kept."""

    course: Course
    action: str
    what: Target
    front: Front
    in_history: bool
    body: bytes

    @property
    def session(self) -> str:
        """Its session."""
        return self.course.session

    @property
    def chain(self) -> str:
        """Its chain."""
        return self.course.chain

    @property
    def who(self) -> Parties:
        """Who acted, and for whom."""
        return self.course.who

    @property
    def seq(self) -> int:
        """The number of its record."""
        return _decode(self.body).seq

    @property
    def at_ms(self) -> int:
        """When it was."""
        return _decode(self.body).at_ms

    @property
    def scopes(self) -> tuple[str, ...]:
        """Its session and principals, as cells."""
        return self.course.who.within(self.course.session)[1]


class History:
    """Actions by id, in log order."""

    __slots__ = ("_courses", "_names", "_packed", "get")

    def __init__(self) -> None:
        self._packed: dict[str, Packed] = {}
        self._courses: dict[str, Course] = {}  # the newest of each chain
        self._names: dict[str, str] = {}  # of actions: one of each, however often it is sent
        self.get = self._packed.get

    def __len__(self) -> int:
        return len(self._packed)

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __contains__(self, action: object) -> bool:
        return action in self._packed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and self._packed == other._packed

    __hash__ = None  # type: ignore[assignment]  # it changes

    def items(self) -> Mapping[str, Packed]:
        """All of them."""
        return self._packed

    def keep(self, happened: Happened) -> None:
        """Take an action in, or what is known of it now."""
        event = happened.event
        request, inputs = event.request, happened.inputs
        body = _Body(
            happened.seq,
            event.at_ms,
            event.index,
            _NUMBERS[event.destination],
            inputs.known,
            inputs.fed,
            happened.reported,
            event.reviewed.id if event.reviewed is not None else None,
            _seldom(request, inputs.known),
        )
        try:
            encoded = _encode(body)
        except OverflowError:
            # Whole numbers of any size come in by traces; MessagePack has none beyond 64 bits.
            encoded = _encode(replace(body, seldom={_AS_TEXT: msgspec.json.encode(body.seldom).decode()}))
        course = self._course(event.session, request.chain, request.subject, request.on_behalf_of, event.who)
        action = self._names.setdefault(request.action, request.action)
        self._packed[request.id] = Packed(
            course, action, event.what, happened.front, happened.in_history, encoded
        )

    def report(
        self, action: str, labels: tuple[str, ...], ruleset: Ruleset
    ) -> tuple[frozenset[str], frozenset[str]] | None:
        """Take in labels learned from an action's result (rule R11): what it carried and what it carries now.

        None when it carries them already, or is not in history.
        """
        packed = self._packed[action]
        body = _decode(packed.body)
        reported = tuple(dict.fromkeys((*body.reported, *labels)))
        if reported == body.reported:
            return None
        self._packed[action] = replace(packed, body=_encode(replace(body, reported=reported)))
        if not packed.in_history:
            return None
        declared = ruleset.candidates(packed.action).declaration.result_labels
        carried = frozenset((*_told(body).get(_LABELS, ()), *packed.what.labels, *declared, *body.reported))
        return carried, carried.union(labels)

    def put(
        self,
        action: str,
        course: Course,
        name: str,
        in_history: bool,
        what: Target,
        front: Front,
        body: bytes,
    ) -> None:
        """Take in an action that was packed before. name: of what was done."""
        course = self._course(course.session, course.chain, *course.asked, course.who)
        name = self._names.setdefault(name, name)
        self._packed[action] = Packed(course, name, what, front, in_history, body)

    def disclaim(self, unclaimed: Callable[[Entity], Entity]) -> None:
        """Keep less of what callers said of subjects and delegators. unclaimed: the same entity where nothing goes."""
        self._courses.clear()
        for action, packed in self._packed.items():
            held = packed.course
            subject, behind = held.asked
            course = self._course(
                held.session, held.chain, unclaimed(subject), tuple(map(unclaimed, behind)), held.who
            )
            if course.asked != held.asked:
                self._packed[action] = replace(packed, course=course)

    def forget(self, actions: Iterable[str]) -> list[Packed]:
        """Nobody asks for these any more. KeyError (misuse) when one is not there."""
        gone = [self._packed.pop(action) for action in actions]
        for packed in gone:
            self._courses.pop(packed.chain, None)
        return gone

    def happened(self, action: str, ruleset: Ruleset) -> Happened | None:
        """An action in full, as the rules in force declare it; None when it is unknown."""
        packed = self._packed.get(action)
        return self._unpack(action, packed, ruleset) if packed is not None else None

    def _course(
        self, session: str, chain: str, subject: Entity, behind: tuple[Entity, ...], who: Parties
    ) -> Course:
        held = self._courses.get(chain)
        if (
            held is not None
            and held.who is who
            and held.asked == (subject, behind)
            and held.session == session
        ):
            return held
        found = self._courses[chain] = Course(session, chain, (subject, behind), who)
        return found

    def _unpack(self, action: str, packed: Packed, ruleset: Ruleset) -> Happened:
        body = _decode(packed.body)
        seldom = dict(_told(body))
        what, declaration = packed.what, ruleset.candidates(packed.action).declaration
        claims = seldom.pop(_CLAIMS, None) or {}
        if body.known:
            seldom[_PARENTS] = body.fed
        course = packed.course
        subject, behind = course.asked
        request = AccessRequest(
            id=action,
            chain=course.chain,
            subject=subject,
            action=packed.action,
            resource=Entity(what.type, what.id, claims),
            on_behalf_of=behind,
            **{_SELDOM[number]: _typed(_SELDOM[number], value) for number, value in seldom.items()},
        )
        reported = body.reported if packed.in_history else ()
        reviewed = None
        if body.reviewed is not None:
            of = self._packed[body.reviewed]
            reviewed = self._unpack(body.reviewed, of, ruleset).event
        event = Event(
            request, body.at_ms, course.session, body.index, course.who, what, declaration,
            labels_of(request, what, declaration, reported), _DESTINATIONS[body.destination], reviewed,
        )  # fmt: skip
        return Happened(
            body.seq, event, packed.in_history, packed.scopes, packed.front,
            Inputs(body.fed, body.known), body.reported,
        )  # fmt: skip


def _told(body: _Body) -> dict[int, Any]:
    """What was unusual about the request, by its place in `_SELDOM`."""
    seldom = body.seldom or {}
    if _AS_TEXT in seldom:
        return msgspec.json.decode(seldom[_AS_TEXT], type=dict[int, Any])
    return seldom


def _seldom(request: AccessRequest, known: bool) -> dict[int, Any] | None:
    """What most requests leave out, by its place in `_SELDOM`. Asked one by one: a loop would cost more than all else.

    known: its inputs are; then the declared parents are these, and are not said twice.
    """
    found: dict[int, Any] = {}
    if request.action_properties:
        found[0] = request.action_properties
    if request.session is not None:
        found[1] = request.session
    if request.parent_chain is not None:
        found[2] = request.parent_chain
    if request.joins:
        found[3] = request.joins
    if request.context:
        found[4] = request.context
    if request.labels:
        found[5] = request.labels
    if request.parents is not None and not known:
        found[6] = request.parents
    if request.arguments:
        found[7] = request.arguments
    if request.intent is not None:
        found[8] = request.intent
    if request.review is not None:
        found[9] = request.review
    if not request.executed:
        found[10] = False
    if request.resource.properties:
        found[_CLAIMS] = request.resource.properties
    return found or None


def _typed(name: str, value: Any) -> Any:
    wanted = _FIELD_TYPES.get(name)
    return msgspec.convert(value, wanted) if wanted is not None else value
