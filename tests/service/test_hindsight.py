"""Earlier states: rights, evaluations and what a path hung on, as of a revision, whatever was changed since."""

from __future__ import annotations

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.core.verdict import Verdict
from graphsvc.decide.keeper import Keeper
from graphsvc.decide.past import Past
from graphsvc.errors import BadInput, NotAllowed, Overloaded
from graphsvc.store.memory import open_memory
from tests.service.harness import ADMIN, GATEWAY, Harness, serving

pytestmark = pytest.mark.anyio
GRANT = ("GRANTED", "identity:bot", "permission:all")


async def _change(harness: Harness, *edges: tuple[str, str, str]) -> None:
    """The estate with other edges in place of the bot's grant."""
    nodes = [
        Node(key="identity:bot", fields={"kind": "agent", "autonomous": True}),
        Node(key="identity:alice", fields={"kind": "human"}),
        Node(key="group:bots"),
        Node(key="permission:all", fields={"actions": ["*"], "resources": ["*"], "effect": "allow"}),
        Node(key="resource:record:42", labels=("sensitive",)),
    ]
    links = [Edge(type=kind, start=start, end=end) for kind, start, end in edges]
    await harness.service.load_graph(ADMIN, "test", nodes, links, replace=True)


async def _complete(harness: Harness) -> str:
    """The trifecta, denied; the id of its last decision."""
    await harness.act("mail:Read")
    await harness.act("crm:Read", "record:42")
    answer = await harness.act("mail:Send", "mailbox:alice", to="eve@example.org")
    assert answer.verdict is Verdict.DENY
    return answer.decision.request.id


async def test_a_path_hangs_on_the_grants_of_its_time() -> None:
    """After the graph has changed, each step still names the edge that it was allowed by."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        await _change(
            harness, ("MEMBER_OF", "identity:bot", "group:bots"), ("GRANTED", "group:bots", "permission:all")
        )
        await harness.act("crm:Read", "record:42")
        answer = await harness.act("mail:Send", "mailbox:alice", to="eve@example.org")
        assert answer.verdict is Verdict.DENY
        await _change(harness)
        (found,) = await harness.service.hindsight.counterfactuals(answer.decision.request.id)
        singles = {step.step: step.single for step in found.steps}
        assert singles["untrusted"] == (GRANT,)
        assert singles["private"] == (
            ("MEMBER_OF", "identity:bot", "group:bots"),
            ("GRANTED", "group:bots", "permission:all"),
        )
        assert singles["private"] == singles["out"]
        assert len(found.repair) == 1
        assert len(found.earlier) == 2


async def test_without_a_counterfactual_grant_the_match_is_gone() -> None:
    """The same actions, judged anew without one of the edges named, complete nothing: M12 over the service."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        decision = await _complete(harness)
        (found,) = await harness.service.hindsight.counterfactuals(decision)
        assert GRANT in found.single
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await _change(harness)
        await harness.act("mail:Read")
        await harness.act("crm:Read", "record:42")
        last = await harness.act("mail:Send", "mailbox:alice", to="eve@example.org")
        assert last.decision.completions == ()


async def _with_grants(harness: Harness, *identities: str) -> list[str]:
    """The estate in which only situational grants let anybody send; their ids."""
    await harness.prepare()
    nodes = [
        Node(key="identity:bot", fields={"kind": "agent", "autonomous": True}),
        Node(key="identity:alice", fields={"kind": "human"}),
        Node(key="permission:read", fields={"actions": ["*:Read"], "resources": ["*"], "effect": "allow"}),
        Node(key="resource:record:42", labels=("sensitive",)),
    ]
    edges = [
        Edge(type="GRANTED", start="identity:bot", end="permission:read"),
        Edge(type="GRANTED", start="identity:alice", end="permission:read"),
        Edge(type="ACTS_FOR", start="identity:bot", end="identity:alice"),
    ]
    await harness.service.load_graph(ADMIN, "test", nodes, edges, replace=True)
    return [(await _given(harness, each)) for each in identities]


async def _given(harness: Harness, identity: str) -> str:
    answer = await harness.service.grant(
        ADMIN, identity=identity, actions=["mail:Send"], resources=["*"], chain=None, uses=None, purpose="once",
        expires_ms=harness.clock.now_ms + 3_600_000, not_before_ms=None,
    )  # fmt: skip
    return answer.grant.id


