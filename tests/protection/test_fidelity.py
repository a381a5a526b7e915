"""What was decided with trials, caps, quorums, narrower approvals and emergencies replays to the stored answers."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from graphsvc.cli.comparison import stored_differences
from graphsvc.cli.pack import PackChoice
from graphsvc.cli.replayer import Replayer
from graphsvc.core.record import Decided, Record
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.trace import TraceAction, item_from_record, to_trace_records
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from tests.protection.deciding import DANA, EVE, HEAD, PATTERN, asked
from tests.service.harness import ADMIN, GATEWAY, Harness

pytestmark = pytest.mark.anyio

RULES = (
    PATTERN
    + """
  - {id: read, on_match: deny, levels: [{on_match: monitor, subject: {id: eve}}], steps: {a: {action: "bank:Read"}}}
reviews: [{resource: {tier: crown}, quorum: 2}]
break_glass: {subject: {group: on-call}}
"""
)
DRAFT = HEAD % ("2", "") + "patterns: [{id: other, on_match: deny, steps: {a: {action: 'bank:Look'}}}]\n"


async def lived(harness: Harness) -> list[tuple[int, Record]]:
    """A service in which everything of it happened; the records of its log."""
    service, desk = harness.service, harness.service.desk
    await desk.shadow(ADMIN, DRAFT.replace("id: bank", "id: more"), "more.yaml", 0.5, "")
    for number in range(12):
        await harness.act("bank:Look", chain=f"look-{number}")
    first = await harness.act("bank:Pay", "account:gold", amount=9)
    await service.approve_review(DANA, first.decision.request.id, "ok")
    await service.approve_review(EVE, first.decision.request.id, "ok, but less", None, {"amount": 4})
    command = harness.command("bank:Pay", "account:gold", properties={"amount": 4})
    again = await service.decide(
        GATEWAY, replace(command, request=replace(command.request, review=first.decision.request.id))
    )
    assert again.verdict is Verdict.PERMIT
    second = await harness.act("bank:Pay")
    await desk.withdraw_review(GATEWAY, second.decision.request.id, "no")
    await service.decide_many(
        GATEWAY, [harness.command("bank:Pay", "account:tin", f"m{n}") for n in range(5)]
    )
    await harness.act("bank:Read", subject="pat", chain="p")
    await desk.break_glass(GATEWAY, "pat", None, "down")
    gone = await harness.act("bank:Read", subject="pat", chain="p")
    await service.approve_review(DANA, gone.decision.request.id, "right")
    await harness.act("bank:Read", subject="eve", chain="e")
    return [each async for each in service._all_records(0)]


async def test_an_exported_trace_replays_to_the_stored_answers() -> None:
    """Verdict, what was enforced, completions and risk of every decision; each kind of settling happened."""
    async with asked(RULES, settings=", review_cap: {more_than: 3, within: 1h}") as harness:
        records = await lived(harness)
    decisions = [record for _, record in records if isinstance(record, Decided)]
    told = {reason.rule for each in decisions for reason in each.reasons}
    assert {"pay", "read", "review_cap"} <= told
    assert any(rule is not None and rule.startswith("glass:") for rule in told)
    assert {each.answered for each in decisions} == {*Verdict}
    assert {shadow.enforced for each in decisions for shadow in each.shadow} == {True, False}
    replayer, choice = Replayer(()), PackChoice(None)
    compared = 0
    for record in to_trace_records(records):
        item = item_from_record(record)
        if not choice.takes(item):
            continue
        evaluation = replayer.step(item)
        if isinstance(item, TraceAction):
            assert evaluation is not None
            assert item.stored is not None
            assert list(stored_differences(item.stored, evaluation)) == []
            compared += 1
    assert compared == len(decisions)


async def test_folding_the_log_gives_the_living_world() -> None:
    """From the first record, or from a snapshot in the middle and the rest: the same bytes."""
    async with asked(RULES, settings=", review_cap: {more_than: 3, within: 1h}") as harness:
        records = await lived(harness)
        await harness.service.wait_drawn()
        living = snapshot(harness.service.world)
    world = World()
    for seq, record in records:
        world.apply(record, seq)
        if seq % 9 == 0:
            world = restore(snapshot(world))
    again, living_parts = (msgspec.msgpack.decode(each) for each in (snapshot(world), living))
    # What is to be drawn is forgotten once it was.
    del again["redrawn"], living_parts["redrawn"]
    assert [name for name in again if again[name] != living_parts[name]] == []
