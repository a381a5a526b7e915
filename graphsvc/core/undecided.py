"""Stored decisions that a draft cannot judge: it asks for attributes that no rule asked for then, and nobody sent.

An attribute that rules in force read and that an action does not carry is absent: whoever asks knows what is wanted.
One that only a draft reads was never asked for, so that its absence says nothing. So it is with a
value that nothing read then, and of which only a marker was kept. Such an action, and whatever fits the same pattern
later in its session or of its principals, is undecidable, not different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from graphsvc.core.condition import compile_action_test
from graphsvc.core.estate import Estate
from graphsvc.core.event import Declaration
from graphsvc.core.marker import is_unkept
from graphsvc.core.meaning import Meanings
from graphsvc.core.policy.condition import EventCondition
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.pattern import Pattern
from graphsvc.core.policy.scalar import parts_of
from graphsvc.core.reading import attributes_of
from graphsvc.core.record import Decided
from graphsvc.core.request import AccessRequest
from graphsvc.core.ruleset import Ruleset, compile_ruleset
from graphsvc.core.value import Json

__all__ = ["Undecided"]


@dataclass(slots=True)
class _Asking:
    """A pattern of a draft. parts: which actions a part may fit, and what it reads. tainted: by scope, what was missing."""

    rules: Ruleset
    parts: tuple[tuple[Callable[[str, Declaration], bool], frozenset[str]], ...]
    lacks: dict[str, tuple[bool, tuple[str, ...]]] = field(default_factory=dict)
    tainted: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, action: str) -> tuple[bool, tuple[str, ...]]:
        """Whether an action may fit any part, and the attributes that the parts which it may fit read."""
        found = self.lacks.get(action)
        if found is None:
            declaration = self.rules.declare(action)
            read = frozenset[str]().union(*(each for fits, each in self.parts if fits(action, declaration)))
            found = self.lacks[action] = (
                not self.rules.candidates(action).is_empty, tuple(sorted(read)),
            )  # fmt: skip
        return found


class Undecided:
    """Follows a history in log order."""

    def __init__(self, held: Sequence[Policy], draft: Sequence[Policy]) -> None:
        # What rules in force ask for is absent where it is not sent.
        self._asked = frozenset[str]().union(
            *(attributes_of(pattern) for policy in held for pattern in policy.patterns)
        )
        self._declare = Meanings(draft).declare
        before = {pattern.id: pattern for policy in held for pattern in policy.patterns}
        self._asking = [
            _Asking(compile_ruleset([policy.model_copy(update={"patterns": (pattern,)})]), _parts(pattern))
            for policy in draft
            for pattern in policy.patterns
            if before.get(pattern.id) != pattern and attributes_of(pattern)
        ]

    def missing(self, record: Decided, estate: Estate) -> tuple[str, ...]:
        """The attributes for whose sake a decision cannot be judged; () when it can."""
        found = set(_unkept_roles(record, self._declare(record.request.action)))
        for asking in self._asking:
            may_fit, read = asking.of(record.request.action)
            if not may_fit:
                continue
            lacking = tuple(name for each in read for name in self._lacking(record, each, estate))
            if lacking:
                asking.tainted.update(dict.fromkeys(record.scopes, lacking))
                found.update(lacking)
            else:
                found.update(*(asking.tainted.get(scope, ()) for scope in record.scopes))
        return tuple(sorted(found))

    def _lacking(self, record: Decided, attribute: str, estate: Estate) -> Iterator[str]:
        root, _, name = attribute.rpartition(".")
        claimed, stored = _values(record.request, root, estate)
        for each in claimed if name == "*" else (name,):
            is_there = each in stored or (each in claimed and not is_unkept(claimed[each]))
            if not is_there and (each in claimed or attribute not in self._asked):
                yield f"{root}.{each}"


def _parts(
    pattern: Pattern,
) -> tuple[tuple[Callable[[str, Declaration], bool], frozenset[str]], ...]:
    conditions = list(_conditions(pattern))
    own = [attributes_of(each) for each in conditions]
    # What stands beside the parts (what is counted, say) is read of all of them.
    shared = attributes_of(pattern) - frozenset[str]().union(*own)
    return tuple(
        (compile_action_test(each), attributes | shared)
        for each, attributes in zip(conditions, own, strict=True)
    )


def _conditions(written: object) -> Iterator[EventCondition]:
    if isinstance(written, EventCondition):
        yield written
    else:
        for each in parts_of(written):
            yield from _conditions(each)


def _unkept_roles(record: Decided, declaration: Declaration) -> Iterator[str]:
    """Arguments that the draft gives a role, a destination say, and of which only a marker was kept."""
    properties = record.request.action_properties
    for name in declaration.roles or ():
        if is_unkept(properties.get(name)):
            yield f"action.properties.{name}"


def _values(
    request: AccessRequest, root: str, estate: Estate
) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """What a request says under a root, and what the graph says there, which counts first."""
    match root:
        case "context":
            return request.context, {}
        case "action.properties":
            return request.action_properties, {}
        case "subject.properties":
            known, claimed = estate.identity_key(request.subject.id), request.subject.properties
        case _:
            known, claimed = (
                f"resource:{request.resource.type}:{request.resource.id}",
                request.resource.properties,
            )
    node = estate.node(known) if known is not None else None
    return claimed, node.properties if node is not None else {}
