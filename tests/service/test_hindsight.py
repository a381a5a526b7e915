"""Earlier states: rights, evaluations and what a path hung on, as of a revision, whatever was changed since."""

from __future__ import annotations

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Answer
from graphsvc.decide.keeper import Keeper
from graphsvc.decide.past import Past
from graphsvc.errors import BadInput, NotAllowed, Overloaded
from graphsvc.explore.counterfactual import Counterfactual
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


COMBINATION = """
graphsvc: 1
pack: {id: esc, version: "1"}
actions:
  "s3:Get": {effects: [read]}
patterns:
  - id: passrole
    on_match: deny
    rights:
      all_of:
        - {right: "iam:PassRole", on: "$role"}
        - {right: "lambda:Create"}
      where: 'service_can_assume("$role", "lambda.amazonaws.com")'
      gives: {assume: "$role"}
"""
CREATE = ("GRANTED", "identity:bot", "permission:create")
PASS = tuple(
    edge
    for group in ("a", "b")
    for edge in (
        ("MEMBER_OF", "identity:deployer", f"group:{group}"),
        ("GRANTED", f"group:{group}", "permission:pass"),
    )
)
READ = ("GRANTED", "identity:bot", "permission:read")
CREATES_TOO = ("GRANTED", "identity:deployer", "permission:create")


async def _combining(harness: Harness, *edges: tuple[str, str, str]) -> None:
    """An estate with these memberships and grants, where a file holds the deployer's credential."""
    await harness.service.publish_policy(ADMIN, [(COMBINATION, "esc.yaml")], "")
    nodes = [
        Node(key=f"identity:{name}", fields={"kind": "service"})
        for name in ("bot", "deployer", "boss", "lambda.amazonaws.com")
    ]
    nodes += [
        Node(key=f"permission:{name}", fields={"actions": [action], "resources": ["*"]})
        for name, action in (("create", "lambda:Create"), ("pass", "iam:PassRole"), ("read", "s3:Get"))
    ]
    nodes += [Node(key="group:a"), Node(key="group:b"), Node(key="resource:file:keys")]
    given = (
        ("CAN_ASSUME", "identity:lambda.amazonaws.com", "identity:boss"),
        ("HOLDS_CREDENTIAL", "resource:file:keys", "identity:deployer"),
    )
    links = [Edge(type=kind, start=start, end=end) for kind, start, end in (*edges, *given)]
    await harness.service.load_graph(ADMIN, "test", nodes, links, replace=True)


async def _read_keys(harness: Harness, *edges: tuple[str, str, str]) -> Answer:
    """The bot reads the deployer's credential there."""
    await _combining(harness, *edges)
    return await harness.act("s3:Get", "file:keys")


async def _hung_on(*edges: tuple[str, str, str]) -> Counterfactual:
    """What the completion hung on, asked after the graph has lost everything."""
    async with serving(await open_memory()) as harness:
        answer = await _read_keys(harness, *edges)
        assert [each.pattern for each in answer.decision.completions] == ["passrole"]
        await _change(harness)
        (found,) = await harness.service.hindsight.counterfactuals(answer.decision.request.id)
        return found


async def _completes(*edges: tuple[str, str, str]) -> bool:
    async with serving(await open_memory()) as harness:
        return (await _read_keys(harness, *edges)).decision.completions != ()


async def test_a_combination_names_the_grants_without_which_it_vanishes() -> None:
    """The action judged anew without an edge completes nothing exactly when that edge was named."""
    edges = (CREATE, READ, *PASS[:2])
    found = await _hung_on(*edges)
    for edge in edges:
        completes = await _completes(*(each for each in edges if each != edge))
        assert completes is (edge not in found.single), edge
    assert set(found.single) == {CREATE, *PASS[:2]}
    assert len(found.repair) == 1
    assert {(each.party, each.action_name) for each in found.steps} == {
        ("bot", "lambda:Create"),
        ("deployer", "iam:PassRole"),
    }


async def test_where_rights_are_held_in_several_ways_the_smallest_repair_takes_them_all() -> None:
    """One edge of each of two ways; fewer are not enough, and no edge alone is named."""
    edges = (CREATE, CREATES_TOO, READ, *PASS)
    found = await _hung_on(*edges)
    assert found.single == ()
    assert len(found.repair) == 2
    assert not await _completes(*(each for each in edges if each not in found.repair))
    for edge in found.repair:
        assert await _completes(*(each for each in edges if each != edge))


async def test_a_combination_names_situational_grants_and_the_actions_it_needed() -> None:
    """A right that only a situational grant gave hangs on it; so it does on the action that brought its holder."""
    async with serving(await open_memory()) as harness:
        await _combining(harness, READ, *PASS[:2])
        given = await harness.service.grant(
            ADMIN, identity="bot", actions=["lambda:Create"], resources=["*"], chain=None, uses=None, purpose="once",
            expires_ms=harness.clock.now_ms + 3_600_000, not_before_ms=None,
        )  # fmt: skip
        first = await harness.act("s3:Get", "file:notes")
        answer = await harness.act("s3:Get", "file:keys")
        assert [each.pattern for each in answer.decision.completions] == ["passrole"]
        (found,) = await harness.service.hindsight.counterfactuals(answer.decision.request.id)
        assert found.grants == (given.grant.id,)
        assert set(found.single) == set(PASS[:2])
        assert found.earlier == (first.decision.request.id,)


async def _with_grants(harness: Harness, *identities: str) -> list[str]:
    """The estate in which only situational grants let anybody send; their ids."""
    await harness.prepare()
    nodes = [
        Node(key="identity:bot", fields={"kind": "agent", "autonomous": True}),
        Node(key="identity:alice", fields={"kind": "human"}),
        Node(key="group:team"),
        Node(key="permission:read", fields={"actions": ["*:Read"], "resources": ["*"], "effect": "allow"}),
        Node(key="resource:record:42", labels=("sensitive",)),
    ]
    edges = [
        Edge(type="GRANTED", start="identity:bot", end="permission:read"),
        # Leads to no right: nothing hangs on it.
        Edge(type="MEMBER_OF", start="identity:bot", end="group:team"),
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
