"""AuthZEN search: who, what and how, page by page."""

from typing import Any

import pytest

from graphsvc.core.graph import Edge, Node
from tests.api.authzen_fixture import ADMIN_BOB, ALICE, ARCHIVED, BOB, RECORD_1, Door, scenario
from tests.service.harness import ADMIN

pytestmark = pytest.mark.anyio
_READ, _WRITE = {"name": "read"}, {"name": "write"}
_SUBJECTS: dict[str, Any] = {"subject": {"type": "user"}, "action": _READ, "resource": RECORD_1}
_RESOURCES: dict[str, Any] = {"subject": ALICE, "action": _READ, "resource": {"type": "record"}}
_ACTIONS: dict[str, Any] = {"subject": ALICE, "resource": RECORD_1}
_BY_PATH = {"search/subject": _SUBJECTS, "search/resource": _RESOURCES, "search/action": _ACTIONS}


async def _found(door: Door, path: str, body: dict[str, Any]) -> list[str]:
    answer = await door.post(path, body)
    assert answer.status == 200, answer.body
    return [item.get("id", item.get("name")) for item in answer.body["results"]]


async def test_the_searches_of_the_scenario() -> None:
    """S1 to S6, with nothing beside the results; and each result evaluates to true."""
    cases: list[tuple[str, dict[str, Any], list[dict[str, str]]]] = [
        ("search/subject", _SUBJECTS, [ALICE, BOB]),
        ("search/resource", _RESOURCES, [{"type": "record", "id": "record-1"}, {"type": "record", "id": "record-2"}]),
        ("search/action", _ACTIONS, [{"name": "delete"}, {"name": "read"}, {"name": "write"}]),
        ("search/subject", {**_SUBJECTS, "action": _WRITE, "resource": ARCHIVED}, [BOB]),
        ("search/resource", {**_RESOURCES, "subject": ADMIN_BOB, "action": _WRITE}, [{"type": "record", "id": "record-2"}]),
        ("search/action", {"subject": ADMIN_BOB, "resource": ARCHIVED}, [{"name": "read"}, {"name": "write"}]),
    ]  # fmt: skip
    async with scenario() as door:
        # The scenario's bob is an admin; the certificate's requests of S4 do not say so, the graph does.
        await door.load([Node(key="identity:bob", properties={"role": "admin"})], [], source="roles")
        for path, body, expected in cases:
            answer = await door.post(path, body)
            assert (answer.status, answer.body) == (200, {"results": expected}), (path, body)
            kind = path.rpartition("/")[2]
            for result in answer.body["results"]:
                merged = {**body, kind: {**body.get(kind, {}), **result}}
                assert await door.decide(merged), merged


async def test_an_id_of_what_is_searched_is_ignored() -> None:
    """The id of the searched entity, and the action of an action search, change nothing."""
    async with scenario() as door:
        for path, body, kind in (
            ("search/subject", _SUBJECTS, "subject"),
            ("search/resource", _RESOURCES, "resource"),
        ):
            named = {**body, kind: {**body[kind], "id": "nobody"}, "context": {"time": "now"}, "foo": 1}
            assert await _found(door, path, named) == await _found(door, path, body)
        named = {**_ACTIONS, "action": {"name": "read"}}
        assert await _found(door, "search/action", named) == await _found(door, "search/action", _ACTIONS)


async def test_what_is_unknown_is_an_empty_answer() -> None:
    """Unknown ids and types are 200 with no results, never an error."""
    ghost = {"type": "user", "id": "nonexistent-user"}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("search/subject", {**_SUBJECTS, "subject": {"type": "spaceship"}}),
        ("search/subject", {**_SUBJECTS, "action": {"name": "teleport"}}),
        ("search/subject", {**_SUBJECTS, "resource": {"type": "planet", "id": "x"}}),
        ("search/resource", {**_RESOURCES, "subject": ghost}),
        ("search/resource", {**_RESOURCES, "resource": {"type": "spaceship"}}),
        ("search/resource", {**_RESOURCES, "resource": {"type": "urn:spaceship"}}),
        ("search/action", {**_ACTIONS, "subject": ghost}),
        ("search/action", {**_ACTIONS, "resource": {"type": "planet", "id": "x"}}),
    ]
    async with scenario() as door:
        for path, body in cases:
            answer = await door.post(path, body)
            assert (answer.status, answer.body) == (200, {"results": []}), (path, body)


