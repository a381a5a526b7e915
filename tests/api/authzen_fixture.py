"""The fixture of the AuthZEN certification scenario, and ways to ask."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from graphsvc.core.graph import Edge, Node
from tests.api.served import Served, served
from tests.service.harness import ADMIN

# Rules 1 to 4 are permissions, 5 and 6 and 8 conditions of the pack.
PACK = """
graphsvc: 1
pack: {id: scenario, version: "1"}
settings: {entitlement: required}
actions:
  "read": {effects: [read]}
  "write": {effects: [write]}
  "delete": {effects: [destroy]}
patterns:
  - id: archived-is-closed
    title: Nobody but an admin writes what is archived
    severity: high
    on_match: deny
    steps:
      write:
        action: write
        when: >-
          has(resource.properties.status) && resource.properties.status == "archived"
          && !(has(subject.properties.role) && subject.properties.role == "admin")
  - id: hard-delete
    title: Only soft deletes
    severity: high
    on_match: deny
    steps:
      delete: {action: delete, when: 'has(action.properties.soft) && action.properties.soft == false'}
  - id: export-needs-approval
    title: Exports are approved by people
    severity: medium
    on_match: escalate
    steps:
      export: {action: export}
"""

ALICE: dict[str, Any] = {"type": "user", "id": "alice"}
BOB: dict[str, Any] = {"type": "user", "id": "bob"}
RECORD_1: dict[str, Any] = {"type": "record", "id": "record-1"}
RECORD_2: dict[str, Any] = {"type": "record", "id": "record-2"}
ARCHIVED: dict[str, Any] = {**RECORD_2, "properties": {"status": "archived"}}
ADMIN_BOB: dict[str, Any] = {**BOB, "properties": {"role": "admin"}}


def asking(
    subject: Mapping[str, Any] = ALICE,
    action: str = "read",
    resource: Mapping[str, Any] = RECORD_1,
    **more: Any,
) -> dict[str, Any]:
    """An evaluation request."""
    return {"subject": subject, "action": {"name": action}, "resource": resource, **more}


@dataclass
class Answered:
    """An answer as it was on the wire. body: None when it was no JSON."""

    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Door:
    """Asks the AuthZEN routes of a service."""

    service: Served

    async def post(
        self,
        path: str,
        body: Any = None,
        *roles: str,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        scopes: tuple[str, ...] = ("search",),
        subject: str = "gateway-1",
    ) -> Answered:
        token = self.service.token(*roles, scopes=scopes, subject=subject)
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **(headers or {})}
        options: dict[str, Any] = {"json": body} if raw is None else {"data": io.BytesIO(raw)}
        url = f"{self.service.url}/access/v1/{path}"
        async with self.service.http.post(url, headers=sent, **options) as response:
            return await _answered(response)

    async def get(self, path: str, *roles: str, headers: Mapping[str, str] | None = None) -> Answered:
        sent = {"Authorization": f"Bearer {self.service.token(*roles)}"} if roles else {}
        async with self.service.http.get(
            self.service.url + path, headers={**sent, **(headers or {})}
        ) as response:
            return await _answered(response)

    async def decide(self, body: Any, **options: Any) -> bool:
        """The decision of one evaluation."""
        answer = await self.post("evaluation", body, **options)
        assert answer.status == 200, answer.body
        return bool(answer.body["decision"])

    async def load(self, nodes: list[Node], edges: list[Edge], source: str = "fixture") -> None:
        await self.service.harness.service.load_graph(ADMIN, source, nodes, edges, replace=True)


async def _answered(response: Any) -> Answered:
    is_json = "json" in response.headers.get("Content-Type", "")
    body = await response.json(content_type=None) if is_json else None
    return Answered(response.status, body, response.headers)


@asynccontextmanager
async def scenario(**options: Any) -> AsyncIterator[Door]:
    """A service that holds the fixture of the certification scenario."""
    async with served(**options) as service:
        await service.harness.service.publish_policy(ADMIN, [(PACK, "scenario.yaml")], "")
        # Nobody is there but the scenario's own.
        await service.harness.service.remove_source(ADMIN, "test")
        door = Door(service)
        await door.load(*fixture())
        yield door


def fixture() -> tuple[list[Node], list[Edge]]:
    """Alice and bob, two records, and who may what."""
    nodes = [
        Node(key="identity:alice", fields={"kind": "human"}),
        Node(key="identity:bob", fields={"kind": "human"}),
        Node(key="resource:record:record-1", properties={"status": "active"}),
        Node(key="resource:record:record-2", properties={"status": "archived"}),
    ]
    edges = []
    for who, actions, resources in (
        ("alice", ["read", "write", "delete", "export"], ["record:record-*"]),
        ("bob", ["read"], ["record:record-*"]),
        ("bob", ["write"], ["record:record-2"]),
    ):
        key = f"permission:{who}-{'-'.join(actions)}"
        nodes.append(
            Node(key=key, fields={"actions": list(actions), "resources": list(resources), "effect": "allow"})
        )
        edges.append(Edge(type="GRANTED", start=f"identity:{who}", end=key))
    return nodes, edges
