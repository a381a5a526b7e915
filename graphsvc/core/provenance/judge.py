"""The reasons that provenance gives for or against an action: pack data applied to the facts of its arguments.

Asked after the patterns, for an action by which one of a table's `after` patterns completes. The verdict of an action
is the worst over its arguments, so each argument that is not permitted is told on its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple, cast

from graphsvc.core.estate import Estate
from graphsvc.core.event import Event
from graphsvc.core.provenance.claim import Claims, Detail, claims_of
from graphsvc.core.provenance.derive import facts_of, with_graph
from graphsvc.core.provenance.fact import CRITICAL, TOLD, WORST
from graphsvc.core.provenance.sighting import MENTION, Sightings
from graphsvc.core.provenance.table import NO_ARGUMENT, Table, verdict_of
from graphsvc.core.request import Argument
from graphsvc.core.value import Json
from graphsvc.core.verdict import Completion, Reason, ReasonCode, Verdict

__all__ = ["provenance_reasons"]

_FETCH = "fetch"
_PLACES = ("destination", "locator", "target")
_FINE = frozenset({"named_by_intent", "clean"})
_SEVERITY = {Verdict.PERMIT: 0, Verdict.ESCALATE: 1, Verdict.DENY: 2}
_ASKED = {
    "requested": "the request asks for this",
    "delegated": "the request leaves to a text what is to be done",
    "unrequested": "the request does not ask for this",
}


class _Value(NamedTuple):
    """One value of a critical argument. facts: all that hold of it; known: the graph knows it."""

    name: str
    role: str
    facts: tuple[str, ...]
    designation: int
    detail: Detail
    known: bool
    mentioned: bool


def provenance_reasons(
    event: Event,
    intent: Mapping[str, Json] | None,
    completions: Collection[Completion],
    tables: tuple[Table, ...],
    sightings: Sightings,
    estate: Estate,
) -> list[Reason]:
    """What every table says, told once. intent: the chain's own; its effects, when declared, are what was asked for."""
    found: dict[tuple[str | None, Verdict], Reason] = {}
    for table in tables:
        if table.after and not any(each.pattern in table.after for each in completions):
            continue
        for reason in _judged(event, intent, table, sightings, estate):
            found.setdefault((reason.rule, reason.verdict), reason)
    return list(found.values())


def _judged(
    event: Event, intent: Mapping[str, Json] | None, table: Table, sightings: Sightings, estate: Estate
) -> Iterator[Reason]:
    request, effects = event.request, _effects(event)
    level = table.level_of(effects, event.declaration.level)
    is_fetch = table.fetch is not None and _FETCH in effects
    if level is None and not is_fetch:
        return
    claims = claims_of(request)
    if claims is None and not table.required and not any(each.fact is not None for each in request.arguments):
        return
    claims = claims if claims is not None else Claims()
    asked = _requested(intent, effects, claims)
    values = list(_values(event, claims, intent, sightings, estate, required=table.required))
    is_doubtful = False
    if level is not None:
        places = {value.name for value in values if value.role == "destination"}
        for reason, name in _critical(table, asked, level, effects, values):
            is_doubtful = is_doubtful or name in places
            yield reason
    if is_fetch:
        yield from _fetched(table, asked, values)
    if table.amount is not None and level is not None:
        yield from _amount(table, claims, values)
    if table.content is not None and not table.content_effects.isdisjoint(effects):
        yield from _content(table, values, is_doubtful=is_doubtful)


def _effects(event: Event) -> frozenset[str]:
    """The declared effects; those with a destination are added when one is given."""
    declared = event.declaration
    if not declared.effects_with_destination:
        return declared.effects
    given = event.request.action_properties
    has_destination = any(given.get(name) for name in declared.destinations) or any(
        _role(event, each) == "destination" for each in event.request.arguments
    )
    return declared.effects | declared.effects_with_destination if has_destination else declared.effects


def _requested(intent: Mapping[str, Json] | None, effects: Collection[str], claims: Claims) -> str:
    # Effects that were declared for the task replace what the client read out of the request's words.
    allowed = intent.get("effects") if intent else None
    if isinstance(allowed, list):
        return "requested" if set(effects) <= set(allowed) else "unrequested"
    return claims.requested


def _role(event: Event, argument: Argument) -> str | None:
    # What a pack declares wins over what a caller says.
    roles = event.declaration.roles
    declared = roles.get(argument.name) if roles else None
    return declared if declared is not None else argument.role


def _values(
    event: Event,
    claims: Claims,
    intent: Mapping[str, Json] | None,
    sightings: Sightings,
    estate: Estate,
    *,
    required: bool,
) -> Iterator[_Value]:
    """Every value with a fact; where facts are required, also those that came without."""
    request, counts = event.request, dict[str, int]()
    seen, whole = sightings.of(event.session), sightings.is_whole(event.session)
    named = _named(intent)
    for argument in request.arguments:
        role = _role(event, argument)
        if role is None:
            continue
        place = counts[argument.name] = counts.get(argument.name, -1) + 1
        yield _Value(
            name=argument.name,
            role=role,
            facts=tuple(facts_of(argument, seen, whole=whole, named=named)),
            designation=argument.designation or 0,
            detail=claims.detail(argument.name, place),
            known=role in CRITICAL and _is_known(event, argument.name, place, role, estate),
            mentioned=any(seen.get(token, 0) & MENTION for token in argument.tokens),
        )
    if required:
        for name, role in (event.declaration.roles or {}).items():
            missing = _count(request.action_properties.get(name)) - (counts.get(name, -1) + 1)
            is_place = role == "locator" and _FETCH in event.effects
            if (role in ("destination", "target") or is_place) and missing > 0:
                yield _Value(name, role, (WORST,), 0, Detail(mentioned=0), known=False, mentioned=True)


