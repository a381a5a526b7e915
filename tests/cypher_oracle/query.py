"""One pattern of a policy document as one Cypher query that judges every action of the stored traces.

The query says what docs/semantics.md, sections 1.1 to 1.3 and rules R1 to R26, say: `a` is the action that is
judged, every step is matched to an event, top steps first, each row is one match, and guards throw rows away. It
reads only the facts of `fact.py`; "as of the judged action" is always written out (`_alive`, `_labels`), so one
stored trace answers for all of its actions. Values are parameters, so patterns of one shape share a plan.

Not covered, and a ValueError: `when`, `relation: flow` in scope `data`, rights and reach.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

__all__ = ["Query", "query_of"]

Record = dict[str, Any]

_HAPPENED_BEFORE = "NEXT|SPAWN|JOIN|FED"
_FED = "FED"
_UNIT_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PATTERN_KEYS = {
    "id", "title", "severity", "harm", "on_match", "scope", "principal", "relation", "within", "steps", "count",
    "unless", "without", "sanitized_by", "distinct", "sigma", "q", "impact",
}  # fmt: skip
_CONDITION_KEYS = {
    "action", "effects", "labels", "subject", "resource", "destination", "argument",
    "key", "then", "at", "between", "removes", "within", "by",
}  # fmt: skip
_ARGUMENT_SHORTHAND = {
    "intent": ["named_by_intent"],
    "trusted": ["clean"],
    "untrusted": ["from_untrusted", "contested", "party", "designated*"],
    "unknown": ["unprovenanced"],
}


class Query(NamedTuple):
    """Cypher text and its parameters without `cases`; rows are (case, seq) of the actions that complete."""

    text: str
    parameters: dict[str, Any]


def query_of(pattern: Record) -> Query:
    """The query of a pattern of steps or of a count; ValueError for what this oracle does not cover."""
    unknown = set(pattern) - _PATTERN_KEYS
    if unknown:
        message = f"the Cypher oracle does not know `{min(unknown)}` of a pattern"
        raise ValueError(message)
    writer = _Writer(pattern)
    lines = writer.count() if "count" in pattern else writer.tree()
    return Query(
        "\n".join(["CYPHER 5", *lines, "RETURN DISTINCT a.case AS case, a.seq AS seq"]), writer.parameters
    )


class _Writer:
    """Writes the lines of one query and collects its parameters."""

    def __init__(self, pattern: Record) -> None:
        self.pattern = pattern
        self.parameters: dict[str, Any] = {}
        self.scope: str = pattern.get("scope", "session")
        self.principal: str = pattern.get("principal", "root")
        default = {"session": "causal", "principal": "log", "data": "causal"}[self.scope]
        self.relation: str = pattern.get("relation", default)
        if (self.scope, self.relation) == ("data", "flow"):
            message = "the Cypher oracle does not know `relation: flow` in scope `data`"
            raise ValueError(message)
        self.steps: Record = pattern.get("steps") or {"counted": pattern["count"]["step"]}
        # Step names become variables; a name of the policy never reaches the query.
        self.variable = {name: f"s{number}" for number, name in enumerate(self.steps)}
        self.any_of = self.scope == "principal" and self.principal == "any"
        self.carried = ["a", "who"] if self.any_of else ["a"]

    def value(self, value: object) -> str:
        """A parameter that holds the value."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f"${name}"

    # --- the two kinds of pattern

    def actions(self) -> list[str]:
        """The judged actions, once for every scope instance that they lie in (rule R26)."""
        lines = ["MATCH (a:OracleEvent) WHERE a.case IN $cases AND a.judged"]
        return [*lines, "UNWIND a.principals AS who"] if self.any_of else lines

    def tree(self) -> list[str]:
        """A row for every match whose latest event is `a`."""
        order: list[str] = []
        while len(order) < len(self.steps):  # a step comes after the step it leads to
            order += [
                name
                for name, step in self.steps.items()
                if name not in order and (step.get("then") is None or step["then"] in order)
            ]
        tops = [name for name in order if self.steps[name].get("then") is None]
        lines = self.actions()
        bound: dict[str, str] = {}
        for name in order:
            if tops == [name]:
                lines.append(f"WITH *, a AS {self.variable[name]}")
            elif name in tops:
                lines.append(f"MATCH ({self.variable[name]}:OracleEvent {{case: a.case}})")
            else:
                lines += self.before(name)
            lines += self.admit(name, bound)
        if len(tops) > 1:
            lines += self.only(f"a.seq IN [{', '.join(f'{self.variable[name]}.seq' for name in tops)}]")
        return [*lines, *self.only(*self.distinct(), *self.resets(bound), *self.guards(bound))]

    def count(self) -> list[str]:
        """A row for every action that is one of more than `more_than` distinct values (rules R17, R18)."""
        count = self.pattern["count"]
        unknown = set(count) - {"step", "distinct", "more_than"}
        if unknown:
            message = f"the Cypher oracle does not know `{min(unknown)}` of a count"
            raise ValueError(message)
        step = count["step"]
        keys = {variable: f"a.`record.{path}`" for variable, path in (step.get("key") or {}).items()}
        lines = [*self.actions(), *self.only(*self.fits(step, "a"), *self.has_keys(step, "a", {}))]
        lines.append("MATCH (b:OracleEvent {case: a.case})")
        lines += self.only(
            "b.seq <= a.seq", _alive("b"), *self.inside("b"), *self.recent("b", self.pattern.get("within")),
            *self.fits(step, "b"), *self.has_keys(step, "b", keys),
        )  # fmt: skip
        value = f"b.`record.{count['distinct']}`" if count.get("distinct") else "null"
        seen = f"count(DISTINCT {value}) + sum(CASE WHEN {value} IS NULL THEN 1 ELSE 0 END)"
        lines.append(f"WITH {', '.join(self.carried)}, {seen} AS seen")
        return [*lines, *self.only(f"seen > {self.value(count['more_than'])}", *self.guards(keys))]

    def admit(self, name: str, bound: dict[str, str]) -> list[str]:
        """Keep the rows in which the event of the step fits; each set of events once."""
        step, event = self.steps[name], self.variable[name]
        conditions = [
            f"{event}.seq <= a.seq", _alive(event), *self.inside(event),
            *self.recent(event, self.pattern.get("within")), *self.fits(step, event), *self.has_keys(step, event, bound),
        ]  # fmt: skip
        for variable, path in (step.get("key") or {}).items():
            bound.setdefault(variable, f"{event}.`record.{path}`")
        self.carried.append(event)
        return [f"WITH DISTINCT {', '.join(self.carried)} WHERE " + "\n  AND ".join(conditions)]

    def only(self, *conditions: str) -> list[str]:
        return ["WITH * WHERE " + "\n  AND ".join(conditions)] if conditions else []

    # --- order

    def before(self, name: str) -> list[str]:
        """Lines that bind the step's variable to every event before the event of the step it leads to."""
        event, later = self.variable[name], self.variable[self.steps[name]["then"]]
        if self.relation == "log":
            return [f"MATCH ({event}:OracleEvent {{case: a.case}}) WHERE {event}.seq < {later}.seq"]
        cuts = self.sanitizers(name)
        if self.relation == "causal":
            types = f"{_HAPPENED_BEFORE}|STORED" if self.scope == "data" else _HAPPENED_BEFORE
            return [self.walk(later, types, event, cuts)]
        # Unknown parents mean everything that happened before, all the way back (rule R6).
        clean = "".join(f" AND NOT ({cut('x')})" for cut in cuts)
        return [
            f"CALL (a, {later}) {{",
            f"  {self.walk(later, _FED, event, cuts)} RETURN {event}",
            "  UNION",
            f"  WITH {later} AS x WHERE NOT x.parents_known",
            f"  {self.walk('x', _HAPPENED_BEFORE, event, cuts)} RETURN {event}",
            "  UNION",
            f"  {self.walk(later, _FED, 'x', cuts)} WITH DISTINCT x WHERE NOT x.parents_known{clean}",
            f"  {self.walk('x', _HAPPENED_BEFORE, event, cuts)} RETURN {event}",
            "}",
        ]

    def walk(self, start: str, types: str, end: str, cuts: list[_Cut]) -> str:
        """A MATCH of every event with a path to `start`; no sanitizer strictly inside (rule R15).

        The plain form is answered by one breadth-first search; SHORTEST keeps that so where events or edges
        on the way have conditions. A store edge holds between events that still count (rule R23).
        """
        conditions = [f"(m.seq = {start}.seq OR NOT ({cut('m')}))" for cut in cuts]
        if "STORED" in types:
            conditions.append(f"(type(r) <> 'STORED' OR ({_alive('m')} AND {_alive('n')}))")
        if not conditions:
            return f"MATCH ({start})<-[:{types}*1..]-({end}:OracleEvent)"
        return f"MATCH SHORTEST 1 ({start}) ((m)<-[r:{types}]-(n) WHERE {' AND '.join(conditions)})+ ({end}:OracleEvent)"

    def sanitizers(self, name: str) -> list[_Cut]:
        """What cuts the paths that leave the step (rule R15)."""
        feeding = [self.steps[step] for step in self._subtree(name)]
        entries = [
            entry
            for entry in self.pattern.get("sanitized_by") or ()
            if any(_cannot_hold_without(step, entry.get("removes")) for step in feeding)
        ]
        return [_Cut(self, entry) for entry in entries]

    def _subtree(self, name: str) -> list[str]:
        found = [name]
        for other, step in self.steps.items():
            if step.get("then") == name:
                found += self._subtree(other)
        return found

    # --- scope, time, keys

    def inside(self, event: str) -> list[str]:
        """In the scope instance of the judged action (rule R22)."""
        if self.scope == "data":
            return []
        if self.scope == "session":
            return [f"{event}.session = a.session"]
        return (
            [f"who IN {event}.principals"]
            if self.any_of
            else [f"{event}.{self.principal} = a.{self.principal}"]
        )

    def recent(self, event: str, within: str | None) -> list[str]:
        """Not longer ago than that. In a scope instance no time is later than that of `a` (rule R2)."""
        if within is None:
            return []
        return [f"a.at_ms - {event}.at_ms <= {self.value(int(within[:-1]) * _UNIT_MS[within[-1]])}"]

    def has_keys(self, step: Record, event: str, bound: dict[str, str]) -> list[str]:
        """The key values are there, and equal to those that other steps have bound (rules R18, R19)."""
        return [
            f"{event}.`record.{path}` = {bound[variable]}"
            if variable in bound
            else f"{event}.`record.{path}` IS NOT NULL"
            for variable, path in (step.get("key") or {}).items()
        ]

    # --- guards and what else a match must be

    def distinct(self) -> list[str]:
        names = [self.variable[name] for name in self.pattern.get("distinct") or ()]
        return [f"{one}.seq <> {other}.seq" for one in names for other in names if one < other]

    def resets(self, bound: dict[str, str]) -> list[str]:
        """No `without` event lies strictly between the ends of its edge (rule R16)."""
        lines = []
        for entry in self.pattern.get("without") or ():
            first, last = (self.variable[name] for name in entry["between"])
            conditions = [
                f"{first}.seq < g.seq", f"g.seq < {last}.seq", _counts("g"),
                *self.inside("g"), *self.fits(entry, "g"), *self.guard_keys(entry, "g", bound),
            ]  # fmt: skip
            lines.append(_none_of(conditions))
        return lines

    def guards(self, bound: dict[str, str]) -> list[str]:
        """No `unless` entry holds at the action (rule R14)."""
        lines = []
        for entry in self.pattern.get("unless") or ():
            by = entry.get("by") or ("same" if self.scope == "session" else "other")
            whose = {"same": self.inside("g"), "other": ["NOT g.root IN a.principals"], "anyone": []}[by]
            keys = self.guard_keys(entry, "g", bound)
            if keys:
                approved = self.approved(entry, bound)
                keys = [f"((NOT g.approval AND {' AND '.join(keys)}) OR (g.approval AND {approved}))"]
            conditions = ["g.seq < a.seq", _counts("g"), *whose, *self.recent("g", entry.get("within"))]
            lines.append(_none_of([*conditions, *self.fits(entry, "g"), *keys]))
        return lines

    def guard_keys(self, entry: Record, event: str, bound: dict[str, str]) -> list[str]:
        """Equal values; a variable that no step binds equals nothing."""
        return [
            f"{event}.`record.{path}` = {bound[variable]}" if variable in bound else "false"
            for variable, path in (entry.get("key") or {}).items()
        ]

    def approved(self, entry: Record, bound: dict[str, str]) -> str:
        """An approval's key values are those of the request it approved, by any step that this one fits."""
        wanted = set(entry["key"])
        ways = []
        for step in self.steps.values():
            if wanted <= set(step.get("key") or {}) and wanted <= set(bound):
                same = {variable: bound[variable] for variable in wanted}
                ways.append(" AND ".join([*self.fits(step, "e"), *self.has_keys(step, "e", same)]))
        return f"EXISTS {{ MATCH (g)-[:REVIEWED]->(e) WHERE {' OR '.join(f'({way})' for way in ways) or 'false'} }}"

    # --- conditions

    def fits(self, condition: Record, event: str) -> list[str]:
        """The condition of a step, guard, reset or sanitizer, without its key (rules R20, R21)."""
        unknown = set(condition) - _CONDITION_KEYS
        if unknown:
            message = f"the Cypher oracle does not know the condition `{min(unknown)}`"
            raise ValueError(message)
        held = [f"{event}.labels", self.resource_labels(condition, event), _REPORTED.replace("EVENT", event)]
        resource, subject = condition.get("resource") or {}, condition.get("subject") or {}
        found: list[str] = []
        if "action" in condition:
            found.append(self.like(f"{event}.name", condition["action"]))
        if "effects" in condition:
            found.append(
                f"any(each IN {self.value(_listed(condition['effects']))} WHERE each IN {event}.effects)"
            )
        if "labels" in condition:
            found += self.labelled(" + ".join(held), condition["labels"])
        found += [self.like(f"{event}.subject_kind", subject["kind"])] if "kind" in subject else []
        found += [self.like(f"{event}.subject", subject["id"])] if "id" in subject else []
        if subject.get("group"):
            groups = self.value([name.removeprefix("group:") for name in _listed(subject["group"])])
            found.append(
                f"EXISTS {{ MATCH (:OracleNode {{case: a.case, key: 'identity:' + {event}.subject}})"
                f"-[:MEMBER_OF*1..]->(x:OracleNode) WHERE x.id IN {groups} }}"
            )
        found += [self.like(f"{event}.resource_type", resource["type"])] if "type" in resource else []
        found += [self.like(f"{event}.resource_id", resource["id"])] if "id" in resource else []
        if "tier" in resource:
            found.append(f"coalesce({event}.resource_tier IN {self.value(_listed(resource['tier']))}, false)")
        if "labels" in resource:
            found += self.labelled(self.resource_labels(condition, event), resource["labels"])
        if "argument" in condition:
            found.append(self.argument(condition["argument"], event))
        if "destination" in condition:
            found.append(_destination(condition["destination"], event))
        return found

    def like(self, text: str, globs: object) -> str:
        """Whether the text fits one of the wildcards; `*` and `?` are the only ones (rule R20)."""
        return f"any(each IN {self.value([_regex(glob) for glob in _listed(globs)])} WHERE {text} =~ each)"

    def labelled(self, held: str, condition: object) -> list[str]:
        wanted = condition if isinstance(condition, dict) else {"any": condition}
        how = {
            "any": "any(each IN {} WHERE each IN {})",
            "all": "all(each IN {} WHERE each IN {})",
            "none": "none(each IN {} WHERE each IN {})",
        }
        return [
            form.format(self.value(_listed(wanted[name])), held)
            for name, form in how.items()
            if _listed(wanted.get(name))
        ]

    def resource_labels(self, condition: Record, event: str) -> str:
        """The labels of the resource then, or with `at: completion` those that it has at `a`."""
        if condition.get("at") is None:
            return f"{event}.resource_labels"
        return (
            f"head(COLLECT {{ MATCH (l:OracleLabels {{case: a.case, resource: {event}.resource}})"
            " WHERE l.since <= a.seq RETURN l.labels ORDER BY l.since DESC, l.place DESC LIMIT 1 })"
        )

    def argument(self, condition: Record, event: str) -> str:
        facts = _listed(condition.get("fact"))
        for short in _listed(condition.get("from")):
            facts += _ARGUMENT_SHORTHAND[short]
        # Arguments are stored as `role=fact`; a role holds no `=`.
        told = self.value([re.escape(condition["role"]) + "=" + _regex(fact) for fact in facts])
        return f"any(each IN {told} WHERE any(y IN {event}.arguments WHERE y =~ each))"


