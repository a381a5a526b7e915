"""Lists page by page, from either end, and by what people look for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.served import SEND, Served, request, served

pytestmark = pytest.mark.anyio
PAGE = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } }"


async def _page(service: Served, field: str, *, role: str = "analyst", **arguments: Any) -> Any:
    given = ", ".join(f"{name}: {_literal(value)}" for name, value in arguments.items())
    text = f"({given})" if given else ""
    page = PAGE.replace("{ id }", "{ grant { id } }") if field == "grants" else PAGE
    answer = await service.post(f"{{ {field}{text} {{ {page} }} }}", role)
    return answer["data"][field] if answer.get("data") else answer["errors"][0]


def _literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_literal(each)}" for name, each in value.items()) + "}"
    if not isinstance(value, str):
        return str(value)
    return value if value in {"PERMIT", "DENY", "ESCALATE"} else f'"{value}"'


def _ids(page: Any) -> list[str]:
    nodes = [edge["node"] for edge in page["edges"]]
    return [node.get("grant", node)["id"] for node in nodes]


async def _walk(service: Served, field: str, *, backward: bool, size: int, **more: Any) -> list[str]:
    """All ids, page by page from one end to the other, in the list's order."""
    found: list[str] = []
    cursor: str | None = None
    for _ in range(20):
        if backward:
            page = await _page(service, field, last=size, **({"before": cursor} if cursor else {}), **more)
            found = _ids(page) + found
            cursor, goes_on = page["pageInfo"]["startCursor"], page["pageInfo"]["hasPreviousPage"]
        else:
            page = await _page(service, field, first=size, **({"after": cursor} if cursor else {}), **more)
            found += _ids(page)
            cursor, goes_on = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        if not goes_on:
            return found
    raise AssertionError("the list has no end")


@pytest.mark.parametrize("field", ["decisions", "chains", "identities", "resources", "grants", "reviews"])
async def test_both_ways_show_the_same_list(field: str) -> None:
    """Page by page from the start and from the end, whatever the size: every entry once, in one order."""
    async with served() as service, service.client() as pep, service.client("approver") as boss:
        for number in range(7):
            await pep.decide({**request(chain=f"c{number}"), "intent": {"actions": []}})
            await boss.grant(
                "bot",
                actions=["x:*"],
                resources=["record:*"],
                expires_at="2027-01-01T00:00:00Z",
                purpose=f"{number}",
            )
        await service.drawn()
        whole = _ids(await _page(service, field, first=100))
        assert len(whole) >= 1
        for size in (1, 2, 3, 100):
            assert await _walk(service, field, backward=False, size=size) == whole
            assert await _walk(service, field, backward=True, size=size) == whole


async def test_a_page_lies_between_two_cursors() -> None:
    """`after` and `before` together cut out a part; first and last together are refused, and sizes have limits."""
    async with served() as service, service.client() as pep:
        for number in range(6):
            await pep.decide(request(chain=f"c{number}"))
        await service.drawn()
        whole = await _page(service, "decisions", first=10)
        cursors = [edge["cursor"] for edge in whole["edges"]]
        part = await _page(service, "decisions", after=cursors[0], before=cursors[5])
        assert _ids(part) == _ids(whole)[1:5]
        end = await _page(service, "decisions", last=2, after=cursors[0], before=cursors[5])
        assert _ids(end) == _ids(whole)[3:5]
        for wrong, place in (
            ({"first": 1, "last": 1}, "last"),
            ({"last": 0}, "last"),
            ({"before": "x.1"}, "before"),
        ):
            assert (await _page(service, "decisions", **wrong))["extensions"]["field"] == place


async def test_decisions_are_found_by_what_people_look_for() -> None:
    """Subject, verdict, pattern, severity, time, chain and text, and several together."""
    async with served() as service, service.client() as pep:
        first = await pep.decide(request(chain="c1"))
        await pep.decide(request("crm:Read", "record:42", chain="c1"))
        denied = await pep.decide(request(SEND, chain="c1"))
        other = await pep.decide(request("crm:Read", "record:Mixed-7", chain="c2"))
        await service.drawn()
        assert denied.completions
        for given, expected in (
            ({"subject": "bot", "chain": "c2"}, [other.id]),
            ({"verdict": "DENY"}, [denied.id]),
            ({"pattern": "trifecta"}, [denied.id]),
            ({"minSeverity": "critical"}, [denied.id]),
            ({"minSeverity": "low"}, [denied.id]),
            ({"text": "mixed-7"}, [other.id]),
            ({"text": "leave together"}, [denied.id]),
            ({"text": "MAIL:READ"}, [denied.id, first.id]),
            ({"text": "nowhere"}, []),
            ({"from": "2099-01-01T00:00:00Z"}, []),
        ):
            assert _ids(await _page(service, "decisions", first=10, filter=given)) == expected, given
            assert _ids(await _page(service, "decisions", last=10, filter=given)) == expected, given
        assert "minSeverity" in (await _page(service, "decisions", filter={"minSeverity": "huge"}))["message"]


async def test_identities_are_found_by_kind_status_and_text() -> None:
    """Every condition given holds."""
    async with served() as service:
        assert _ids(await _page(service, "identities", filter={"kind": "human"})) == [
            "identity:alice",
            "identity:mallory",
        ]
        assert _ids(await _page(service, "identities", filter={"text": "ALI"})) == ["identity:alice"]
        assert _ids(await _page(service, "identities", filter={"kind": "human", "status": "suspended"})) == []


async def test_rows_are_read_once_for_a_request() -> None:
    """However often a document names a decision or a chain, the store is asked for it once."""
    async with served() as service, service.client() as pep:
        await pep.decide(request(chain="c1"))
        await service.drawn()
        history, asked = service.harness.service.store, []
        original = history.chain

        async def counted(name: str) -> Any:
            asked.append(name)
            return await original(name)

        history.chain = counted  # type: ignore[assignment, method-assign]
        query = '{ a: chain(id: "c1") { id } b: chain(id: "chain:c1") { id } nodes(ids: ["chain:c1", "chain:c1"]) { id } }'
        answer = (await service.post(query, "analyst"))["data"]
        assert answer["a"] == answer["b"] == answer["nodes"][0] == answer["nodes"][1] == {"id": "chain:c1"}
        assert asked == ["c1"]
