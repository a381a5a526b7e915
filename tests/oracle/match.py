"""Whether an action completes one pattern: every assignment of steps to events is tried."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.oracle.condition import Declarations, fits, key_values, name_and_effects_fit
from tests.oracle.estate import Estate
from tests.oracle.history import Event, Log, StoreEdges
from tests.oracle.rule import is_off
from tests.oracle.text import Record, attribute, duration_ms, key_text, listed

Assignment = dict[str, Event]
_WRITES: Record = {"effects": ["write"]}
_READS: Record = {"effects": ["read"]}


class Fitting:
    """Whether events fit conditions, asked once: an answer depends on nothing but what it is remembered under."""

    def __init__(self, policies: Sequence[Record], estate: Estate) -> None:
        self.declared, self.estate = Declarations(policies), estate
        self._told: dict[tuple[object, ...], bool] = {}
        self._keys: dict[tuple[int, int], dict[str, str] | None] = {}

    def fits(self, step: Record, event: Event, *, on_error: bool) -> bool:
        """`condition.fits`, remembered. Steps are the policy's own objects, which stay as they are."""
        place = (id(step), event.seq, event.resource_labels, event.reported, on_error)
        if place not in self._told:
            self._told[place] = fits(step, event, self.declared, self.estate, on_error=on_error)
        return self._told[place]

    def key_values(self, step: Record, event: Event) -> dict[str, str] | None:
        """`condition.key_values`, remembered."""
        place = (id(step), event.seq)
        if place not in self._keys:
            self._keys[place] = key_values(step, event)
        return self._keys[place]


