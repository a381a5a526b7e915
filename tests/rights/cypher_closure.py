"""Combinations of rights in Cypher: each rule is one statement, and all are run until a round adds nothing."""

from __future__ import annotations

from collections.abc import Iterable

from neo4j import Session

from tests.rights.closure_definition import Found, RuleCase, Wanted, identities_in, telling, variables

__all__ = ["CypherClosure", "imagined"]

_FORGET = "MATCH (n) WHERE n:Gained OR n:Firing DETACH DELETE n"
_NOBODY = "MATCH (n:Held) REMOVE n:Held"
_HOLD = "MATCH (n:Fact) WHERE n.key IN $held SET n:Held"
_SIZE = "MATCH (n) WHERE n:Held OR n:Gained OR n:Firing RETURN count(n) AS size"
_FOUND = "MATCH (f:Firing) RETURN f.rule AS rule, f.binding AS binding, f.admin AS admin"
# A right on something is asked of the resource of that name, one on an identity of `identity:<id>`.
_PLACE = "CASE WHEN {0}.key STARTS WITH 'resource:' THEN {0}.key ELSE 'resource:' + {0}.key END"
_FUNCTIONS = {
    "runs_as": "EXISTS {{ ({0})-[:RUNS_AS]->({1}) }}",
    "trusts": "EXISTS {{ (:Fact {{key: 'identity:{1}'}})-[:CAN_ASSUME]->({0}) }}",
}
_FUNCTIONS["service_can_assume"] = _FUNCTIONS["trusts"]


def imagined(rules: Iterable[RuleCase], globs: Iterable[str], identities: Iterable[str]) -> dict[str, str]:
    """Resources that need not exist to be spoken of: key -> why. `any`: of a right that is held on anything."""
    names = {f"resource:{each.on}": "named" for rule in rules for each in rule.all_of if each.on is not None}
    names |= {f"resource:{key}": "identity" for key in identities}
    return names | {f"resource:{glob.replace('*', 'zz').replace('?', 'z')}": "any" for glob in globs}


class CypherClosure:
    """Closures over facts and rights that were drawn before, see `CypherOracle.judge`."""

    def __init__(self, session: Session, rules: Iterable[RuleCase]) -> None:
        self._session = session
        self._statements = [_statement(rule) for rule in rules]

    def of(self, held: Iterable[str]) -> Found:
        """What these identities come to."""
        for text in (_FORGET, _NOBODY):
            self._session.run(text).consume()
        self._session.run(_HOLD, held=list(held)).consume()
        before = -1
        while (size := self._session.run(_SIZE).single(strict=True)["size"]) != before:
            before = size
            for statement in self._statements:
                self._session.run(statement).consume()
        found = Found({row["key"] for row in self._session.run("MATCH (n:Held) RETURN n.key AS key")})
        for row in self._session.run(_FOUND):
            values = row["binding"]
            found.firings.add((row["rule"], tuple(zip(values[::2], values[1::2], strict=True))))
            found.admin = found.admin or row["admin"]
        return found


def _statement(rule: RuleCase) -> str:
    names, identities = variables(rule), identities_in(rule)
    asked = [
        f"{name}.key STARTS WITH '{'identity' if name in identities else 'resource'}:' AND {name}.imagined IS NULL"
        for name in names
    ]
    for negated, function, arguments in rule.where:
        text = _FUNCTIONS[function].format(*(each.removeprefix("$") for each in arguments))
        asked.append(f"NOT {text}" if negated else text)
    asked += [_holds(each) for each in rule.all_of]
    drawn = ", ".join(f"({name}:Fact)" for name in names)
    told = ", ".join(f"'{name}', {name}.key" for name in telling(rule))
    admin = "true" if rule.gives is not None and rule.gives[0] == "admin" else "false"
    return (
        f"{f'MATCH {drawn}' if names else 'UNWIND [1] AS one WITH one'} WHERE {' AND '.join(asked)} "
        f"MERGE (f:Firing {{rule: '{rule.name}', binding: [{told}]}}) SET f.admin = {admin} {_gives(rule)}"
    )


def _holds(wanted: Wanted) -> str:
    may = f"(:Held)-[:MAY {{action: '{wanted.action}'}}]->(p)"
    gained = f"'{wanted.action}' =~ g.action"
    if wanted.on is None:
        return (
            f"(EXISTS {{ MATCH {may} WHERE p.imagined IS NULL OR p.imagined = 'any' }} "
            f"OR EXISTS {{ MATCH (g:Gained) WHERE {gained} }})"
        )
    place = (
        _PLACE.format(wanted.on[1:]) if wanted.on.startswith("$") else f"'resource:{wanted.on}'"
    )  # of a glob: everything that it names
    return (
        f"(EXISTS {{ MATCH {may} WHERE p.key = {place} }} "
        f"OR EXISTS {{ MATCH (g:Gained) WHERE {gained} AND g.place IN ['everywhere', {place}] }})"
    )


def _gives(rule: RuleCase) -> str:
    if rule.gives is None or rule.gives[0] == "admin":
        return ""
    kind, right, on = rule.gives
    if kind == "assume":
        return f"SET {right[1:]}:Held"
    place = "'everywhere'" if on is None else f"'resource:{on}'"
    if on is not None and on.startswith("$"):
        place = _PLACE.format(on[1:])
    return f"MERGE (:Gained {{action: '{right.replace('*', '.*')}', place: {place}}})"
