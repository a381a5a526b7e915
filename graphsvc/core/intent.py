"""Intent: what a task was declared to be for. An action outside it is held for a person, or denied.

A chain lies within the intents of all the chains it was spawned from: delegation narrows and never widens, whatever
the child declares. What an intent says nothing of is free; free text is for people and is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import cast, get_args

from msgspec.structs import replace

from graphsvc.core.estate import Estate
from graphsvc.core.event import Event
from graphsvc.core.glob import is_literal, matcher, matches
from graphsvc.core.policy.scalar import Effect
from graphsvc.core.request import AccessRequest
from graphsvc.core.state import ChainState, StateView
from graphsvc.core.value import Json
from graphsvc.core.verdict import Reason, ReasonCode, Verdict
from graphsvc.errors import BadInput

__all__ = ["MAX_LINEAGE", "check_intent", "find_lineage", "outside", "wider", "with_intent"]

# Chains above a chain that are asked; one that lies deeper is denied.
MAX_LINEAGE = 64
_PARTS = ("actions", "resources", "effects")
_MAX_ITEMS = 100
_MAX_TEXT = 1_000
_MAX_TOKENS = 1_000
_EFFECTS = frozenset(get_args(Effect))
_NOTHING = matcher(())


def check_intent(intent: Mapping[str, Json] | None, field: str = "intent") -> None:
    """BadInput naming the field when an intent says what cannot be judged."""
    for name, value in (intent or {}).items():
        place = f"{field}.{name}"
        if name == "text":
            if value is not None and (not isinstance(value, str) or len(value) > _MAX_TEXT):
                raise BadInput(f"{place}: must be text of at most {_MAX_TEXT} characters", field=place)
        elif name == "tokens":
            if value is not None and not _is_tokens(value):
                raise BadInput(f"{place}: must be a list of at most {_MAX_TOKENS} hashes", field=place)
        elif name not in _PARTS:
            raise BadInput(f"{place}: is unknown; use {', '.join(_PARTS)}, tokens and text", field=place)
        elif value is not None:
            _check_part(name, value, place)


def _is_tokens(value: Json) -> bool:
    return (
        isinstance(value, list) and len(value) <= _MAX_TOKENS and all(isinstance(each, str) for each in value)
    )


def _check_part(name: str, value: Json, place: str) -> None:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise BadInput(f"{place}: must be a list of names or globs", field=place)
    if len(value) > _MAX_ITEMS:
        raise BadInput(f"{place}: at most {_MAX_ITEMS} entries", field=place)
    if name == "effects":
        unknown = sorted({str(each) for each in value} - _EFFECTS)
        if unknown:
            known = ", ".join(sorted(_EFFECTS))
            raise BadInput(f"{place}: `{unknown[0]}` is no effect; use {known}", field=place)


def with_intent(chain: ChainState, request: AccessRequest) -> ChainState:
    """The chain with the intent that its first request declares; later ones cannot change it."""
    if request.intent is None or chain.intent is not None or chain.index:
        return chain
    return replace(chain, intent=request.intent)


def find_lineage(chain: ChainState, view: StateView) -> tuple[str, ...]:
    """The chains it was spawned from, nearest first, at most one more than MAX_LINEAGE."""
    parent = chain.parent
    if parent is None:
        return ()
    found: list[str] = []
    while parent is not None and len(found) <= MAX_LINEAGE:
        found.append(parent)
        above = cast("ChainState | None", view.get(("c", parent)))
        parent = above.parent if above is not None else None
    return tuple(found)


def outside(
    event: Event,
    chain: ChainState,
    lineage: tuple[str, ...],
    view: StateView,
    estate: Estate,
    verdict: Verdict,
) -> list[Reason]:
    """A reason for every intent that the action lies outside of. verdict: what that means."""
    if len(lineage) > MAX_LINEAGE:
        told = f"the chain lies more than {MAX_LINEAGE} chains deep"
        return [Reason(ReasonCode.cap_reached, told, Verdict.DENY, "lineage")]
    intents = [(event.chain, chain.intent)] if chain.intent else []
    for name in lineage:
        above = cast("ChainState | None", view.get(("c", name)))
        if above is not None and above.intent:
            intents.append((name, above.intent))
    reasons = []
    for name, intent in intents:
        lacking = _told(event, intent, estate)
        if lacking is not None:
            whose = "" if name == event.chain else f" of chain `{name}`, which this one was spawned from"
            message = f"lies outside the declared intent{whose}: {lacking}"
            reasons.append(Reason(ReasonCode.outside_intent, message, verdict, f"intent:{name}"))
    return reasons


def _told(event: Event, intent: Mapping[str, Json], estate: Estate) -> str | None:
    action = event.request.action
    if not _within(intent, "actions")(action):
        return f"it does not name the action `{action}`"
    if intent.get("resources") is not None:
        test = _within(intent, "resources")
        if not any(test(key.partition(":")[2]) for key in estate.ancestors(event.what.key)):
            return f"it does not name the resource `{event.resource}`"
    if intent.get("effects") is not None:
        test, effects = _within(intent, "effects"), event.declaration.effects
        # Of an action that no pack declares nobody knows what it does.
        if not effects:
            return f"what the action `{action}` does is not declared, and the intent limits effects"
        beyond = sorted(effect for effect in effects if not test(effect))
        if beyond:
            return f"it does not name the effect `{beyond[0]}`"
    return None


def _within(intent: Mapping[str, Json], part: str) -> Callable[[str], bool]:
    globs = intent.get(part)
    if globs is None:
        return _anything
    # What was stored by other means than the interfaces may hold anything: it allows nothing then.
    if not isinstance(globs, list) or not all(isinstance(each, str) for each in globs):
        return _NOTHING
    return _test(tuple(cast("list[str]", globs)))


def _anything(_name: str) -> bool:
    return True


@lru_cache(maxsize=4_096)
def _test(globs: tuple[str, ...]) -> Callable[[str], bool]:
    return matcher(globs)


def wider(new: Mapping[str, Json], old: Mapping[str, Json]) -> str | None:
    """What a new intent allows that the old one does not, as `part: glob`; None when it only narrows.

    Sound, not complete: a glob counts as covered when one glob of the old intent matches it as text.
    """
    for part in _PARTS:
        held, asked = old.get(part), new.get(part)
        if held is None:
            continue
        if not isinstance(asked, list):
            return f"{part}: leaves out what the declared intent limits"
        held_globs = [str(each) for each in held] if isinstance(held, list) else []
        for glob in asked:
            if not any(_covers(each, str(glob)) for each in held_globs):
                return f"{part}: `{glob}`"
    return None


def _covers(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    # A `?` stands for one character, and a `*` in the narrower glob for many.
    return matches(wide, narrow) and (is_literal(narrow) or "?" not in wide)
