"""The risk before and after an action and what harm is nearest, by their definition: all of the log is looked at anew.

It follows docs/semantics.md, section 8, and imports nothing of the product. Integers are compared, so the rounding of
each contribution is part of the definition.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from tests.oracle.history import Event, Log
from tests.oracle.match import Assignment, Fitting, Question
from tests.oracle.text import Record, attribute, duration_ms, key_text, time_ms

__all__ = ["Nearness", "micros"]

_SIGMA = {"low": 0.1, "medium": 0.3, "high": 0.6, "critical": 0.9}
_Q = 0.5
_MOST = 0.999999
_LEVELS = 64

_NEAREST = 5

Values = dict[str, str]
Reached = tuple[int, frozenset[str]]  # from when on, and which steps


class Nearness:
    """The risk of actions of one trace; `forget` when a record changes what happened before."""

    def __init__(self, patterns: Sequence[Record], log: Log, fitting: Fitting) -> None:
        self.patterns = [pattern for pattern in patterns if pattern["on_match"] != "monitor"]
        self.log, self.fitting = log, fitting
        self.signals: list[Record] = []
        self._views: dict[tuple[str, int, str], list[list[Reached]]] = {}

    def forget(self) -> None:
        """Earlier actions are other ones now: their labels, or whether they count."""
        self._views.clear()

    def risk(self, event: Event) -> tuple[int, int]:
        """Before the action, and after it as if it was carried out, in micros of -ln(1 - risk)."""
        was, event.in_history = event.in_history, False
        before = self._patterns(event)
        event.in_history = True
        after = self._patterns(event)
        event.in_history = was
        fading = self._fading(event)
        return before + fading, after + fading

    def nearest(self, event: Event) -> list[tuple[str, int]]:
        """The patterns under way where the action is, with the number of steps missing: the fewest first, then the gravest."""
        under_way = [
            (min(missing), -[*_SIGMA].index(pattern["severity"]), pattern["id"])
            for pattern, missing in self._missing(event)
            if missing
        ]
        return [(name, missing) for missing, _, name in sorted(under_way)[:_NEAREST]]

    def _patterns(self, event: Event) -> int:
        most: dict[str, int] = {}
        for pattern, missing in self._missing(event):
            for number in missing:
                worth = micros(_SIGMA[pattern["severity"]] * _Q**number)
                harm = pattern.get("harm") or pattern["id"]
                most[harm] = max(most.get(harm, 0), worth)
        return sum(most.values())

    def _missing(self, event: Event) -> Iterator[tuple[Record, list[int]]]:
        """Each pattern with how many steps are missing in each scope instance where it is under way."""
        for pattern in self.patterns:
            reached = [self._steps(pattern, instance, event.at_ms) for instance in _instances(pattern, event)]
            yield pattern, [size - steps for steps, size in reached if steps]

    def _fading(self, event: Event) -> int:
        total = 0
        for signal in self.signals:
            if self.log.estate.person(signal["identity"]) in event.principals:
                age_ms = max(0, event.at_ms - time_ms(signal["at"]))
                total += micros(
                    min(signal["weight"], _MOST) * 2.0 ** (-age_ms / duration_ms(signal["half_life"]))
                )
        return total

    def _steps(self, pattern: Record, instance: str, at_ms: int) -> tuple[int, int]:
        """How many steps have been reached together in a scope instance, and of how many."""
        oldest_ms = at_ms - duration_ms(pattern["within"]) if pattern.get("within") else None
        history = [
            event
            for event in self.log.events
            if event.in_history and instance in _instances(pattern, event, own=True)
        ]
        if "count" in pattern:
            return self._counted(pattern, history, oldest_ms)
        most = 0
        for event in history:
            for view in self._seen_from(pattern, event, instance):
                live = [steps for start_ms, steps in view if oldest_ms is None or start_ms >= oldest_ms]
                most = max(most, len(frozenset().union(*live)))
        return most, len(pattern["steps"])

    def _counted(self, pattern: Record, history: Iterable[Event], oldest_ms: int | None) -> tuple[int, int]:
        """Distinct values of one key within the window, the most of any key; one more than the limit is all."""
        count, seen = pattern["count"], dict[tuple[tuple[str, str], ...], set[object]]()
        for event in history:
            values = self.fitting.key_values(count["step"], event)
            if (
                values is not None
                and (oldest_ms is None or event.at_ms >= oldest_ms)
                and self.fitting.fits(count["step"], event, on_error=True)
            ):
                value = (
                    key_text(attribute(event.record, count["distinct"])) if count.get("distinct") else None
                )
                seen.setdefault(tuple(sorted(values.items())), set()).add(
                    (event.seq,) if value is None else value
                )
        size = count["more_than"] + 1
        return max((min(len(each), size) for each in seen.values()), default=0), size

    def _seen_from(self, pattern: Record, event: Event, instance: str) -> list[list[Reached]]:
        """For each way to take the event as steps that agree: those, and what lies before it and agrees with them."""
        place = (pattern["id"], event.seq, instance)
        if place not in self._views:
            question = Question(pattern, event, self.log, self.fitting)
            where = "everything" if pattern["scope"] == "data" else instance
            self._views[place] = list(_views(question, event, where))
        return self._views[place]


def _instances(pattern: Record, event: Event, *, own: bool = False) -> list[str]:
    """The scope instances whose patterns count for an action; own: those in which it itself counts."""
    if pattern["scope"] != "principal":
        return [event.session]  # what follows data counts in the session of whoever acts
    if not own:
        return [*event.principals]
    whose = pattern.get("principal", "root")
    return {"actor": [event.actor], "root": [event.root], "any": [*event.principals]}[whose]


def _views(question: Question, event: Event, instance: str) -> Iterator[list[Reached]]:
    steps = question.steps
    tops = [name for name, step in steps.items() if step.get("then") is None]
    oldest_ms = -math.inf if question.within_ms is None else event.at_ms - question.within_ms
    newest = {
        name: max((_start(match) for match, _ in _rooted(question, name, event, instance)), default=None)
        for name in steps
    }
    own = {name: ms for name, ms in newest.items() if ms is not None and ms >= oldest_ms}
    for size in range(1, len(own) + 1):
        for chosen in combinations(own, size):
            binding = _agreed([question.fitting.key_values(steps[name], event) or {} for name in chosen])
            if binding is None:
                continue
            view = [(own[name], frozenset(question.subtree(name))) for name in chosen]
            for name in steps:
                # Who has reached a top that stands alone has completed the pattern.
                if name not in chosen and tops != [name]:
                    found = [*_before(question, name, event, binding, instance)]
                    if found:
                        view.append((max(found), frozenset(question.subtree(name))))
            yield view


def _before(question: Question, name: str, event: Event, binding: Values, instance: str) -> Iterator[int]:
    """Since when the step's subtree has been matched before the event, agreeing with its key values."""
    step = question.steps[name]
    then = step.get("then")
    own = {*step.get("key", {})}
    shared = own if then is None else own & {*question.steps[then].get("key", {})}
    if not shared <= {*binding}:
        return
    if then is None:
        earlier = {each for each in question.history if each.seq < event.seq}
    else:
        earlier = question.before(name, event)
    for root in earlier:
        for match, values in _rooted(question, name, root, instance):
            agrees = all(values[variable] == binding[variable] for variable in shared)
            if agrees and not (then and question.is_cut(name, root, event, {**values, **binding}, instance)):
                yield _start(match)


