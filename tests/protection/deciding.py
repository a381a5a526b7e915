"""A service with people in it who review, publish and declare emergencies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from graphsvc.core.graph import Edge, Node
from graphsvc.decide.command import Caller
from graphsvc.decide.trying import PublishRules
from graphsvc.store.memory import open_memory
from tests.service.harness import ADMIN, Harness, serving

__all__ = ["DANA", "EVE", "HEAD", "MAX", "PATTERN", "approver", "asked"]

HEAD = """
graphsvc: 1
pack: {id: bank, version: "%s"}
settings: {entitlement: "off"%s}
actions:
  "bank:Pay": {effects: [pay], shown: [to, note]}
  "bank:Read": {effects: [read]}
"""
PATTERN = """
patterns:
  - {id: pay, on_match: escalate, steps: {a: {action: "bank:Pay"}}}
"""
PEOPLE = {"dana": "security", "eve": "security", "max": "managers", "pat": "on-call", "pat2": "none"}


def approver(name: str, *roles: str) -> Caller:
    return Caller(subject=name, roles=frozenset(roles or ("approver",)))


DANA, EVE, MAX = approver("dana"), approver("eve"), approver("max")


@asynccontextmanager
async def asked(
    *parts: str, settings: str = "", rules: PublishRules | None = None, publisher: Caller = ADMIN
) -> AsyncIterator[Harness]:
    """parts: sections of the pack behind its head. settings: more of its settings, beginning with a comma."""
    store = await open_memory()
    async with serving(store, rules=rules) as harness:
        text = HEAD % ("1", settings) + "".join(parts or (PATTERN,))
        if rules is None:
            await harness.service.publish_policy(publisher, [(text, "bank.yaml")], "")
        nodes = [Node(key=f"identity:{name}", fields={"kind": "human"}) for name in PEOPLE]
        nodes += [Node(key=f"group:{name}") for name in {*PEOPLE.values()}]
        nodes += [
            Node(key="identity:bot", fields={"kind": "agent"}),
            Node(key="resource:account:gold", tier="crown"),
            Node(key="resource:account:tin", tier="low"),
        ]
        edges = [
            Edge(type="MEMBER_OF", start=f"identity:{name}", end=f"group:{group}")
            for name, group in PEOPLE.items()
        ]
        edges.append(Edge(type="LINKED_TO", start="identity:pat", end="identity:pat2"))
        await harness.service.load_graph(ADMIN, "people", nodes, edges, replace=True)
        yield harness
    await store.close()