class _Cut:
    """One sanitizer; called with a variable it says when that event is one that cuts."""

    def __init__(self, writer: _Writer, entry: Record) -> None:
        self.writer, self.entry = writer, entry

    def __call__(self, event: str) -> str:
        return " AND ".join([_counts(event), *self.writer.fits(self.entry, event)])


def _counts(event: str) -> str:
    """In the history as of `a` (rules R9, R10)."""
    return f"({event}.permitted AND a.seq < {event}.until)"


def _alive(event: str) -> str:
    """In the history as of `a`, or `a` itself."""
    return f"({event}.seq = a.seq OR {_counts(event)})"


# Labels that a report had added when `a` was judged (rule R11).
_REPORTED = (
    "[i IN range(0, size(EVENT.reported) - 1) WHERE EVENT.reported_since[i] <= a.seq | EVENT.reported[i]]"
)

_WHO = "MATCH (i:OracleNode {case: a.case}) WHERE i.person IN EVENT.principals"
_OWNED = f"EXISTS {{ {_WHO} MATCH (i)-[:OWNS]->(o:OracleNode) WHERE t IN o.names }}"
_KNOWN = f"EXISTS {{ {_WHO} MATCH (i)-[:MEMBER_OF*0..]->()-[:KNOWS]->(o:OracleNode) WHERE t IN o.names }}"


