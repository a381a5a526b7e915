"""Rights asked for just in time: who may ask, who may give, what is born, and what is refused."""

from __future__ import annotations

import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.verdict import Verdict
from graphsvc.decide.asking import GrantScope, GrantWish
from graphsvc.decide.command import Caller
from graphsvc.decide.grant_request import GrantRequestStatus, GrantRequestView
from graphsvc.errors import BadInput, Conflict, GrantRefused, NotAllowed
from tests.protection.deciding import DANA, EVE, HEAD, MAX, approver, asked
from tests.service.harness import ADMIN, GATEWAY, Harness

pytestmark = pytest.mark.anyio

MINUTE_MS = 60_000
ROUTES = """
reviews:
  - {resource: {tier: crown}, approvers: {group: security}, quorum: 2, expires: 10m}
  - {action: "bank:Pay", approvers: {group: managers}, deputies: {group: on-call}, after: 5m}
"""


async def ask(harness: Harness, caller: Caller = GATEWAY, **more: object) -> GrantRequestView:
    wish = {
        "identity": "bot", "actions": ("bank:Read",), "resources": ("account:tin",), "lasts_ms": 30 * MINUTE_MS,
        "purpose": "look at the statement", **more,
    }  # fmt: skip
    return await harness.service.grant_desk.ask(caller, GrantWish(**wish))  # type: ignore[arg-type]  # as they are given


async def read(harness: Harness, chain: str = "c1") -> Verdict:
    return (await harness.act("bank:Read", chain=chain, subject="bot", resource="account:tin")).verdict


async def test_a_grant_is_born_with_its_bounds() -> None:
    """Nothing before the approval; then it holds from that moment for as long as was asked, and ends by itself."""
    async with asked("") as harness:
        await harness.service.publish_policy(ADMIN, [(_required(), "bank.yaml")], "")
        waiting = await ask(harness, uses=2)
        assert waiting.status is GrantRequestStatus.OPEN
        assert await read(harness) is Verdict.DENY
        harness.clock.now_ms += 20 * MINUTE_MS
        view = await harness.service.grant_desk.approve(DANA, waiting.asked.id, "it is her job")
        grant = view.grant
        assert view.status is GrantRequestStatus.GRANTED
        assert grant is not None
        assert (grant.to_ms - grant.from_ms, grant.uses, grant.asked) == (30 * MINUTE_MS, 2, waiting.asked.id)
        assert grant.purpose == "look at the statement"
        assert [await read(harness) for _ in range(3)] == [Verdict.PERMIT, Verdict.PERMIT, Verdict.DENY]
        harness.clock.now_ms += 31 * MINUTE_MS
        assert await read(harness) is Verdict.DENY


async def test_whoever_has_a_part_in_it_cannot_give_it() -> None:
    """Neither who asked, nor who gets it, nor whom it acts for by word or by the graph, nor a linked account."""
    async with asked("") as harness:
        node = [Node(key="identity:bot", fields={"kind": "agent"})]
        acts = [Edge(type="ACTS_FOR", start="identity:bot", end="identity:pat")]
        await harness.service.load_graph(ADMIN, "agents", node, acts, replace=True)
        desk = harness.service.grant_desk
        own = await ask(harness, approver("max", "pep"))
        for person in (approver("max"), approver("bot"), approver("pat"), approver("pat2")):
            with pytest.raises(NotAllowed):
                await desk.approve(person, own.asked.id, "why not")
        told = await ask(harness, on_behalf_of=("eve",), purpose="another")
        with pytest.raises(NotAllowed):
            await desk.approve(EVE, told.asked.id, "for myself")
        assert (await desk.approve(DANA, own.asked.id, "fine")).status is GrantRequestStatus.GRANTED


async def test_a_request_is_routed_like_a_review() -> None:
    """By tier and action; two people where the route asks for two, deputies in time, and none for others."""
    async with asked(ROUTES) as harness:
        desk = harness.service.grant_desk
        gold = await ask(harness, resources=("account:gold",))
        assert (gold.quorum, gold.expires_ms - gold.asked.at_ms) == (2, 10 * MINUTE_MS)
        with pytest.raises(NotAllowed):
            await desk.approve(MAX, gold.asked.id, "I manage")
        view = await desk.approve(DANA, gold.asked.id, "first")
        assert (view.status, view.endorsed, view.grant) == (GrantRequestStatus.OPEN, ("dana",), None)
        with pytest.raises(Conflict):
            await desk.approve(DANA, gold.asked.id, "and second")
        assert (await desk.approve(EVE, gold.asked.id, "second")).grant is not None
        pay = await ask(harness, actions=("bank:P*",))
        with pytest.raises(NotAllowed):
            await desk.approve(approver("pat"), pay.asked.id, "too early")
        harness.clock.now_ms += 6 * MINUTE_MS
        assert (await desk.approve(approver("pat"), pay.asked.id, "deputy")).grant is not None


async def test_a_glob_is_routed_as_what_it_may_reach() -> None:
    """`account:*` may be gold, so it takes the route of the crown."""
    async with asked(ROUTES) as harness:
        assert (await ask(harness, resources=("account:*",))).quorum == 2
        assert (await ask(harness, resources=("mail:*",), purpose="mail")).quorum == 2
        assert (await ask(harness, resources=("account:tin",))).quorum == 1