def _rooted(question: Question, name: str, root: Event, instance: str) -> Iterator[tuple[Assignment, Values]]:
    """Every match of the step's subtree with this event for the step, with its key values."""
    step = question.steps[name]
    if not root.in_history and root is not question.action:
        return
    if not question.inside(root, instance) or not question.fits(step, root):
        return
    own = question.fitting.key_values(step, root)
    if own is None:
        return
    feeding = [other for other, each in question.steps.items() if each.get("then") == name]
    yield from _fed(question, feeding, name, root, {name: root}, own, instance)


def _fed(
    question: Question,
    feeding: Sequence[str],
    name: str,
    root: Event,
    match: Assignment,
    values: Values,
    instance: str,
) -> Iterator[tuple[Assignment, Values]]:
    if not feeding:
        if question.all_distinct(match):
            yield match, values
        return
    child, *others = feeding
    for event in question.before(child, root):
        for inner, theirs in _rooted(question, child, event, instance):
            together = _agreed([values, theirs])
            if together is not None and not question.is_cut(child, event, root, together, instance):
                yield from _fed(question, others, name, root, {**match, **inner}, together, instance)


def _agreed(parts: Sequence[Values]) -> Values | None:
    whole: Values = {}
    for part in parts:
        if any(whole.get(variable, value) != value for variable, value in part.items()):
            return None
        whole |= part
    return whole


def _start(match: Assignment) -> int:
    return min(event.at_ms for event in match.values())


def micros(chance: float) -> int:
    """What a chance of harm adds to the risk."""
    return round(-1_000_000 * math.log1p(-min(chance, _MOST)))