def _destination(standing: str, event: str) -> str:
    """The worst standing among all destinations; none named is unknown."""
    if standing == "owned":
        text = f"size(EVENT.destinations) > 0 AND all(t IN EVENT.destinations WHERE {_OWNED})"
    elif standing == "known":
        text = f"size(EVENT.destinations) > 0 AND all(t IN EVENT.destinations WHERE {_OWNED} OR {_KNOWN})"
    else:
        text = (
            f"size(EVENT.destinations) = 0 OR any(t IN EVENT.destinations WHERE NOT ({_OWNED} OR {_KNOWN}))"
        )
    return f"({text.replace('EVENT', event)})"


def _none_of(conditions: list[str]) -> str:
    return "NOT EXISTS { MATCH (g:OracleEvent {case: a.case}) WHERE " + "\n  AND ".join(conditions) + " }"


def _cannot_hold_without(step: Record, removed: object) -> bool:
    """Whether the step needs a label that the sanitizer removes (rule R15)."""
    if removed is None:
        return True
    wanted = step.get("labels") or {}
    wanted = wanted if isinstance(wanted, dict) else {"any": wanted}
    gone = set(_listed(removed))
    alternatives = set(_listed(wanted.get("any")))
    return any(label in gone for label in _listed(wanted.get("all"))) or bool(
        alternatives and not alternatives - gone
    )


def _regex(glob: str) -> str:
    """A Java regular expression for the whole text."""
    return "(?s)" + "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in glob)


def _listed(value: object) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