@pytest.mark.parametrize(
    ("path", "change", "field"),
    [
        ("search/subject", {"action": None}, "action"),
        ("search/subject", {"subject": {}}, "subject.type"),
        ("search/subject", {"resource": {"type": "record"}}, "resource.id"),
        ("search/resource", {"subject": None}, "subject"),
        ("search/resource", {"subject": {"type": "user"}}, "subject.id"),
        ("search/action", {"resource": None}, "resource"),
        ("search/subject", {"page": 3}, "page"),
        ("search/subject", {"page": {"limit": 0}}, "page.limit"),
        ("search/subject", {"page": {"limit": "1"}}, "page.limit"),
        ("search/subject", {"page": {"token": "nonsense!"}}, "page.token"),
        ("search/subject", {"page": {"token": "AAAA"}}, "page.token"),
        ("search/subject", {"page": {"token": 7}}, "page.token"),
    ],
)
async def test_malformed_searches_are_400(path: str, change: dict[str, Any], field: str) -> None:
    """What is missing or mistyped is named."""
    async with scenario() as door:
        answer = await door.post(path, {**_BY_PATH[path], **change})
        assert (answer.status, answer.body["error"]["field"]) == (400, field)


async def _crowd(door: Door, size: int) -> list[str]:
    names = [f"u{number:04d}" for number in range(size)]
    nodes = [Node(key=f"identity:{name}", fields={"kind": "human"}) for name in names]
    nodes.append(
        Node(
            key="permission:crowd", fields={"actions": ["read"], "resources": ["record:*"], "effect": "allow"}
        )
    )
    edges = [Edge(type="GRANTED", start=f"identity:{name}", end="permission:crowd") for name in names]
    await door.load(nodes, edges, source="crowd")
    return names


async def test_pages_follow_each_other_to_the_end() -> None:
    """The token carries the limit: the next request need not repeat it; `next_token` is empty at the end only."""
    async with scenario() as door:
        expected = sorted(["alice", "bob", *await _crowd(door, 20)])
        seen: list[str] = []
        page: dict[str, Any] = {"limit": 5}
        while True:
            answer = await door.post("search/subject", {**_SUBJECTS, "page": page})
            assert list(answer.body) == ["page", "results"]
            told = answer.body["page"]
            assert told["count"] == len(answer.body["results"]) <= 5
            seen += [item["id"] for item in answer.body["results"]]
            if not told["next_token"]:
                break
            page = {"token": told["next_token"]}
        assert seen == expected
        # A page that is full exactly at the end says so at once, or with one empty page more, never with a gap.
        whole = await door.post("search/subject", {**_SUBJECTS, "page": {"limit": len(expected)}})
        assert [item["id"] for item in whole.body["results"]] == expected
        assert whole.body["page"]["next_token"] == ""
        # A limit beside the token wins over the one in it.
        first = await door.post("search/subject", {**_SUBJECTS, "page": {"limit": 2}})
        more = {**_SUBJECTS, "page": {"token": first.body["page"]["next_token"], "limit": 7}}
        assert len((await door.post("search/subject", more)).body["results"]) == 7


async def test_a_token_belongs_to_its_question() -> None:
    """Any change of the request between two pages is told, not answered."""
    async with scenario() as door:
        await _crowd(door, 5)
        first = await door.post("search/subject", {**_SUBJECTS, "page": {"limit": 2}})
        token = {"page": {"token": first.body["page"]["next_token"]}}
        changes: list[dict[str, Any]] = [
            {"action": _WRITE},
            {"resource": {"type": "record", "id": "record-2"}},
            {"subject": {"type": "person"}},
            {"subject": {"type": "user", "properties": {"x": 1}}},
            {"context": {"ip": "::1"}},
        ]
        for change in changes:
            answer = await door.post("search/subject", {**_SUBJECTS, **change, **token})
            assert (answer.status, answer.body["error"]["field"]) == (400, "page.token"), change
        assert (await door.post("search/action", {**_ACTIONS, **token})).status == 400
        assert (await door.post("search/subject", {**_SUBJECTS, **token})).status == 200


