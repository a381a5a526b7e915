"""The kill switch over a real port: chains with what they spawned, sessions, actions, patterns."""

import asyncio
import json
from typing import Any

import pytest
from typer.testing import CliRunner

from graphsvc.cli.main import app
from graphsvc.core.verdict import Verdict
from graphsvc.errors import BadInput, Conflict, NotAllowed
from tests.api.served import SEND, request, served

pytestmark = pytest.mark.anyio


def _codes(decision: object) -> list[str]:
    return [reason.code for reason in decision.reasons]  # type: ignore[attr-defined]  # either client's decision


async def test_a_chain_stops_with_all_it_spawned() -> None:
    """The chain and its children, others not; reinstated they go on."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        await pep.decide(request())
        await pep.decide({**request(), "chain": "c2", "parentChain": "c1"})
        await dana.suspend("chain:c1", "odd", kind="chain")
        for chain in ("c1", "c2"):
            answer = await pep.decide(request(chain=chain))
            assert (answer.verdict, _codes(answer)) == (Verdict.DENY, ["chain_closed"])
            assert "chain `c1` is suspended" in answer.reasons[0].message
        assert (await pep.decide(request(chain="c9"))).permitted
        await dana.reinstate("c1", kind="chain")
        assert (await pep.decide(request(chain="c2"))).permitted


async def test_a_session_stops_until_a_time() -> None:
    """Every chain in it; after `until` it goes on by itself."""
    async with served() as service, service.client() as pep, service.client("analyst", subject="ana") as ana:
        await pep.decide({**request(), "session": "s1"})
        await ana.suspend("s1", "odd", kind="session", until="2026-09-21T16:00:00Z")
        assert _codes(await pep.decide(request())) == ["chain_closed"]
        assert _codes(await pep.decide({**request(chain="c2"), "session": "s1"})) == ["chain_closed"]
        assert (await pep.decide(request(chain="c3"))).permitted
        service.harness.clock.now_ms += 40 * 24 * 3_600_000
        assert (await pep.decide(request())).permitted


async def test_an_action_stops_for_everybody() -> None:
    """By a glob; other actions go on."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        await dana.suspend("crm:*", "leak", kind="action")
        answer = await pep.decide(request("crm:Read", "record:1"))
        assert (answer.verdict, _codes(answer)) == (Verdict.DENY, ["denied_explicitly"])
        assert (await pep.decide(request())).permitted
        await dana.reinstate("crm:*", kind="action")
        assert (await pep.decide(request("crm:Read", "record:1"))).permitted


async def test_nothing_comes_of_a_suspended_pattern() -> None:
    """It is completed and told, and the action is permitted; reinstated it stops the next."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        for chain in ("c1", "c2"):
            await pep.decide(request(chain=chain))
            await pep.decide(request("crm:Read", "record:1", chain=chain, labels=["sensitive"]))
        await dana.suspend("trifecta", "false alarms", kind="pattern")
        answer = await pep.decide(request(SEND))
        assert (answer.verdict, _codes(answer)) == (Verdict.PERMIT, ["observe_only"])
        assert [each.pattern.id for each in answer.completions] == ["trifecta"]
        await dana.reinstate("trifecta", kind="pattern")
        assert (await pep.decide(request(SEND, chain="c2"))).verdict is Verdict.DENY


async def test_who_may_and_what_must_be_there() -> None:
    """Analysts stop all but patterns; what is not there is told; an end needs a beginning."""
    async with served() as service, service.client() as pep, service.client("analyst", subject="ana") as ana:
        await pep.decide(request())
        with pytest.raises(NotAllowed, match="only an approver or admin"):
            await ana.suspend("trifecta", "x", kind="pattern")
        for kind in ("chain", "session"):
            with pytest.raises(BadInput, match=f"no {kind} `nothing`"):
                await ana.suspend("nothing", "x", kind=kind)
        with pytest.raises(BadInput, match="future"):
            await ana.suspend("c1", "x", kind="chain", until="2020-01-01T00:00:00Z")
        async with service.client("approver", subject="dana") as dana:
            with pytest.raises(BadInput, match="no pattern `nothing`"):
                await dana.suspend("nothing", "x", kind="pattern")
            with pytest.raises(Conflict, match="chain `c1` is not suspended"):
                await dana.reinstate("c1", kind="chain")


async def test_what_is_suspended_is_listed_with_who_why_and_until_when() -> None:
    """Newest first, of every kind; what was reinstated or is over is not, and an enforcement point may not look."""
    until = "2026-09-21T16:00:00Z"
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
        service.client("auditor", subject="ann") as ann,
    ):
        await pep.decide(request())
        await dana.suspend("bot", "odd")
        await dana.suspend("bot", "odder")
        await dana.suspend("c1", "look", kind="chain", until=until)
        await dana.suspend("bank:*", "leak", kind="action")
        await dana.suspend("c1", "stop", kind="session")
        await dana.reinstate("c1", kind="session")
        found = [
            (each.kind, each.id, each.reason, each.suspended_by, each.until)
            for each in await ann.suspensions()
        ]
        assert found == [
            ("action", "bank:*", "leak", "dana", None),
            ("chain", "chain:c1", "look", "dana", until),
            ("identity", "identity:bot", "odder", "dana", None),
        ]
        from graphsvc.core.snapshot import restore, snapshot

        world = service.harness.service.world
        assert restore(snapshot(world)).grants.told == world.grants.told
        service.harness.clock.now_ms += 40 * 24 * 3_600_000
        assert [each.kind for each in await ann.suspensions()] == ["action", "identity"]
        with pytest.raises(NotAllowed):
            await pep.suspensions()


async def test_the_command_line_stops_lists_and_lets_go_on() -> None:
    """`suspend`, `suspensions` and `reinstate` say and do what the API does."""
    async with served() as service:
        run = (
            "--format",
            "json",
            "--server",
            service.url,
            "--token",
            service.token("approver", subject="dana"),
        )

        async def told(*arguments: str) -> Any:
            ended = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, *run])
            assert ended.exit_code == 0, ended.output
            return json.loads(ended.stdout)

        stopped = await told(
            "suspend", "bank:*", "--kind", "action", "--reason", "leak", "--until", "2026-09-22T00:00:00Z"
        )
        [found] = await told("suspensions")
        assert (found["kind"], found["id"], found["until"]) == (
            "action",
            "bank:*",
            "2026-09-22T00:00:00Z",
        )
        assert stopped["revision"] == service.harness.service.revision()
        await told("reinstate", "bank:*", "--kind", "action")
        assert await told("suspensions") == []


async def test_a_suspension_is_drawn_and_kept() -> None:
    """In a snapshot and in the graph that people query."""
    async with (
        served() as service,
        service.client() as pep,
        service.client("approver", subject="dana") as dana,
    ):
        await pep.decide(request())
        await dana.suspend("c1", "odd", kind="chain")
        await dana.suspend("bank:*", "odd", kind="action")
        await service.drawn()
        from graphsvc.core.snapshot import restore, snapshot

        world = service.harness.service.world
        again = restore(snapshot(world))
        assert again.grants.halts.by_kind == {"chain": {"c1": None}, "action": {"bank:*": None}}