def _named(intent: Mapping[str, Json] | None) -> Collection[str] | None:
    tokens = intent.get("tokens") if intent else None
    return frozenset(cast("list[str]", tokens)) if isinstance(tokens, list) and tokens else None


def _count(value: Json) -> int:
    if value is None:
        return 0
    return len(value) if isinstance(value, list) else 1


def _is_known(event: Event, name: str, place: int, role: str, estate: Estate) -> bool:
    """True when the graph says that a principal knows the value, or for a target, owns it."""
    given = event.request.action_properties.get(name)
    value = given[place] if isinstance(given, list) and place < len(given) else given
    if not isinstance(value, str | int) or isinstance(value, bool):
        return False
    standing = event.who.place(str(value), estate)
    return standing == "owned" or (standing == "known" and role != "target")


def _critical(
    table: Table, asked: str, level: int, effects: frozenset[str], values: list[_Value]
) -> Iterator[tuple[Reason, str]]:
    """Reasons, each with the name of its argument, "" for none."""
    is_any = False
    for value in values:
        if value.role not in CRITICAL:
            continue
        is_any = True
        described = value.detail.described and value.designation == 3
        verdict, fact = Verdict.PERMIT, value.facts[0]
        for each in value.facts:
            held = (
                with_graph(each, value.detail, level, mentioned_in_text=value.mentioned)
                if value.known
                else each
            )
            found = table.verdict(asked, level, held, effects, described=described)
            if _SEVERITY[found] >= _SEVERITY[verdict]:
                verdict, fact = found, held
        if verdict is not Verdict.PERMIT:
            told = f"`{value.name}` {TOLD[fact]} ({fact}), and {_ASKED[asked]}"
            yield _reason(told, verdict, value.name, fact), value.name
    if not is_any:
        verdict = table.verdict(asked, level, NO_ARGUMENT, effects, described=False)
        if verdict is not Verdict.PERMIT:
            yield _reason(f"{_ASKED[asked]}", verdict, "", asked), ""


def _fetched(table: Table, asked: str, values: list[_Value]) -> Iterator[Reason]:
    rule = table.fetch
    assert rule is not None
    for value in values:
        if value.role not in _PLACES:
            continue
        facts = [
            with_graph(each, value.detail, 0, mentioned_in_text=value.mentioned) if value.known else each
            for each in value.facts
        ]
        worst, fact = Verdict.PERMIT, facts[0]
        for each in facts:
            if each in _FINE:
                found = Verdict.PERMIT
            elif each == "designated_unique" and value.designation == 3:
                found = verdict_of(rule.followed)
            elif each == "unprovenanced":
                found = verdict_of(rule.host_named if value.detail.host_named else rule.composed)
            else:
                found = verdict_of(rule.unrequested if asked == "unrequested" else rule.seen)
            if _SEVERITY[found] >= _SEVERITY[worst]:
                worst, fact = found, each
        if worst is not Verdict.PERMIT:
            yield _reason(
                f"the place to read, `{value.name}`, {TOLD[fact]} ({fact})", worst, value.name, fact
            )


def _amount(table: Table, claims: Claims, values: list[_Value]) -> Iterator[Reason]:
    rule = table.amount
    assert rule is not None
    places = [value for value in values if value.role == "destination"]
    if places and all(value.facts == ("named_by_intent",) for value in places):
        return
    for value in values:
        if value.role != "amount" or _FINE.issuperset(value.facts):
            continue
        if claims.amount is not None and claims.amount <= rule.at_most:
            continue
        verdict = verdict_of(rule.beyond)
        if verdict is not Verdict.PERMIT:
            than = "" if claims.amount is None else f", {claims.amount:g} times what is known"
            fact = value.facts[-1]
            yield _reason(f"the amount `{value.name}` {TOLD[fact]} ({fact}){than}", verdict, value.name, fact)


def _content(table: Table, values: list[_Value], *, is_doubtful: bool) -> Iterator[Reason]:
    rule = table.content
    assert rule is not None
    outcome = rule.doubtful if is_doubtful and rule.doubtful is not None else rule.unknown
    for value in values:
        if value.role == "content" and not _FINE.issuperset(value.facts):
            verdict = verdict_of(outcome)
            if verdict is not Verdict.PERMIT:
                fact = next(each for each in value.facts if each not in _FINE)
                told = f"an address, link or account in `{value.name}` {TOLD[fact]} ({fact})"
                yield _reason(told, verdict, value.name, fact)


def _reason(told: str, verdict: Verdict, name: str, fact: str) -> Reason:
    rule = f"provenance:{name}:{fact}" if name else f"provenance:{fact}"
    return Reason(ReasonCode.provenance, told, verdict, rule)