async def test_a_long_search_stops_and_says_where_to_go_on() -> None:
    """Nobody is left out however many were looked at in vain: an empty page may have a next one."""
    async with scenario() as door:
        names = [f"n{number:05d}" for number in range(5_200)]
        await door.load(
            [Node(key=f"identity:{name}", fields={"kind": "human"}) for name in names], [], source="n"
        )
        await door.load(
            [Node(key="identity:zoe", fields={"kind": "human"}),
             Node(key="permission:zoe", fields={"actions": ["fly"], "resources": ["record:*"], "effect": "allow"})],
            [Edge(type="GRANTED", start="identity:zoe", end="permission:zoe")],
            source="zoe",
        )  # fmt: skip
        body = {**_SUBJECTS, "action": {"name": "fly"}}
        first = await door.post("search/subject", body)
        assert first.body["results"] == []
        token = first.body["page"]["next_token"]
        assert token
        second = await door.post("search/subject", {**body, "page": {"token": token}})
        assert [item["id"] for item in second.body["results"]] == ["zoe"]
        assert second.body["page"]["next_token"] == ""


async def test_search_follows_groups_roles_and_containers() -> None:
    """Rights through groups, their roles and containers are found, and types are told apart."""
    nodes = [
        Node(key="identity:carol", properties={"type": "contractor"}),
        Node(key="identity:cron", fields={"kind": "service"}),
        Node(key="identity:somebody"),
        Node(key="group:staff"),
        Node(key="role:reader"),
        Node(key="permission:look", fields={"actions": ["look", "l*"], "effect": "allow"}),
        Node(key="resource:folder:top"),
        Node(key="resource:note:n1"),
        Node(key="resource:note:n2"),
    ]
    edges = [
        *(
            Edge(type="MEMBER_OF", start=f"identity:{name}", end="group:staff")
            for name in ("carol", "cron", "somebody")
        ),
        Edge(type="HAS_ROLE", start="group:staff", end="role:reader"),
        Edge(type="GRANTED", start="role:reader", end="permission:look"),
        Edge(type="ON", start="permission:look", end="resource:folder:top"),
        Edge(type="CONTAINS", start="resource:folder:top", end="resource:note:n1"),
    ]
    async with scenario() as door:
        await door.load(nodes, edges, source="nested")
        note = {"type": "note", "id": "n1"}
        for kind, expected in (
            ("contractor", ["carol"]), ("service", ["cron"]), ("user", ["somebody"]), ("agent", []),
            ("identity", ["carol", "cron", "somebody"]),
        ):  # fmt: skip
            body: dict[str, Any] = {"subject": {"type": kind}, "action": {"name": "look"}, "resource": note}
            assert await _found(door, "search/subject", body) == expected, kind
        carol = {"type": "contractor", "id": "carol"}
        body = {"subject": carol, "action": {"name": "look"}, "resource": {"type": "note"}}
        assert await _found(door, "search/resource", body) == ["n1"]
        assert await _found(door, "search/action", {"subject": carol, "resource": note}) == ["look"]


async def test_search_needs_its_scope() -> None:
    """A token of a pep without the scope `search` evaluates but does not search; an analyst needs no scope."""
    async with scenario() as door:
        for path, body in _BY_PATH.items():
            refused = await door.post(path, body, "pep", scopes=())
            assert (refused.status, refused.body["error"]["code"]) == (403, "not_allowed")
            assert "search" in refused.body["error"]["message"]
            assert (await door.post(path, body, "pep", scopes=("search",))).status == 200
            assert (await door.post(path, body, "analyst", scopes=())).status == 200
            assert (await door.post(path, body, "auditor")).status == 403


async def test_situational_grants_and_suspensions_count() -> None:
    """Who is granted for a while is found, who is suspended is not."""
    async with scenario() as door:
        service, clock = door.service.harness.service, door.service.harness.clock
        body = {**_SUBJECTS, "action": {"name": "audit"}}
        assert await _found(door, "search/subject", body) == []
        await service.grant(
            ADMIN, identity="bob", actions=["audit"], resources=["record:record-1"], expires_ms=clock() + 60_000,
            not_before_ms=None, uses=None, chain=None, purpose="yearly",
        )  # fmt: skip
        assert await _found(door, "search/subject", body) == ["bob"]
        assert "audit" in await _found(door, "search/action", {"subject": BOB, "resource": RECORD_1})
        await service.suspend(ADMIN, "bob", "left", None)
        assert await _found(door, "search/subject", body) == []
        assert await _found(door, "search/subject", _SUBJECTS) == ["alice"]
