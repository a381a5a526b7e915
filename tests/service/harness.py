"""A service over a store, with a clock that tests move and short ways to ask."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from graphsvc.core.graph import Edge, Node
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json
from graphsvc.decide.command import Answer, Caller, DecideCommand
from graphsvc.decide.follower import Bell
from graphsvc.decide.keeper import Keeper
from graphsvc.decide.ports import Painter, Store
from graphsvc.decide.service import GraphsvcService
from graphsvc.decide.trying import PublishRules
from graphsvc.decide.values import StoreValues

GATEWAY = Caller(subject="gateway", roles=frozenset({"pep"}))
ADMIN = Caller(subject="admin", roles=frozenset({"admin"}))

PACK = """
graphsvc: 1
pack: {id: test, version: "1"}
settings: {entitlement: required}
actions:
  "mail:Read": {effects: [read], result: {labels: [untrusted]}}
  "crm:Read": {effects: [read]}
  "mail:Send": {effects: [send], arguments: {to: destination}}
  "erp:*": {effects: [write]}
patterns:
  - id: trifecta
    title: Untrusted and sensitive data leave together
    severity: critical
    on_match: deny
    steps:
      untrusted: {effects: [read], labels: {any: [untrusted]}, then: out}
      private: {effects: [read], labels: {any: [sensitive]}, then: out}
      out: {effects: [send], destination: unknown}
  - id: vendor-then-payment
    severity: high
    on_match: deny
    scope: principal
    within: 24h
    steps:
      create: {action: "erp:CreateVendor", key: {vendor: resource.id}}
      pay: {action: "erp:ApprovePayment", key: {vendor: context.vendor_id}}
"""


@dataclass
class Clock:
    """Time as the test sets it, Unix milliseconds."""

    now_ms: int = 1_790_000_000_000

    def __call__(self) -> int:
        return self.now_ms


@dataclass
class Harness:
    """A started service and what tests ask of it."""

    service: GraphsvcService
    clock: Clock
    name: str = "a"
    keys: itertools.count[int] = field(default_factory=itertools.count)

    async def act(
        self,
        action: str,
        resource: str = "mailbox:alice",
        *,
        chain: str = "c1",
        subject: str = "bot",
        on_behalf_of: tuple[str, ...] = (),
        key: str | None = None,
        caller: Caller = GATEWAY,
        context: dict[str, Json] | None = None,
        labels: tuple[str, ...] = (),
        deadline_ms: int | None = None,
        **properties: Json,
    ) -> Answer:
        """Decide one action."""
        self.clock.now_ms += 1000
        return await self.service.decide(
            caller,
            self.command(
                action,
                resource,
                chain,
                subject,
                on_behalf_of,
                key,
                context or {},
                labels,
                deadline_ms,
                properties,
            ),
        )

    def command(
        self,
        action: str,
        resource: str,
        chain: str = "c1",
        subject: str = "bot",
        on_behalf_of: tuple[str, ...] = (),
        key: str | None = None,
        context: dict[str, Json] | None = None,
        labels: tuple[str, ...] = (),
        deadline_ms: int | None = None,
        properties: dict[str, Json] | None = None,
    ) -> DecideCommand:
        """The command of one action."""
        resource_type, _, resource_id = resource.partition(":")
        request = AccessRequest(
            id="",
            chain=chain,
            subject=Entity("agent", subject),
            on_behalf_of=tuple(Entity("human", name) for name in on_behalf_of),
            action=action,
            action_properties=properties or {},
            resource=Entity(resource_type, resource_id),
            context=context or {},
            labels=labels,
        )
        return DecideCommand(
            key=key or f"key-{self.name}{next(self.keys)}", request=request, deadline_ms=deadline_ms
        )

    async def prepare(self) -> None:
        """Publish the test pack and load a small estate."""
        await self.service.publish_policy(ADMIN, [(PACK, "test.yaml")], "")
        nodes = [
            Node(key="identity:bot", fields={"kind": "agent", "autonomous": True}),
            Node(key="identity:alice", fields={"kind": "human"}),
            Node(key="identity:mallory", fields={"kind": "human"}),
            Node(key="permission:all", fields={"actions": ["*"], "resources": ["*"], "effect": "allow"}),
            Node(key="resource:record:42", labels=("sensitive",)),
        ]
        edges = [
            Edge(type="GRANTED", start="identity:bot", end="permission:all"),
            Edge(type="GRANTED", start="identity:alice", end="permission:all"),
            Edge(type="ACTS_FOR", start="identity:bot", end="identity:alice"),
        ]
        await self.service.load_graph(ADMIN, "test", nodes, edges, replace=True)


@asynccontextmanager
async def serving(
    store: Store,
    *,
    name: str = "a",
    clock: Clock | None = None,
    keeper: Keeper | None = None,
    shared: bool = False,
    bell: Bell | None = None,
    rules: PublishRules | None = None,
    store_values: StoreValues = "referenced",
    painter: Painter | None = None,
) -> AsyncIterator[Harness]:
    """A service over an open store; name: keeps the ids of replicas and restarts apart. keeper: of snapshots.

    shared, bell, rules, store_values, painter: as of `GraphsvcService`.
    """
    clock = clock or Clock()
    numbers = itertools.count(1)
    service = GraphsvcService(
        store,
        clock=clock,
        ids=lambda: f"{name}{next(numbers):06d}",
        keeper=keeper,
        shared=shared,
        bell=bell,
        rules=rules,
        store_values=store_values,
        painter=painter,
    )
    await service.start()
    try:
        yield Harness(service, clock, name)
    finally:
        await service.close()
