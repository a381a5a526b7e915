"""Whether one event fits one step condition, and what an action's declaration says about it."""

from collections.abc import Sequence

import cel

from tests.oracle.estate import Estate
from tests.oracle.history import Event
from tests.oracle.rule import is_off
from tests.oracle.text import Json, Record, any_glob, attribute, glob_matches, key_text, listed

_KNOWN_KEYS = {
    "action", "effects", "labels", "subject", "resource", "destination", "argument",
    "key", "then", "at", "between", "removes", "within", "by", "when",
}  # fmt: skip
_SHORTHAND = {
    "intent": ["named_by_intent"],
    "trusted": ["clean"],
    "untrusted": ["from_untrusted", "contested", "party", "designated*"],
    "unknown": ["unprovenanced"],
}


class Declarations:
    """What the `actions` sections of all policy files say; looked up once for each name."""

    def __init__(self, policies: Sequence[Record]) -> None:
        self._policies = policies
        self._found: dict[str, Record] = {}

    def of(self, name: str) -> Record:
        """The one entry that describes an action (rule R20), or an empty one."""
        if name not in self._found:
            self._found[name] = self._search(name)
        return self._found[name]

    def _search(self, name: str) -> Record:
        """Exact name before most literal characters; on a tie the later pack, within a file the first entry."""
        best: tuple[tuple[bool, int, int, int], Record] | None = None
        for rank, policy in enumerate(self._policies):
            for place, (pattern, entry) in enumerate((policy.get("actions") or {}).items()):
                if not glob_matches(pattern, name):
                    continue
                literals = sum(character not in "*?" for character in pattern)
                order = (False, 0, 0, -place) if is_off("R20") else (pattern == name, literals, rank, -place)
                if best is None or order > best[0]:
                    best = (order, entry or {})
        return best[1] if best else {}


def labels(event: Event, entry: Record) -> frozenset[str]:
    """All labels of an event (rule R21): sent, declared for results, of the resource then, reported since."""
    declared = [] if is_off("R21") else listed((entry.get("result") or {}).get("labels"))
    return (
        frozenset(listed(event.record.get("labels"))) | {*declared} | event.resource_labels | event.reported
    )


def destination(event: Event, entry: Record, estate: Estate) -> str:
    """`unknown`, `known` or `owned`: the worst standing among all destination arguments."""
    properties = (event.record["action"].get("properties")) or {}
    named = [name for name, role in (entry.get("arguments") or {}).items() if role == "destination"]
    values = [value for name in named for value in listed(properties.get(name))]
    standings = {estate.standing(event.principals, value) for value in values}
    if not standings or "unknown" in standings:
        return "unknown"
    return "owned" if standings == {"owned"} else "known"


def _labels_fit(condition: Json, held: frozenset[str]) -> bool:
    wanted = condition if isinstance(condition, dict) else {"any": condition}
    return (
        (not listed(wanted.get("any")) or bool(held & {*listed(wanted.get("any"))}))
        and held >= {*listed(wanted.get("all"))}
        and not held & {*listed(wanted.get("none"))}
    )


def _subject_fits(condition: Record, event: Event, estate: Estate) -> bool:
    subject = event.record["subject"]
    kind = estate.kind(subject["id"]) or subject.get("type") or ""
    groups = {*listed(condition.get("group"))}
    return (
        ("kind" not in condition or any_glob(condition["kind"], kind))
        and ("id" not in condition or any_glob(condition["id"], subject["id"]))
        and (
            not groups
            or bool({name.removeprefix("group:") for name in groups} & estate.groups(subject["id"]))
        )
    )


def _resource_fits(condition: Record, event: Event, estate: Estate) -> bool:
    kind, name = event.resource
    tier = estate.resources.get(event.resource, {}).get("tier")
    return (
        ("type" not in condition or any_glob(condition["type"], kind))
        and ("id" not in condition or any_glob(condition["id"], name))
        and ("tier" not in condition or tier in listed(condition["tier"]))
        and ("labels" not in condition or _labels_fit(condition["labels"], event.resource_labels))
    )


def _argument_fits(condition: Record, event: Event) -> bool:
    facts = listed(condition.get("fact"))
    for short in listed(condition.get("from")):
        facts += _SHORTHAND[short]
    return any(
        argument.get("role") == condition["role"] and any_glob(facts, str(argument.get("fact")))
        for argument in event.record.get("arguments") or ()
    )


def name_and_effects_fit(step: Record, event: Event, declared: Declarations) -> bool:
    """Whether the action's name and declared effects fit, whatever else the step asks for."""
    entry = declared.of(event.name)
    return ("action" not in step or any_glob(step["action"], event.name)) and (
        "effects" not in step or bool({*listed(step["effects"])} & {*listed(entry.get("effects"))})
    )


def fits(
    step: Record, event: Event, declared: Declarations, estate: Estate, *, on_error: bool = True
) -> bool:
    """Whether the event fulfils the condition of a step, guard, reset or sanitizer; its key not considered.

    on_error: what a `when` that cannot be answered counts as (rule R24).
    """
    unknown = set(step) - _KNOWN_KEYS
    if unknown:
        message = f"the oracle does not know the condition `{min(unknown)}`"
        raise ValueError(message)
    entry = declared.of(event.name)
    if not name_and_effects_fit(step, event, declared):
        return False
    if "labels" in step and not _labels_fit(step["labels"], labels(event, entry)):
        return False
    if "subject" in step and not _subject_fits(step["subject"], event, estate):
        return False
    if "resource" in step and not _resource_fits(step["resource"], event, estate):
        return False
    if "argument" in step and not _argument_fits(step["argument"], event):
        return False
    if "destination" in step:
        standing = destination(event, entry, estate)
        accepted = standing == step["destination"] or (step["destination"], standing) == ("known", "owned")
        if not accepted:
            return False
    return "when" not in step or _holds(step["when"], event, entry, estate, on_error=on_error)


def _holds(text: str, event: Event, entry: Record, estate: Estate, *, on_error: bool) -> bool:
    """The answer of another implementation of CEL than the product's."""
    record = event.record
    subject, resource, action = record["subject"], record["resource"], record["action"]
    context = {
        "subject": {**subject, "kind": estate.kind(subject["id"]) or subject.get("type") or ""},
        "resource": {**resource, "labels": sorted(event.resource_labels)},
        "action": {**action, "effects": listed(entry.get("effects"))},
        "context": record.get("context") or {},
        "labels": sorted(labels(event, entry)),
        "principals": list(event.principals),
        "chain": record.get("chain") or "",
        "session": event.session,
    }
    try:
        answer = cel.evaluate(text, context)
    except (KeyError, TypeError, ValueError, RuntimeError):
        answer = None
    if isinstance(answer, bool):
        return answer
    return on_error and not is_off("R24")


def key_values(step: Record, event: Event) -> dict[str, str] | None:
    """The event's values for the key of a step, or None when one is missing (rules R18, R19)."""
    values: dict[str, str] = {}
    for variable, path in (step.get("key") or {}).items():
        found = attribute(event.record, path)
        value = f"{type(found).__name__} {found}" if is_off("R19") and found is not None else key_text(found)
        if value is None and is_off("R18"):
            value = ""
        if value is None:
            return None
        values[variable] = value
    return values
