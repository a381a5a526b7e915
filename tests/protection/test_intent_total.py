"""Totals of intents: what a chain and those it spawned may be about together."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.core.evaluate import decided
from graphsvc.core.intent import check_intent, wider
from graphsvc.core.intent_amount import spent_by
from graphsvc.core.rebuild import rebuild
from graphsvc.core.record import Cancelled, ChainOpened, PolicyPublished, Reported
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.value import Json
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.errors import BadInput
from tests.protection.deciding import asked
from tests.service.harness import GATEWAY

PACK = """
graphsvc: 1
pack: {id: p, version: "1"}
settings: {entitlement: "off"}
actions:
  "pay": {effects: [pay], arguments: {sum: amount}}
  "read": {effects: [read]}
intents:
  bills: {total: {max: 100, currency: EUR}}
"""
T0 = 1_790_000_000_000
TOTAL: dict[str, Json] = {"total": {"max": 100, "currency": "EUR"}}


class Told:
    """A world in which chains act one after the other."""

    def __init__(self, intent: dict[str, Json] | None = None) -> None:
        self.world = World()
        self.seq = 2
        self.world.apply(PolicyPublished(at_ms=T0, pack="p", version="1", sha256="", text=PACK), 1)
        self.world.apply(ChainOpened(at_ms=T0, chain="c", intent=intent or TOTAL), 2)

    def act(
        self, value: Json = None, *, chain: str = "c", parent: str | None = None, **more: Json
    ) -> Verdict:
        self.seq += 1
        properties: dict[str, Json] = {"currency": "EUR", **({} if value is None else {"sum": value}), **more}
        request = AccessRequest(
            id=f"a{self.seq}", chain=chain, parent_chain=parent, subject=Entity("agent", "bot"),
            action="pay" if value is not None else "read", action_properties=properties, resource=Entity("t", "r"),
        )  # fmt: skip
        evaluation = self.world.evaluate(request, T0 + self.seq, seq=self.seq)
        self.world.apply(decided(evaluation), self.seq, evaluation)
        return evaluation.verdict

    def cancel(self, action: str) -> None:
        self.seq += 1
        self.world.apply(Cancelled(at_ms=T0 + self.seq, action=action), self.seq)


def test_amounts_of_a_chain_come_together() -> None:
    """Permitted while the sum stays within; what was refused took nothing, and other actions go on."""
    told = Told()
    assert [told.act(60), told.act("40.000001"), told.act(40), told.act(0.01), told.act()] == [
        Verdict.PERMIT, Verdict.ESCALATE, Verdict.PERMIT, Verdict.ESCALATE, Verdict.PERMIT,
    ]  # fmt: skip


def test_spawned_chains_spend_of_the_same_total() -> None:
    """A child and its child take from what their root was given; an unrelated chain has its own."""
    told = Told()
    assert told.act(50, chain="child", parent="c") is Verdict.PERMIT
    assert told.act(40, chain="grandchild", parent="child") is Verdict.PERMIT
    assert told.act(20, chain="c") is Verdict.ESCALATE
    assert told.act(20, chain="other") is Verdict.PERMIT
    assert told.act(10, chain="c") is Verdict.PERMIT
    assert told.act(1, chain="grandchild") is Verdict.ESCALATE


def test_a_cancelled_action_gives_back_what_it_took() -> None:
    """The sum is free again, once, for its chain and those above it."""
    told = Told()
    assert told.act(100, chain="child", parent="c") is Verdict.PERMIT
    action = f"a{told.seq}"
    assert told.act(1) is Verdict.ESCALATE
    told.cancel(action)
    told.cancel(action)
    assert told.act(100) is Verdict.PERMIT
    assert told.act(1) is Verdict.ESCALATE


@pytest.mark.parametrize(("value", "currency"), [(-1, "EUR"), (1, "USD"), ("much", "EUR")])
def test_what_cannot_be_added_lies_outside(value: Json, currency: str) -> None:
    """Below zero, in another currency, or no amount."""
    assert Told().act(value, currency=currency) is Verdict.ESCALATE


def test_a_template_has_a_total_too() -> None:
    """It holds beside what the intent itself says."""
    told = Told({"template": "bills"})
    assert [told.act(100), told.act(1)] == [Verdict.PERMIT, Verdict.ESCALATE]


def test_a_total_is_checked_and_only_narrowed() -> None:
    """Malformed ones are refused by name; a greater one, or none, is wider."""
    for wrong in ({"max": -1}, {"most": 1}, 5):
        with pytest.raises(BadInput, match=r"intent\.total"):
            check_intent({"total": wrong})  # type: ignore[dict-item]  # as somebody may send it
    assert wider({"total": {"max": 50, "currency": "EUR"}}, TOTAL) is None
    others: list[dict[str, Json]] = [
        {"total": {"max": 101, "currency": "EUR"}}, {"total": {"max": 1}}, {},
    ]  # fmt: skip
    for more in others:
        assert wider(more, TOTAL) is not None


@given(
    st.lists(
        st.tuples(st.sampled_from(["c", "child", "other"]), st.integers(0, 80), st.booleans()), max_size=12
    )
)
def test_what_is_held_is_the_sum_of_what_was_permitted(acts: list[tuple[str, int, bool]]) -> None:
    """By an independent sum over history; after a rebuild, a late label and a snapshot too."""
    told = Told()
    sums = {"c": Decimal(0), "child": Decimal(0), "other": Decimal(0)}
    for chain, value, cancels in acts:
        verdict = told.act(value, chain=chain, parent="c" if chain == "child" else None)
        within = sums["c"] + value <= 100 if chain != "other" else True
        assert (verdict is Verdict.PERMIT) is within
        if not within:
            continue
        action = f"a{told.seq}"
        told.world.apply(
            Reported(at_ms=T0 + told.seq, action=action, outcome="SUCCESS", labels=("x",)), told.seq
        )
        if cancels:
            told.cancel(action)
            continue
        sums[chain] += value
        if chain == "child":
            sums["c"] += value
    for world in (told.world, restore(snapshot(told.world))):
        rebuild(world)
        assert {chain: Decimal(spent_by(chain, world.state)) / 1_000_000 for chain in sums} == sums


@pytest.mark.anyio
async def test_of_many_at_once_only_what_the_total_allows_is_permitted() -> None:
    """Twenty payments of ten in one batch, from two chains of one total of a hundred: ten are permitted."""
    async with asked("") as harness:
        await harness.service.open_chain(
            GATEWAY, "root", session=None, parent_chain=None, shared_with=(), intent={"total": {"max": 100}}
        )
        for chain in ("one", "two"):
            await harness.service.open_chain(
                GATEWAY, chain, session=None, parent_chain="root", shared_with=(), intent=None
            )
        answers = await asyncio.gather(
            *(
                harness.act("bank:Pay", chain=chain, amount=10, deadline_ms=600_000)
                for _ in range(10)
                for chain in ("one", "two")
            )
        )
        assert sum(each.verdict is Verdict.PERMIT for each in answers) == 10