class Question:
    """One pattern asked about one action, with everything recorded before it."""

    def __init__(self, pattern: Record, action: Event, log: Log, fitting: Fitting) -> None:
        self.pattern, self.action, self.log, self.fitting = pattern, action, log, fitting
        self.estate = fitting.estate
        self.scope: str = pattern["scope"]
        self.principal: str = pattern.get("principal", "root")  # rule R25
        default = {"session": "causal", "principal": "log", "data": "causal"}[self.scope]
        if self.scope == "session" and is_off("R25"):
            default = "log"
        self.relation: str = pattern.get("relation", default)
        self.within_ms = duration_ms(pattern["within"]) if pattern.get("within") else None
        self.steps: Record = pattern.get("steps") or {}
        self.history = [event for event in log.events if event.in_history and event is not action]
        self.candidates = [*self.history, action]
        self._before: dict[tuple[str, Event], set[Event]] = {}

    def fits(self, step: Record, event: Event, *, on_error: bool = True) -> bool:
        """Whether the event fits; `at: completion` asks with the resource's labels of now, not of then."""
        if step.get("at") == "completion":
            now = self.estate.labels.get(event.resource, frozenset())
            event = replace(event, resource_labels=now)
        return self.fitting.fits(step, event, on_error=on_error)

    # --- scope instances

    def instances(self) -> list[str]:
        """The scope instances that the action lies in: more than one only under `principal: any`."""
        if self.scope == "session":
            return [self.action.session]
        if self.scope == "data":
            return ["everything"]
        return {"actor": [self.action.actor], "root": [self.action.root], "any": [*self.action.principals]}[
            self.principal
        ]

    def inside(self, event: Event, instance: str) -> bool:
        """Whether the event lies in the scope instance."""
        if self.scope == "session":
            return event.session == instance
        if self.scope == "data":
            return True
        whose = {"actor": (event.actor,), "root": (event.root,), "any": event.principals}[self.principal]
        return instance in whose

    # --- order

    def store_edges(self) -> StoreEdges | None:
        """From every executed read to the earlier executed writes of the same resource (rule R23)."""
        if self.scope != "data" or is_off("R23"):
            return None
        return {
            reader: [
                writer
                for writer in self.history
                if writer.seq < reader.seq
                and writer.resource == reader.resource
                and self.fits(_WRITES, writer)
            ]
            for reader in self.candidates
            if self.fits(_READS, reader)
        }

    def subtree(self, name: str) -> set[str]:
        """The step and all steps that lead to it."""
        feeding = [other for other, step in self.steps.items() if step.get("then") == name]
        return {name}.union(*(self.subtree(other) for other in feeding))

    def sanitizers(self, name: str) -> frozenset[Event]:
        """Events that cut the paths leaving the step `name` (rule R15)."""
        return frozenset(
            event
            for entry in self.pattern.get("sanitized_by") or ()
            if any(_needs(self.steps[step], entry) for step in self.subtree(name))
            for event in self.history
            if self.fits(entry, event, on_error=False) and self.fitting.key_values(entry, event) is not None
        )

    def before(self, name: str, later: Event) -> set[Event]:
        """Events before `later` in the pattern's relation, as seen from the edge that leaves step `name`."""
        if (name, later) not in self._before:
            self._before[name, later] = self._all_before(name, later)
        return self._before[name, later]

    def _all_before(self, name: str, later: Event) -> set[Event]:
        if self.relation == "log":
            return {event for event in self.history if event.seq < later.seq}
        return self.log.ancestors(
            later,
            declared=self.relation == "flow",
            through_stores=self.store_edges(),
            cut=self.sanitizers(name),
        )

    # --- matches

    def assignments(self, instance: str) -> Iterator[tuple[Assignment, dict[str, str]]]:
        """Every match in the scope instance whose conditions, order and keys hold, with its key values."""
        order: list[str] = []
        while len(order) < len(self.steps):  # a step comes after the step it leads to
            order += [
                name
                for name, step in self.steps.items()
                if name not in order and (step.get("then") is None or step["then"] in order)
            ]
        fitting = {name: self._fitting(name, self.candidates, instance) for name in order}
        if all(fitting.values()):
            yield from self._extend(order, fitting, {}, {})

    def _fitting(
        self, name: str, events: Sequence[Event], instance: str
    ) -> list[tuple[Event, dict[str, str]]]:
        """Those of the events that may stand for the step, with their key values."""
        return [
            (event, values)
            for event in events
            if self.inside(event, instance) and self.fits(self.steps[name], event)
            for values in [self.fitting.key_values(self.steps[name], event)]
            if values is not None
        ]

    def _extend(
        self,
        order: list[str],
        fitting: dict[str, list[tuple[Event, dict[str, str]]]],
        chosen: Assignment,
        values: dict[str, str],
    ) -> Iterator[tuple[Assignment, dict[str, str]]]:
        if len(chosen) == len(order):
            yield dict(chosen), values
            return
        name = order[len(chosen)]
        then = self.steps[name].get("then")
        earlier = None if then is None else self.before(name, chosen[then])
        for event, own in fitting[name]:
            if earlier is not None and event not in earlier:
                continue
            if any(values.get(variable, value) != value for variable, value in own.items()):
                continue
            yield from self._extend(order, fitting, {**chosen, name: event}, {**values, **own})

    def in_window(self, match: Assignment) -> bool:
        times = [event.at_ms for event in match.values()]
        return self.within_ms is None or _inside(max(times) - min(times), self.within_ms)

    def all_distinct(self, match: Assignment) -> bool:
        """Whether the steps that must differ do (rule R13), as far as they are matched."""
        differing = listed(self.pattern.get("distinct")) if not is_off("R13") else []
        named = [match[name] for name in differing if name in match]
        return len(named) == len(set(named))

    # --- guards

    def reset_between(self, match: Assignment, values: dict[str, str], instance: str) -> bool:
        """Whether a `without` event lies strictly between the ends of its edge (rule R16)."""
        return any(
            self.is_cut(name, match[name], match[then], values, instance)
            for name, then in (entry["between"] for entry in self.pattern.get("without") or ())
        )

    def is_cut(self, name: str, first: Event, last: Event, values: dict[str, str], instance: str) -> bool:
        """Whether a `without` event of the edge that leaves a step lies strictly between its ends (rule R16)."""
        return any(
            first.seq < event.seq < last.seq
            and self.inside(event, instance)
            and self.fits(entry, event, on_error=False)
            and _equal(self.fitting.key_values(entry, event), values)
            for entry in self.pattern.get("without") or ()
            if entry["between"][0] == name and not is_off("R16")
            for event in self.history
        )

    def guarded(self, values: dict[str, str], instance: str) -> bool:
        """Whether an `unless` entry holds at the action for these key values (rule R14)."""
        return any(
            event.seq < self.action.seq
            and self._speaks(entry, event, instance)
            and (
                not entry.get("within")
                or _inside(self.action.at_ms - event.at_ms, duration_ms(entry["within"]))
            )
            and self.fits(entry, event, on_error=False)
            and any(_equal(own, values) for own in self._guard_values(entry, event))
            for entry in self.pattern.get("unless") or ()
            for event in self.history
        )

    def _speaks(self, entry: Record, event: Event, instance: str) -> bool:
        by = entry.get("by") or ("same" if self.scope == "session" else "other")
        if by == "same":
            return self.inside(event, instance)
        return by == "anyone" or is_off("R14") or event.root not in self.action.principals

    def _guard_values(self, entry: Record, event: Event) -> list[dict[str, str] | None]:
        """The guard's key values; an approval takes those of the request it approved, by every step that fits it."""
        if event.reviewed is None:
            return [self.fitting.key_values(entry, event)]
        variables = entry.get("key") or {}
        if not variables:
            return [{}]
        taken: list[dict[str, str] | None] = []
        for step in self.every_step():
            own = self.fitting.key_values(step, event.reviewed) if self.fits(step, event.reviewed) else None
            if own is not None and set(own) >= set(variables):
                taken.append({variable: own[variable] for variable in variables})
        return taken

    # --- answers

    def every_step(self) -> list[Record]:
        return [self.pattern["count"]["step"]] if "count" in self.pattern else list(self.steps.values())

    def completed(self) -> bool:
        """Whether the action completes the pattern."""
        return any(self._completed_in(instance) for instance in self.instances())

    def _completed_in(self, instance: str) -> bool:
        if "count" in self.pattern:
            return self._counted(instance)
        return any(True for _ in self._matches_in(instance))

    def matches(self) -> Iterator[Assignment]:
        """Every match that the action completes, in any scope instance: what a path that is told must be one of."""
        for instance in self.instances():
            yield from self._matches_in(instance)

    def _matches_in(self, instance: str) -> Iterator[Assignment]:
        # A match without the action is none that it completes.
        if not any(self._fitting(name, [self.action], instance) for name in self.steps):
            return
        for match, values in self.assignments(instance):
            if (
                self.action in match.values()
                and self.in_window(match)
                and self.all_distinct(match)
                and not self.reset_between(match, values, instance)
                and not self.guarded(values, instance)
            ):
                yield match

    def _counted(self, instance: str) -> bool:
        """Whether more than `more_than` distinct values were seen, this action's among them (rules R17, R18)."""
        count = self.pattern["count"]
        key = self.fitting.key_values(count["step"], self.action)
        if key is None or not self.fits(count["step"], self.action):
            return False
        seen: set[tuple[str, object]] = set()
        for event in self.candidates:
            if (
                self.inside(event, instance)
                and (self.within_ms is None or _inside(self.action.at_ms - event.at_ms, self.within_ms))
                and self.fits(count["step"], event)
                and self.fitting.key_values(count["step"], event) == key
            ):
                value = (
                    key_text(attribute(event.record, count["distinct"])) if count.get("distinct") else None
                )
                seen.add(("new", event.seq) if value is None else ("value", value))
        most = count["more_than"] - (1 if is_off("R17") else 0)
        return len(seen) > most and not self.guarded(key, instance)

    def key_missing(self) -> bool:
        """Whether name and effects fit a keyed step but its key is missing (rule R18)."""
        return any(
            self.fitting.key_values(step, self.action) is None
            and name_and_effects_fit(step, self.action, self.fitting.declared)
            for step in self.every_step()
        )


def _inside(passed_ms: int, within_ms: int) -> bool:
    return passed_ms < within_ms if is_off("R1") else passed_ms <= within_ms


def _equal(own: dict[str, str] | None, values: dict[str, str]) -> bool:
    return own is not None and all(values.get(variable) == value for variable, value in own.items())


def _needs(step: Record, sanitizer: Record) -> bool:
    """Whether the step cannot hold without the labels that the sanitizer removes (rule R15)."""
    if sanitizer.get("removes") is None or is_off("R15"):
        return True
    removed = {*listed(sanitizer["removes"])}
    wanted = step.get("labels") or {}
    any_of = {*listed(wanted.get("any"))}
    return bool({*listed(wanted.get("all"))} & removed) or (bool(any_of) and any_of <= removed)
