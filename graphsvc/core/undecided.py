"""Stored decisions that a draft cannot judge: it asks for attributes that no rule asked for then, and nobody sent.

An attribute that rules in force read and that an action does not carry is absent: whoever asks knows what is wanted.
One that only a draft reads was never asked for, so that its absence says nothing. Such an action, and whatever fits the
same pattern later in its session or of its principals, is undecidable, not different.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphsvc.core.condition import compile_action_test
from graphsvc.core.estate import Estate
from graphsvc.core.event import Declaration
from graphsvc.core.policy.condition import EventCondition
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.pattern import Pattern
from graphsvc.core.policy.scalar import Model
from graphsvc.core.record import Decided
from graphsvc.core.ruleset import Ruleset, compile_ruleset

__all__ = ["Undecided", "attributes_of"]

_TEXT = re.compile(r"'[^']*'|\"[^\"]*\"")
_READ = re.compile(r"\b(context|(?:action|resource|subject)\.properties)\.([^\W\d]\w*)")


def attributes_of(written: Model) -> frozenset[str]:
    """What a pattern, or a part of one, reads of requests: `context.NAME`, `resource.properties.NAME`; the first name counts."""
    found: set[str] = set()
    for text in _texts(written.model_dump(mode="json")):
        found |= {f"{root}.{name}" for root, name in _READ.findall(_TEXT.sub("''", text))}
    return frozenset(found)


@dataclass(slots=True)
class _Asking:
    """A pattern of a draft. parts: which actions a part may fit, and what it alone reads. tainted: by scope, what was missing."""

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
        asked = frozenset[str]().union(
            *(attributes_of(pattern) for policy in held for pattern in policy.patterns)
        )
        before = {pattern.id: pattern for policy in held for pattern in policy.patterns}
        self._asking = [
            _Asking(
                compile_ruleset([policy.model_copy(update={"patterns": (pattern,)})]), _parts(pattern, asked)
            )
            for policy in draft
            for pattern in policy.patterns
            if before.get(pattern.id) != pattern and not attributes_of(pattern) <= asked
        ]

    def missing(self, record: Decided, estate: Estate) -> tuple[str, ...]:
        """The attributes for whose sake a decision cannot be judged; () when it can."""
        found: set[str] = set()
        for asking in self._asking:
            may_fit, read = asking.of(record.request.action)
            if not may_fit:
                continue
            lacking = tuple(each for each in read if not _carries(record, each, estate))
            if lacking:
                asking.tainted.update(dict.fromkeys(record.scopes, lacking))
                found.update(lacking)
            else:
                found.update(*(asking.tainted.get(scope, ()) for scope in record.scopes))
        return tuple(sorted(found))


def _parts(
    pattern: Pattern, asked: frozenset[str]
) -> tuple[tuple[Callable[[str, Declaration], bool], frozenset[str]], ...]:
    conditions = list(_conditions(pattern))
    own = [attributes_of(each) for each in conditions]
    # What stands beside the parts (what is counted, say) is read of all of them.
    shared = attributes_of(pattern) - frozenset[str]().union(*own)
    return tuple(
        (compile_action_test(each), (attributes | shared) - asked)
        for each, attributes in zip(conditions, own, strict=True)
    )


def _conditions(written: object) -> Iterator[EventCondition]:
    if isinstance(written, EventCondition):
        yield written
    elif isinstance(written, Model):
        for name in type(written).model_fields:
            yield from _conditions(getattr(written, name))
    elif isinstance(written, Mapping):
        for each in written.values():
            yield from _conditions(each)
    elif isinstance(written, tuple | list):
        for each in written:
            yield from _conditions(each)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, Iterable):
        for each in value:
            yield from _texts(each)


def _carries(record: Decided, attribute: str, estate: Estate) -> bool:
    root, _, name = attribute.rpartition(".")
    request = record.request
    match root:
        case "context":
            return name in request.context
        case "action.properties":
            return name in request.action_properties
        case "subject.properties":
            known = estate.identity_key(request.subject.id)
            claimed = request.subject.properties
        case _:
            known = f"resource:{request.resource.type}:{request.resource.id}"
            claimed = request.resource.properties
    node = estate.node(known) if known is not None else None
    return name in claimed or (node is not None and name in node.properties)
