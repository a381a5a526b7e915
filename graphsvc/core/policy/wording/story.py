"""What the keys of tests mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from graphsvc.core.policy.wording.says import Wording, says

__all__ = ["STORY"]

STORY: Final[Mapping[str, Wording]] = {
    # -- tests
    "TestEvent.tokens": says("Of a report: salted hashes of typed values in the result."),
    "PolicyTest.name": says("What the story is about.", "paying one's own vendor is denied"),
    "PolicyTest.entitlement": says("Instead of the packs' setting: `off`, `advisory`, `required`.", "off"),
    "PolicyTest.graph": says("The estate of the story.", {"grants": [["alice", "erp:*", "*"]]}),
    "PolicyTest.trace": says("What happens, in order."),
    "TestGraph.grants": says("Identity, action glob, resource glob.", [["alice", "erp:*", "*"]]),
    "TestGraph.nodes": says(
        "Nodes, as in graph files after `node`.", [{"type": "identity", "id": "alice", "kind": "human"}]
    ),
    "TestGraph.edges": says(
        "Edges, as in graph files after `edge`.",
        [{"type": "MEMBER_OF", "from": "identity:alice", "to": "group:pilots"}],
    ),
    "TestEvent.type": says(
        "`action` (default), or what becomes of an earlier one: `report`, `cancel`, `approve`."
    ),
    "TestEvent.id": says("How later records name this one.", "e1"),
    "TestEvent.of": says("The earlier action that a report, cancel or approval is about.", "e1"),
    "TestEvent.by": says("Who approves.", "dana"),
    "TestEvent.at": says("When, RFC 3339.", "2026-11-23T10:00:00Z"),
    "TestEvent.after": says("Time since the record before; a second if left out.", "10m"),
    "TestEvent.chain": says("The chain it belongs to.", "c1"),
    "TestEvent.session": says("The session of a chain's first action.", "s1"),
    "TestEvent.parent_chain": says("The chain that spawned this one, at its first action.", "c1"),
    "TestEvent.joins": says("Chains whose results flow in.", ["c2"]),
    "TestEvent.subject": says("Who acts: an id, or an entity with properties.", "alice"),
    "TestEvent.on_behalf_of": says("Delegators, nearest first.", ["alice"]),
    "TestEvent.action": says("What is done: a name, or an action with properties.", "mail:Read"),
    "TestEvent.resource": says("On what: an id, or an entity with type and properties.", "v-1"),
    "TestEvent.labels": says("Labels that the caller knows, or that a report tells.", ["untrusted"]),
    "TestEvent.parents": says("Actions whose results feed it; unknown if left out.", ["e1"]),
    "TestEvent.context": says("Attributes for conditions.", {"amount": 100}),
    "TestEvent.arguments": says(
        "Critical arguments with their facts.", [{"name": "to", "role": "destination", "fact": "clean"}]
    ),
    "TestEvent.intent": says("What the task is for.", {"actions": ["mail:*"]}),
    "TestEvent.outcome": says("Of a report: `success` (default), `failure`, `unknown`."),
    "TestEvent.review": says("The earlier action whose approval this one uses.", "e1"),
    "TestEvent.executed": says("False: permitted, but it never happened."),
    "TestEvent.expect": says("The verdict it must get; not checked if left out.", "DENY"),
    "TestEvent.completes": says(
        "Exactly the patterns it must complete; `[]` = none; not checked if left out.", ["lethal-trifecta"]
    ),
    "TestEvent.reasons": says("Exactly the codes of its reasons.", ["pattern_completed"]),
    "TestEntity.id": says("Its id.", "alice"),
    "TestEntity.type": says("Its type.", "mailbox"),
    "TestEntity.properties": says("Attributes for conditions and keys.", {"department": "sales"}),
    "TestAction.name": says("The action's name.", "mail:Send"),
    "TestAction.properties": says("Its arguments.", {"to": "stranger@example.org"}),
}
