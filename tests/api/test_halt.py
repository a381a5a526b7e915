"""The kill switch over a real port: chains with what they spawned, sessions, actions, patterns."""

import pytest

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
