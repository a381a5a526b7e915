"""Cases that others wrote: decisions and searches of the AuthZEN interoperability events."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from graphsvc.core.graph import Edge, Node
from tests.api.authzen_fixture import Door
from tests.api.served import served
from tests.service.harness import ADMIN

pytestmark = [pytest.mark.anyio, pytest.mark.real_data]

# The rule of the Todo scenario that is no plain permission: editors change only what is theirs.
_TODO_PACK = """
graphsvc: 1
pack: {id: todo, version: "1"}
settings: {entitlement: required}
patterns:
  - id: editors-own
    title: Editors change only their own items
    severity: medium
    on_match: deny
    steps:
      change:
        action: [can_update_todo, can_delete_todo]
        subject: {group: editor}
        when: 'resource.properties.ownerID != subject.id'
"""
_ROLES = {
    "rick@the-citadel.com": "admin",
    "morty@the-citadel.com": "editor",
    "summer@the-smiths.com": "editor",
    "beth@the-smiths.com": "viewer",
    "jerry@the-smiths.com": "viewer",
}
_LOOK = ["can_read_user", "can_read_todos"]
_CHANGE = ["can_create_todo", "can_update_todo", "can_delete_todo"]


def _cases(folder: Path, name: str) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads((folder / "authzen" / name).read_text())["evaluation"]
    assert cases
    return cases


def _permission(key: str, actions: list[str], on: list[str]) -> tuple[Node, list[Edge]]:
    node = Node(key=f"permission:{key}", fields={"actions": list(actions), "effect": "allow"})
    return node, [Edge(type="ON", start=node.key, end=end) for end in on]


async def _todo(door: Door, folder: Path) -> None:
    """Users with the names they go by in either file, their roles, and the items with their owners."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    aliases: dict[str, list[str]] = {}
    for case in _cases(folder, "todo-decisions-00.json"):
        subject = case["request"]["subject"]
        aliases.setdefault(subject["id"], []).append(subject["identity"])
    for user, role in _ROLES.items():
        names = sorted(set(aliases[user]))
        nodes.append(Node(key=f"identity:{user}", fields={"kind": "human", "aliases": list(names)}))
        edges.append(Edge(type="MEMBER_OF", start=f"identity:{user}", end=f"group:{role}"))
    for role, actions in (("admin", _LOOK + _CHANGE), ("editor", _LOOK + _CHANGE), ("viewer", _LOOK)):
        nodes.append(Node(key=f"group:{role}"))
        nodes.append(
            Node(
                key=f"permission:{role}",
                fields={"actions": list(actions), "resources": ["*"], "effect": "allow"},
            )
        )
        edges.append(Edge(type="GRANTED", start=f"group:{role}", end=f"permission:{role}"))
    owners: dict[str, str] = {}
    for case in _cases(folder, "todo-decisions-00.json"):
        resource = case["request"]["resource"]
        if "ownerID" in resource:
            owners[resource["id"]] = resource["ownerID"]
    nodes += [
        Node(key=f"resource:todo:{item}", properties={"ownerID": owner}) for item, owner in owners.items()
    ]
    await door.service.harness.service.publish_policy(ADMIN, [(_TODO_PACK, "todo.yaml")], "")
    await door.load(nodes, edges, source="todo")


@pytest.mark.parametrize("name", ["todo-decisions-00.json", "todo-decisions-01.json"])
async def test_todo_decisions(name: str, real_data: Path) -> None:
    """All forty decisions of the Todo scenario, singly and as one batch, bare."""
    cases = _cases(real_data, name)
    assert len(cases) == 40
    expected = [{"decision": case["expected"]} for case in cases]
    async with served() as service:
        door = Door(service)
        await _todo(door, real_data)
        singly = [(await door.post("evaluation", case["request"])).body for case in cases]
        assert singly == expected
        batch = await door.post("evaluations", {"evaluations": [case["request"] for case in cases]})
        assert batch.body == {"evaluations": expected}


async def test_search_subjects(real_data: Path) -> None:
    """All sixty subject searches, exactly.

    The rules as the scenario tells them: managers view everything, others their department's and their own; owners
    and the managers of its department edit; owners delete.
    """
    users = json.loads((real_data / "authzen" / "search-users.json").read_text())
    records = json.loads((real_data / "authzen" / "search-records.json").read_text())
    keys = {record["id"]: f"resource:record:{record['id']}" for record in records}
    nodes = [Node(key=f"identity:{user['id']}", fields={"kind": "human"}) for user in users]
    nodes += [Node(key=key) for key in keys.values()]
    edges: list[Edge] = []
    for user in users:
        name, department = user["id"], user["department"]
        own = [keys[record["id"]] for record in records if record["owner"] == name]
        ours = [keys[record["id"]] for record in records if record["department"] == department]
        is_manager = user["role"] == "manager"
        given = {
            "view": list(keys.values()) if is_manager else own + ours,
            "edit": own + (ours if is_manager else []),
            "delete": own,
        }
        for action, on in given.items():
            permission, places = _permission(f"{name}-{action}", [action], on)
            nodes.append(permission)
            edges += [*places, Edge(type="GRANTED", start=f"identity:{name}", end=permission.key)]
    cases = _cases(real_data, "search-subject-results.json")
    assert len(cases) == 60
    async with served() as service:
        door = Door(service)
        # The scenario's subjects are these alone.
        await service.harness.service.remove_source(ADMIN, "test")
        await door.load(nodes, edges, source="records")
        for case in cases:
            answer = await door.post("search/subject", case["request"])
            assert answer.body == case["expected"], case["request"]
