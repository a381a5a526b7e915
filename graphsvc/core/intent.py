"""Intent: what a task was declared to be for. An action outside it is held for a person, or denied.

A chain lies within the intents of all the chains it was spawned from: delegation narrows and never widens, whatever
the child declares. What an intent says nothing of is free; free text is for people and is not judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast, get_args

from msgspec.structs import replace

from graphsvc.core.duration import parse_duration
from graphsvc.core.estate import Estate
from graphsvc.core.event import Event
from graphsvc.core.glob import is_literal, matches
from graphsvc.core.intent_amount import decimal_of, spent_by
from graphsvc.core.intent_limit import beyond
from graphsvc.core.policy.scalar import Effect
from graphsvc.core.request import AccessRequest
from graphsvc.core.state import ChainState, StateView
from graphsvc.core.value import Json, parse_time
from graphsvc.core.verdict import Reason, ReasonCode, Verdict
from graphsvc.errors import BadInput

__all__ = [
    "MAX_LINEAGE",
    "check_intent",
    "check_template",
    "find_lineage",
    "outside",
    "wider",
    "with_intent",
]

# Chains above a chain that are asked; one that lies deeper is denied.
MAX_LINEAGE = 64
_PARTS = ("actions", "resources", "effects", "destinations")
_SUMS = ("amount", "total")
_FIELDS = (*_PARTS, *_SUMS, "begins", "ends", "lasts", "template")
_NO_TEMPLATES: Mapping[str, Mapping[str, Json]] = {}
_MAX_ITEMS = 100
_MAX_TEXT = 1_000
_MAX_TOKENS = 1_000
_EFFECTS = frozenset(get_args(Effect))


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
        elif name not in _FIELDS:
            raise BadInput(f"{place}: is unknown; use {', '.join(_FIELDS)}, tokens and text", field=place)
        elif value is not None:
            (_check_part if name in _PARTS else _check_limit)(name, value, place)


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


def _check_limit(name: str, value: Json, place: str) -> None:
    if name in _SUMS:
        known = isinstance(value, dict) and value.keys() <= {"max", "currency"}
        currency = value.get("currency") if isinstance(value, dict) else None
        most = decimal_of(value.get("max")) if isinstance(value, dict) else None
        if not known or most is None or most < 0 or not (currency is None or isinstance(currency, str)):
            raise BadInput(
                f'{place}: must be an object such as {{"max": 100, "currency": "EUR"}}', field=place
            )
        return
    if not isinstance(value, str) or not value or len(value) > _MAX_TEXT:
        raise BadInput(f"{place}: must be text", field=place)
    if name in ("begins", "ends"):
        try:
            parse_time(value)
        except BadInput as error:
            raise BadInput(f"{place}: {error}", field=place) from None
    elif name == "lasts":
        try:
            parse_duration(value)
        except ValueError as error:
            raise BadInput(f"{place}: {error}", field=place) from None


def check_template(
    intent: Mapping[str, Json] | None, known: Mapping[str, object], field: str = "intent"
) -> None:
    """BadInput when an intent names a template that no pack in force has."""
    name = (intent or {}).get("template")
    if name is not None and name not in known:
        listed = ", ".join(f"`{each}`" for each in sorted(known)[:20]) or "none"
        raise BadInput(
            f"{field}.template: no pack has the template `{name}`; there are {listed}",
            field=f"{field}.template",
        )


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
    templates: Mapping[str, Mapping[str, Json]] = _NO_TEMPLATES,
) -> list[Reason]:
    """A reason for every intent that the action lies outside of. verdict: what that means.

    templates: of the packs in force, by name; what one says holds beside what the intent itself says.
    """
    if len(lineage) > MAX_LINEAGE:
        told = f"the chain lies more than {MAX_LINEAGE} chains deep"
        return [Reason(ReasonCode.cap_reached, told, Verdict.DENY, "lineage")]
    chains = [(event.chain, chain)]
    for name in lineage:
        above = cast("ChainState | None", view.get(("c", name)))
        if above is not None:
            chains.append((name, above))
    reasons = []
    for name, held in chains:
        lacking = _lacking(event, name, held, view, estate, templates) if held.intent else None
        if lacking is not None:
            whose = "" if name == event.chain else f" of chain `{name}`, which this one was spawned from"
            message = f"lies outside the declared intent{whose}: {lacking}"
            reasons.append(Reason(ReasonCode.outside_intent, message, verdict, f"intent:{name}"))
    return reasons


def _lacking(
    event: Event,
    name: str,
    chain: ChainState,
    view: StateView,
    estate: Estate,
    templates: Mapping[str, Mapping[str, Json]],
) -> str | None:
    intent, spent = chain.intent or {}, spent_by(name, view)
    named = intent.get("template")
    if named is not None:
        template = templates.get(named) if isinstance(named, str) else None
        if template is None:
            return f"no pack in force has its template `{named}`"
        told = beyond(event, template, estate, chain.opened_ms, spent)
        if told is not None:
            return f"by the template `{named}` {told}"
    return beyond(event, intent, estate, chain.opened_ms, spent)


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
    return _wider_limit(new, old)


def _wider_limit(new: Mapping[str, Json], old: Mapping[str, Json]) -> str | None:
    for name in _SUMS:
        told = _wider_sum(name, new.get(name), old.get(name))
        if told is not None:
            return told
    for name, is_within in (("begins", _not_before), ("ends", _not_after), ("lasts", _not_longer)):
        bound_text, asked_text = old.get(name), new.get(name)
        if bound_text is not None and not (
            isinstance(bound_text, str) and isinstance(asked_text, str) and is_within(asked_text, bound_text)
        ):
            return (
                f"{name}: `{asked_text}`" if asked_text is not None else f"{name}: leaves out what is limited"
            )
    if old.get("template") not in (None, new.get("template")):
        return f"template: `{new.get('template')}`"
    return None


def _wider_sum(name: str, asked: Json, held: Json) -> str | None:
    if not isinstance(held, dict):
        return None
    most, bound = (decimal_of(each.get("max")) if isinstance(each, dict) else None for each in (asked, held))
    if most is None or bound is None or most > bound:
        return f"{name}: above what the declared intent allows"
    currency = held.get("currency")
    if currency is not None and (not isinstance(asked, dict) or asked.get("currency") != currency):
        return f"{name}: in another currency"
    return None


def _not_before(new: str, old: str) -> bool:
    return parse_time(new) >= parse_time(old)


def _not_after(new: str, old: str) -> bool:
    return parse_time(new) <= parse_time(old)


def _not_longer(new: str, old: str) -> bool:
    return parse_duration(new) <= parse_duration(old)


def _covers(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    # A `?` stands for one character, and a `*` in the narrower glob for many.
    return matches(wide, narrow) and (is_literal(narrow) or "?" not in wide)
