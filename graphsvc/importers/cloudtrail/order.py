"""The order of events whose file order says little: by time, then makers of a name before its users.

Event times are whole seconds and files are often newest first, so ties are the rule. Within a tie an
event that creates something precedes the events that name it; all else stays in file order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

from graphsvc.core.value import Json, parse_time
from graphsvc.importers.cloudtrail.event import Event, action_name, child, has_failed, identity_of

__all__ = ["created", "ordered", "time_ms", "used"]

# Operations that bring something into being, and the noun they name it by when it is not in their name.
_MAKER = re.compile(r"(?:Create|Run|Register|Allocate|Import|Copy|Send|Start|Restore)([A-Z]\w*)")
_NOUNS = {"RunInstances": "instance", "SendCommand": "command"}


def time_ms(event: Event) -> int:
    """The event's time, Unix milliseconds."""
    return parse_time(str(event["eventTime"]), field="eventTime")


def ordered(events: Sequence[Event]) -> list[Event]:
    """The events in the order they are taken to have happened."""
    result: list[Event] = []
    for _, tied in groupby(sorted(events, key=time_ms), key=time_ms):
        result.extend(_makers_first(list(tied)))
    return result


def created(event: Event) -> frozenset[str]:
    """The names, ids and credentials that an event brings into being; a failed one makes nothing."""
    if has_failed(event):
        return frozenset()
    operation = action_name(event).partition(":")[2]
    found = set()
    # Whoever uses temporary credentials comes after the call that issued them.
    key = child(event.get("responseElements"), "credentials", "accessKeyId")
    if isinstance(key, str):
        found.add(key)
    if maker := _MAKER.match(operation):
        noun = _NOUNS.get(operation, maker[1][0].lower() + maker[1][1:])
        wanted = {f"{noun}Id", f"{noun}Name", f"{noun}Arn"}
        for part in (event.get("requestParameters"), event.get("responseElements")):
            found.update(text for name, text in _named_texts(part) if name in wanted)
            # `Start` and `Send` take the name of what is there already.
            if isinstance(part, dict) and not operation.startswith(("Start", "Send")):
                found.update(text for text in (part.get("name"), part.get("arn")) if isinstance(text, str))
        for name in ("arn", "name", "id"):
            if isinstance(text := child(event.get("responseElements"), noun, name), str):
                found.add(text)
    return frozenset(found)


def used(event: Event) -> frozenset[str]:
    """All texts that an event's request holds, and the credentials it was made with."""
    texts = {text for _, text in _named_texts(event.get("requestParameters"))}
    key = identity_of(event).get("accessKeyId")
    return frozenset(texts | {key} if isinstance(key, str) else texts)


def _makers_first(tied: list[Event]) -> Iterator[Event]:
    if len(tied) == 1:
        yield tied[0]
        return
    makes, uses = [created(event) for event in tied], [used(event) for event in tied]
    waiting = list(range(len(tied)))
    while waiting:
        # Two events that name each other's products cannot be ordered: file order decides.
        chosen = next(
            (
                index
                for index in waiting
                # An event mentions what it makes: two makers of one name do not wait for each other.
                if not any(makes[other] & uses[index] - makes[index] for other in waiting if other != index)
            ),
            waiting[0],
        )
        waiting.remove(chosen)
        yield tied[chosen]


def _named_texts(value: Json, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _named_texts(item, key)
    elif isinstance(value, list):
        for item in value:
            yield from _named_texts(item, name)