async def test_less_can_be_given_and_never_more() -> None:
    """Each part of the approver's scope lies within what was asked for; the error names the one that does not."""
    async with asked("") as harness:
        desk = harness.service.grant_desk
        held = await ask(harness, actions=("bank:*",), uses=5)
        wider = {
            "scope.actions": GrantScope(actions=("*",)),
            "scope.resources": GrantScope(resources=("account:*",)),
            "scope.lasts": GrantScope(lasts_ms=31 * MINUTE_MS),
            "scope.uses": GrantScope(uses=6),
        }
        for field, scope in wider.items():
            with pytest.raises(BadInput) as told:
                await desk.approve(DANA, held.asked.id, "more", scope)
            assert told.value.field == field
        narrow = GrantScope(actions=("bank:Read",), lasts_ms=5 * MINUTE_MS, uses=1)
        grant = (await desk.approve(DANA, held.asked.id, "less", narrow)).grant
        assert grant is not None
        assert (grant.actions, grant.to_ms - grant.from_ms, grant.uses) == (("bank:Read",), 5 * MINUTE_MS, 1)


async def test_what_completes_a_combination_is_refused_and_named() -> None:
    """When it is asked for, and when it is given after the other right has come."""
    async with asked("") as harness:
        text = HEAD % ("2", "") + (
            "patterns:\n  - id: maker-checker\n    on_match: deny\n    rights: {all_of: [{right: 'bank:Make'},"
            " {right: 'bank:Check'}]}\n"
        )
        await harness.service.publish_policy(ADMIN, [(text, "bank.yaml")], "")
        desk = harness.service.grant_desk
        held = await ask(harness, actions=("bank:Check",), resources=("*",))
        await harness.service.grant(
            ADMIN, identity="bot", actions=["bank:Make"], resources=["*"], not_before_ms=None, uses=None, chain=None,
            expires_ms=harness.clock.now_ms + 90 * MINUTE_MS, purpose="make",
        )  # fmt: skip
        with pytest.raises(GrantRefused, match="maker-checker"):
            await desk.approve(DANA, held.asked.id, "fine")
        with pytest.raises(GrantRefused, match="maker-checker"):
            await ask(harness, actions=("bank:Check",), resources=("*",), purpose="again")
        view = desk.request(held.asked.id)
        assert view is not None
        assert view.status is GrantRequestStatus.OPEN


async def test_an_answer_is_the_last_word() -> None:
    """Rejected, withdrawn or expired requests are given by nobody; who neither asked nor approves sees none to withdraw."""
    async with asked("") as harness:
        desk = harness.service.grant_desk
        rejected, gone, late = [(await ask(harness, purpose=f"p{n}")).asked.id for n in range(3)]
        assert (await desk.reject(DANA, rejected, "no")).status is GrantRequestStatus.REJECTED
        with pytest.raises(BadInput):
            await desk.withdraw(Caller(subject="other", roles=frozenset({"pep"})), gone, "not mine")
        assert (await desk.withdraw(GATEWAY, gone, "not needed")).status is GrantRequestStatus.WITHDRAWN
        harness.clock.now_ms += 61 * MINUTE_MS
        view = desk.request(late)
        assert view is not None
        assert view.status is GrantRequestStatus.EXPIRED
        for request in (rejected, gone, late):
            with pytest.raises(Conflict):
                await desk.approve(DANA, request, "after all")


async def test_asking_again_asks_nobody_twice() -> None:
    """The very same request is one while it waits; another purpose is another; and a token has at most a hundred."""
    async with asked("") as harness:
        first = await ask(harness)
        assert (await ask(harness)).asked.id == first.asked.id
        assert (await ask(harness, purpose="else")).asked.id != first.asked.id
        for number in range(98):
            await ask(harness, purpose=f"p{number}")
        with pytest.raises(Conflict):
            await ask(harness, purpose="one too many")


async def test_a_token_asks_for_whom_it_may_speak_for() -> None:
    """An identity that is unknown, or not the token's to speak for, is refused and the field is named."""
    async with asked("") as harness:
        with pytest.raises(BadInput, match="nobody"):
            await ask(harness, identity="nobody")
        narrow = Caller(subject="gw", roles=frozenset({"pep"}), subjects=("web-*",))
        with pytest.raises(NotAllowed):
            await ask(harness, narrow)
        with pytest.raises(BadInput):
            await ask(harness, lasts_ms=31 * 24 * 60 * MINUTE_MS)


async def test_requests_survive_a_snapshot() -> None:
    """What waits and what was given is the same after a restart from a snapshot."""
    async with asked("") as harness:
        desk = harness.service.grant_desk
        await ask(harness, purpose="one")
        two = await ask(harness, purpose="two")
        await desk.approve(DANA, two.asked.id, "fine")
        world = harness.service.world
        other = restore(snapshot(world))
        assert other.governance.asked == world.governance.asked
        assert other.governance.settled == world.governance.settled
        assert other.grants.by_id == world.grants.by_id


def _required() -> str:
    return HEAD.replace('"off"', "required") % ("9", "")
