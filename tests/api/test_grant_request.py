"""Rights asked for just in time, over a real port: client, roles, what each sees, and what can be watched."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from graphsvc.cli.main import app
from graphsvc.errors import Conflict, NotAllowed
from tests.api.served import PROTOCOL, request, served

pytestmark = pytest.mark.anyio
WISH: dict[str, Any] = {
    "actions": ["odd:*"],
    "resources": ["record:*"],
    "lasts": "30m",
    "purpose": "ticket 7",
}


async def test_a_gateway_asks_an_approver_gives_and_the_action_is_permitted() -> None:
    """Denied before, permitted by the grant after, with the bounds that were asked for."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        action = {**request("odd:Once", "record:1"), "subject": {"type": "human", "id": "mallory"}}
        assert not (await pep.decide(action)).permitted
        asked = await pep.request_grant("mallory", uses=1, **WISH)
        assert (asked.status, asked.requested_by) == ("OPEN", "gateway-1")
        assert [each.id for each in (await dana.grant_requests(status="OPEN")).requests] == [asked.id]
        given = await dana.approve_grant_request(asked.id, "fine")
        assert given.grant is not None
        assert (await pep.await_grant(asked.id, wait_s=5)).grant == given.grant
        assert (await pep.decide(action)).permitted
        assert not (await pep.decide(action)).permitted
        with pytest.raises(Conflict):
            await dana.reject_grant_request(asked.id, "no")


async def test_a_gateway_sees_its_own_requests_alone() -> None:
    """Another gateway finds nothing, and may give nothing; an auditor sees all and changes nothing."""
    async with (
        served() as service,
        service.client() as pep,
        service.client(subject="gateway-2") as other,
        service.client("auditor", subject="ann") as auditor,
    ):
        asked = await pep.request_grant("bot", **WISH)
        assert (await other.grant_requests()).requests == []
        assert [each.id for each in (await auditor.grant_requests()).requests] == [asked.id]
        for client, call in ((pep, "approve_grant_request"), (auditor, "withdraw_grant_request")):
            with pytest.raises(NotAllowed):
                await getattr(client, call)(asked.id, "why not")
        with pytest.raises(NotAllowed):
            await auditor.request_grant("bot", **WISH)


async def test_pages_of_requests_hold_every_one_once() -> None:
    """By two, newest first."""
    async with served() as service, service.client() as pep:
        for number in range(5):
            await pep.request_grant("bot", **{**WISH, "purpose": str(number)})
        found, cursor = [], None
        while True:
            page = await pep.grant_requests(first=2, after=cursor)
            found += [each.purpose for each in page.requests]
            cursor = page.cursor
            if cursor is None:
                break
        assert found == ["4", "3", "2", "1", "0"]


async def test_requests_can_be_watched() -> None:
    """Made and rejected, each as it is, by whoever may see them."""
    query = (
        "subscription { grantRequestUpdates { ... on GrantRequestUpdate { cursor request { id status } } } }"
    )
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
        service.http.ws_connect(f"{service.url}/graphql", protocols=(PROTOCOL,)) as socket,
    ):
        token = service.token("approver", subject="dana")
        await socket.send_json({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert (await socket.receive_json())["type"] == "connection_ack"
        await socket.send_json({"id": "1", "type": "subscribe", "payload": {"query": query}})
        await asyncio.sleep(0.3)
        asked = await pep.request_grant("bot", **WISH)
        await dana.reject_grant_request(asked.id, "no")
        items = [(await asyncio.wait_for(socket.receive_json(), 15))["payload"]["data"] for _ in range(2)]
    told = [item["grantRequestUpdates"]["request"] for item in items]
    assert {each["id"] for each in told} == {asked.id}
    assert told[-1]["status"] == "REJECTED"


async def test_the_command_line_asks_and_answers() -> None:
    """`grant ask`, `list` and `approve` say what the API says."""
    async with served() as service:
        own, dana = service.token("pep"), service.token("approver", subject="dana")

        async def told(*arguments: str, token: str) -> list[dict[str, Any]]:
            run = [*arguments, "--format", "json", "--server", service.url, "--token", token]
            ended = await asyncio.to_thread(CliRunner().invoke, app, ["grant", *run])
            assert ended.exit_code == 0, ended.output
            return list(json.loads(ended.stdout))

        scope = ("--action", "odd:*", "--resource", "record:*", "--for", "30m", "--purpose", "ticket 7")
        [asked] = await told("ask", "bot", *scope, token=own)
        assert await told("list", "--status", "OPEN", token=own) == [asked]
        [given] = await told("approve", asked["id"], "--reason", "fine", "--for", "5m", token=dana)
        assert (given["status"], given["lasts"]) == ("GRANTED", "30m")
        assert given["grant"]["purpose"] == "ticket 7"
        [ended] = await told("revoke", given["grant"]["id"], "--reason", "done", token=dana)
        assert (ended["grant"], ended["affectedChains"]) == (given["grant"]["id"], [])
        [bound] = await told("ask", "bot", *scope, "--session", "s1", token=own)
        assert bound["session"] == "session:s1"
