"""Rights and distances in Cypher, over facts as they are written: run by a real Neo4j, they share no code with ours."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from neo4j import Session

from tests.rights.definition import Statement, World

_COVERS = """
  any(a IN s.actions WHERE action =~ a) AND none(a IN s.except_actions WHERE action =~ a)
  AND none(g IN s.except_resources WHERE any(p IN places WHERE substring(p.key, 9) =~ g))
  AND (any(g IN s.resources WHERE any(p IN places WHERE substring(p.key, 9) =~ g))
       OR EXISTS { MATCH (s)-[:ON]->(q) WHERE q IN places })
"""
_JUDGED = f"""
CALL (i) {{ MATCH (i)-[:MEMBER_OF|HAS_ROLE|INHERITS*0..14]->(h) RETURN collect(DISTINCT h) AS holders }}
CALL (r) {{ MATCH (p)-[:CONTAINS*0..14]->(r) RETURN collect(DISTINCT p) AS places }}
CALL (holders, places, action) {{
  UNWIND holders AS h MATCH (h)-[:GRANTED]->(s:Statement) WHERE {_COVERS}
  RETURN collect(DISTINCT [s.deny, s.conditional]) AS answers
}}
CALL (holders, places, action) {{
  UNWIND holders AS h MATCH (h)-[c:CAPPED_BY]->(s)
  WITH places, action, c.level AS level, collect(DISTINCT s) AS caps
  WITH level, [s IN caps WHERE s:Statement AND {_COVERS}] AS covering
  RETURN collect([any(s IN covering WHERE s.deny),
                  any(s IN covering WHERE NOT s.deny AND NOT s.conditional)]) AS levels
}}
WITH i, r, action, none(a IN answers WHERE a[0]) AND any(a IN answers WHERE NOT a[0] AND NOT a[1])
  AND none(l IN levels WHERE l[0] OR NOT l[1]) AS allowed
"""
_RIGHT = f"""
MATCH (i:Fact {{key: $identity}}), (r:Fact {{key: $resource}}) WITH i, r, $action AS action {_JUDGED}
RETURN allowed
"""
# Everything that anybody may, to be asked of in rules.
_MAY = f"""
MATCH (i:Fact), (r:Fact) WHERE i.key STARTS WITH 'identity:' AND r.key STARTS WITH 'resource:'
UNWIND $actions AS action
WITH i, r, action {_JUDGED}
WITH i, r, action WHERE allowed CREATE (i)-[:MAY {{action: action}}]->(r)
"""
# What an identity may become or touch in one hop; of permissions that simply allow.
_HOPS = (
    (
        "MATCH (i:Fact) WHERE i.key STARTS WITH 'identity:' "
        "MATCH (i)-[:MEMBER_OF|HAS_ROLE|INHERITS*0..14]->()-[:CAN_ASSUME]->(t) MERGE (i)-[:HOP]->(t)"
    ),
    "MATCH (r:Fact)-[:HOLDS_CREDENTIAL|RUNS_AS]->(t) MERGE (r)-[:HOP]->(t)",
    (
        "MATCH (r:Fact) WHERE r.key STARTS WITH 'resource:' "
        "AND (r.tier IS NOT NULL OR EXISTS { (r)-[:HOLDS_CREDENTIAL|RUNS_AS]->() }) "
        "MATCH (p)-[:CONTAINS*0..14]->(r) WITH r, collect(DISTINCT p) AS places "
        "MATCH (i:Fact) WHERE i.key STARTS WITH 'identity:' "
        "MATCH (i)-[:MEMBER_OF|HAS_ROLE|INHERITS*0..14]->()-[:GRANTED]->(s:Statement) "
        "WHERE EXISTS { MATCH (s)-[:ON]->(q) WHERE q IN places } OR (s.everywhere AND s.everything) "
        "OR any(g IN CASE WHEN s.everywhere THEN s.literal ELSE s.resources END "
        "       WHERE any(p IN places WHERE substring(p.key, 9) =~ g)) "
        "MERGE (i)-[:HOP]->(r)"
    ),
)
_NEAREST = (
    "MATCH (i:Fact {key: $identity}), (r:Fact {tier: $tier}) "
    "MATCH w = shortestPath((i)-[:HOP*1..14]->(r)) RETURN min(length(w)) AS hops"
)


class CypherOracle:
    """Facts of one world."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def load(
        self,
        world: World,
        nodes: Iterable[str],
        tiers: Mapping[str, str | None],
        imagined: Mapping[str, str] | None = None,
    ) -> None:
        """Draw the facts, each as it is written; those of an earlier world go. imagined: resources that are only spoken of."""
        self._session.run("MATCH (n:Fact) DETACH DELETE n").consume()
        keys = {*nodes, *(end for _, start, stop in world.links for end in (start, stop))}
        keys |= {f"permission:{name}" for name in world.statements}
        self._session.run(
            "UNWIND $rows AS row CREATE (:Fact {key: row[0], tier: row[1]})",
            rows=[[key, tiers.get(key)] for key in sorted(keys)],
        ).consume()
        self._session.run(
            "UNWIND $rows AS row CREATE (:Fact {key: row[0], imagined: row[1]})",
            rows=[[key, why] for key, why in (imagined or {}).items() if key not in keys],
        ).consume()
        self._session.run(
            "UNWIND $rows AS row MATCH (n:Fact {key: row.key}) SET n:Statement, n += row",
            rows=[_row(each) for each in world.statements.values()],
        ).consume()
        for kind in sorted({kind for kind, _, _ in world.links}):
            self._session.run(
                f"UNWIND $rows AS row MATCH (a:Fact {{key: row[0]}}), (b:Fact {{key: row[1]}}) "
                f"CREATE (a)-[:{kind} {{level: row[2]}}]->(b)",
                rows=[
                    [start, end, level] for (each, start, end), level in world.links.items() if each == kind
                ],
            ).consume()

    def allowed(self, identity: str, action: str, resource: str) -> bool:
        """Whether it may, with nothing known of the request: a condition holds of denials, and of nothing else."""
        values = {"identity": identity, "action": action, "resource": resource}
        found = self._session.run(_RIGHT, values).single(strict=True)
        return bool(found["allowed"])

    def judge(self, actions: Iterable[str]) -> None:
        """Draw who may do what."""
        self._session.run(_MAY, actions=list(actions)).consume()

    def hop(self) -> None:
        """Draw what leads where."""
        for query in _HOPS:
            self._session.run(query).consume()

    def hops(self, identity: str, tier: str) -> int | None:
        """To the nearest resource of a tier."""
        hops: int | None = self._session.run(_NEAREST, identity=identity, tier=tier).single(strict=True)[
            "hops"
        ]
        return hops


def _row(statement: Statement) -> dict[str, Any]:
    fold = "(?i)" if statement.fold else ""
    return {
        "key": f"permission:{statement.name}",
        "deny": statement.deny,
        "conditional": statement.condition is not None,
        "actions": [fold + _regex(glob) for glob in statement.actions],
        "except_actions": [fold + _regex(glob) for glob in statement.except_actions],
        "resources": list(map(_regex, statement.resources)),
        "except_resources": list(map(_regex, statement.except_resources)),
        "everywhere": "*" in statement.resources,
        "everything": "*" in statement.actions,
        "literal": [_regex(glob) for glob in statement.resources if not {"*", "?"} & set(glob)],
    }


def _regex(glob: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in glob)