async def _complete_for(harness: Harness, *on_behalf_of: str) -> str:
    await harness.act("mail:Read", on_behalf_of=on_behalf_of)
    await harness.act("crm:Read", "record:42", on_behalf_of=on_behalf_of)
    answer = await harness.act("mail:Send", "mailbox:alice", on_behalf_of=on_behalf_of, to="eve@example.org")
    assert [each.pattern for each in answer.decision.completions] == ["trifecta"]
    return answer.decision.request.id


async def test_a_denied_step_names_the_situational_grant_of_each_party() -> None:
    """The agent's and the principal's; edges of the graph count for the steps that they allowed only."""
    async with serving(await open_memory()) as harness:
        given = await _with_grants(harness, "bot", "alice")
        (found,) = await harness.service.hindsight.counterfactuals(await _complete_for(harness, "alice"))
        assert [each.grant for each in found.steps if each.step == "out"] == given
        assert set(found.grants) == set(given)
        assert all(each.grant is None and each.single for each in found.steps if each.step != "out")


async def test_of_two_grants_that_cover_a_step_neither_is_counterfactual() -> None:
    """Without either of them the other lets the action through all the same."""
    async with serving(await open_memory()) as harness:
        given = await _with_grants(harness, "bot", "bot")
        (found,) = await harness.service.hindsight.counterfactuals(await _complete_for(harness))
        assert found.grants == ()
        await harness.service.revoke_grant(ADMIN, given[0], "one is enough")
        decision = await _complete_for(harness)
        (found,) = await harness.service.hindsight.counterfactuals(decision)
        assert found.grants == (given[1],)


@pytest.mark.parametrize("restarted", [False, True])
async def test_rights_as_of_a_revision(restarted: bool) -> None:
    """What an identity could do then, by the log; after a restart too, from a snapshot or without."""
    store = await open_memory()
    async with serving(store, keeper=Keeper(store, at_stop=1)) as harness:
        await harness.prepare()
        before = harness.service.world.seq
        await _change(harness)
        after = harness.service.world.seq
    async with serving(store, name="b", keeper=await _kept(Keeper(store)) if restarted else None) as harness:
        asked = harness.service.hindsight.rights

        async def allowed(seq: int) -> bool:
            view = await asked(
                "bot", seq, action="mail:Read", resource="resource:mailbox:x", after=None, limit=5
            )
            assert view is not None
            assert view.checked is not None
            return view.checked.allowed

        assert await allowed(before) is True
        assert await allowed(after) is False
        assert await allowed(before) is True


async def test_an_evaluation_as_of_a_revision_knows_the_chains_of_then() -> None:
    """Before the private read the send was allowed, after it it is not; an enforcement point may not ask."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        before = harness.service.world.seq
        await harness.act("crm:Read", "record:42")
        after = harness.service.world.seq
        await _change(harness)
        command = harness.command("mail:Send", "mailbox:alice", properties={"to": "eve@example.org"})
        ask = harness.service.hindsight.evaluate
        assert (await ask(ADMIN, command.request, before, "r")).verdict is Verdict.PERMIT
        then = await ask(ADMIN, command.request, after, "r")
        assert [each.pattern for each in then.completions] == ["trifecta"]
        with pytest.raises(NotAllowed, match="asOf"):
            await ask(GATEWAY, command.request, before, "r")


async def test_a_past_that_costs_too_much_is_refused_and_says_so() -> None:
    """Numbers outside the log, and more records than may be read, are errors that name the argument."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        for _ in range(6):
            await harness.act("mail:Read")
        service = harness.service
        with pytest.raises(BadInput, match="asOf: the log has no record 999"):
            await service.hindsight.rights("bot", 999, action=None, resource=None, after=None, limit=5)
        bounded = Past(service.store, service.world, service._read_events, most_records=3)
        with pytest.raises(Overloaded, match=r"asOf: \d+ records were read"):
            await bounded.world_at(service.world.seq - 1)


async def _kept(keeper: Keeper) -> Keeper:
    await keeper.restore()
    return keeper
