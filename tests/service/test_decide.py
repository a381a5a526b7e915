"""Decisions through the sequencer: recorded before answered, once per key, in one order."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from graphsvc.core.graph import Edge, Node
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.snapshot import snapshot
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.decide.command import Answer, Caller, DecideCommand
from graphsvc.decide.ports import Accepted, Draft, Entry, Refused
from graphsvc.errors import BadInput, Conflict, NotAllowed, PolicyError, StoreUnavailable
from graphsvc.store.memory import MemoryStore, open_memory
from tests.service.harness import ADMIN, GATEWAY, PACK, Clock, Harness, serving

pytestmark = pytest.mark.anyio


async def _trifecta(harness: Harness, chain: str = "c1") -> list[Verdict]:
    return [
        (await harness.act("mail:Read", chain=chain)).verdict,
        (await harness.act("crm:Read", "record:42", chain=chain)).verdict,
        (await harness.act("mail:Send", chain=chain, to="eve@example.org")).verdict,
    ]


async def test_the_completing_action_is_denied() -> None:
    """Each right is valid; the send that completes the path is stopped and the path is told."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        assert await _trifecta(harness) == [Verdict.PERMIT, Verdict.PERMIT, Verdict.DENY]
        record = list(harness.service.world.decided.values())[-1]
        assert [step.action_name for step in record.completions[0].path] == [
            "mail:Read",
            "crm:Read",
            "mail:Send",
        ]
        assert "unknown destination" in record.completions[0].explanation
        assert record.risk.after_micros > record.risk.before_micros > 0


async def test_default_deny() -> None:
    """Unknown subjects and actions without a right are denied with a reason code."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        unknown = await harness.act("mail:Read", subject="nobody", chain="c2")
        no_right = await harness.act("mail:Read", subject="mallory", chain="c3")
        assert [reason.code for reason in unknown.decision.reasons] == [ReasonCode.subject_unknown]
        assert [reason.code for reason in no_right.decision.reasons] == [ReasonCode.not_entitled]


async def test_delegation_is_an_intersection() -> None:
    """An agent may do for somebody only what both may, and only for those it acts for."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        assert (await harness.act("crm:Read", on_behalf_of=("alice",))).verdict is Verdict.PERMIT
        refused = await harness.act("crm:Read", on_behalf_of=("mallory",), chain="c2")
        codes = {reason.code for reason in refused.decision.reasons}
        assert codes == {ReasonCode.not_delegated, ReasonCode.not_entitled}


async def test_same_key_gives_the_same_answer() -> None:
    """A key answers once; the same key for another request is a conflict."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        first = await harness.act("crm:Read", key="k")
        again = await harness.act("crm:Read", key="k")
        assert again.replayed
        assert again.decision == first.decision
        assert again.revision == first.revision
        with pytest.raises(Conflict):
            await harness.act("mail:Read", key="k")
        other = Caller(subject="other", roles=frozenset({"pep"}))
        assert not (await harness.act("crm:Read", key="k", chain="c9", caller=other)).replayed


async def test_same_key_in_one_batch_is_judged_once() -> None:
    """Duplicates that arrive together are one action."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        answers = await asyncio.gather(*(harness.act("crm:Read", key="dup") for _ in range(5)))
        assert len({answer.decision.request.id for answer in answers}) == 1
        assert sum(not answer.replayed for answer in answers) == 1


async def test_batch_is_judged_in_order() -> None:
    """Each of decideMany is judged after the ones before it, and a bad one fails alone."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        commands = [
            harness.command("mail:Read", "mailbox:alice"),
            harness.command("crm:Read", "record:42"),
            msgspec.structs.replace(harness.command("crm:Read", "record:42"), key=""),
            harness.command("mail:Send", "mailbox:alice", properties={"to": "eve@example.org"}),
        ]
        answers = await harness.service.decide_many(GATEWAY, commands)
        assert isinstance(answers[2], BadInput)
        verdicts = [answer.verdict for answer in answers if not isinstance(answer, Exception)]
        assert verdicts == [Verdict.PERMIT, Verdict.PERMIT, Verdict.DENY]


async def test_others_may_not_use_a_chain() -> None:
    """The opener's token owns the chain; sharing opens it to those named."""
    stranger = Caller(subject="stranger", roles=frozenset({"pep"}))
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.act("crm:Read", chain="mine")
        with pytest.raises(NotAllowed):
            await harness.act("crm:Read", chain="mine", caller=stranger)
        await harness.service.open_chain(
            GATEWAY, "shared", session=None, parent_chain=None, shared_with=["stranger"], intent=None
        )
        assert (await harness.act("crm:Read", chain="shared", caller=stranger)).verdict is Verdict.PERMIT


@pytest.mark.parametrize("use", [{"parent_chain": "mine"}, {"joins": ("mine",)}, {"session": "mine"}])
async def test_others_may_neither_spawn_from_a_chain_nor_join_it(use: dict[str, Any]) -> None:
    """Nor begin one in its session; a token with `chain:any` may, and who is refused cannot tell a chain that is closed from an open one."""
    stranger = Caller(subject="stranger", roles=frozenset({"pep"}))
    anyone = Caller(subject="janitor", roles=frozenset({"pep"}), scopes=frozenset({"chain:any"}))
    told: list[str] = []
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.act("crm:Read", chain="mine")

        async def ask(caller: Caller, key: str) -> Answer:
            request = AccessRequest(
                id="", chain=f"of-{key}", subject=Entity("agent", "bot"), action="crm:Read",
                resource=Entity("record", "7"), **use,
            )  # fmt: skip
            return await harness.service.decide(caller, DecideCommand(key=key, request=request))

        with pytest.raises(NotAllowed) as refused:
            await ask(stranger, "k1")
        told.append(str(refused.value))
        assert (await ask(anyone, "k2")).verdict is Verdict.PERMIT
        await harness.service.close_chain(GATEWAY, "mine")
        with pytest.raises(NotAllowed) as refused:
            await ask(stranger, "k1")
        told.append(str(refused.value))
    assert told == ["chain `mine` is not yours to use"] * 2


async def test_token_speaks_only_for_its_subjects() -> None:
    """A token limited to some identities gets caller_not_allowed for others, on the record."""
    limited = Caller(subject="limited", roles=frozenset({"pep"}), subjects=("svc-*",))
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        answer = await harness.act("crm:Read", caller=limited, chain="c7")
        assert [reason.code for reason in answer.decision.reasons] == [ReasonCode.caller_not_allowed]
        assert answer.recorded


async def test_grant_lasts_until_it_is_revoked() -> None:
    """A grant permits from now to its end; after the revoke nobody is permitted by it."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        given = await harness.service.grant(
            ADMIN,
            identity="mallory",
            actions=["crm:*"],
            resources=["record:*"],
            expires_ms=harness.clock.now_ms + 3_600_000,
            not_before_ms=None,
            uses=None,
            chain=None,
            purpose="quarterly check",
        )
        assert (await harness.act("crm:Read", "record:7", subject="mallory")).verdict is Verdict.PERMIT
        revoked = await harness.service.revoke_grant(ADMIN, given.grant.id, "done")
        assert revoked.affected_chains == ("c1",)
        assert (await harness.act("crm:Read", "record:7", subject="mallory")).verdict is Verdict.DENY
        with pytest.raises(Conflict):
            await harness.service.revoke_grant(ADMIN, given.grant.id, "again")


async def test_a_grant_for_a_few_uses_permits_no_more_than_those() -> None:
    """Uses are counted exactly, for requests judged in one batch too; a refused action uses nothing."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        given = await harness.service.grant(
            ADMIN,
            identity="mallory",
            actions=["crm:Read"],
            resources=["record:*"],
            expires_ms=harness.clock.now_ms + 3_600_000,
            not_before_ms=None,
            uses=3,
            chain=None,
            purpose="three records",
        )
        assert (await harness.act("crm:Write", "record:7", subject="mallory")).verdict is Verdict.DENY
        answers = await asyncio.gather(
            *(
                harness.service.decide(
                    GATEWAY, harness.command("crm:Read", f"record:{n}", f"c{n}", "mallory")
                )
                for n in range(8)
            )
        )
        assert sum(answer.verdict is Verdict.PERMIT for answer in answers) == 3
        denied = [answer for answer in answers if answer.verdict is Verdict.DENY]
        assert {reason.code for answer in denied for reason in answer.decision.reasons} == {
            ReasonCode.grant_expired
        }
        permitted = [answer for answer in answers if answer.verdict is Verdict.PERMIT]
        assert {answer.decision.grants for answer in permitted} == {(given.grant.id,)}


async def test_expired_grant_is_said() -> None:
    """A right that lasted until just now is denied as expired, not as never held."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.service.grant(
            ADMIN,
            identity="mallory",
            actions=["crm:Read"],
            resources=["*"],
            expires_ms=harness.clock.now_ms + 5_000,
            not_before_ms=None,
            uses=None,
            chain=None,
            purpose="a moment",
        )
        harness.clock.now_ms += 10_000
        answer = await harness.act("crm:Read", "record:7", subject="mallory")
        assert [reason.code for reason in answer.decision.reasons] == [ReasonCode.grant_expired]


async def test_suspension_stops_at_once() -> None:
    """A suspended identity may do nothing, for itself or through an agent, until reinstated."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.service.suspend(ADMIN, "alice", "phished", None)
        stopped = await harness.act("crm:Read", on_behalf_of=("alice",))
        assert [reason.code for reason in stopped.decision.reasons] == [ReasonCode.subject_suspended]
        await harness.service.reinstate(ADMIN, "alice")
        assert (await harness.act("crm:Read", on_behalf_of=("alice",), chain="c2")).verdict is Verdict.PERMIT


async def test_reported_labels_count_from_then_on() -> None:
    """Labels that a result turned out to carry feed the next decision (R11)."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        read = await harness.act("crm:Read", "record:7")
        assert (
            await harness.service.evaluate(GATEWAY, harness.command("mail:Send", "mailbox:alice").request)
        ).verdict is Verdict.PERMIT
        await harness.service.report(GATEWAY, read.decision.request.id, "SUCCESS", ["sensitive"], [])
        assert (await harness.act("mail:Send", to="eve@example.org")).verdict is Verdict.DENY


async def test_cancelled_action_no_longer_counts() -> None:
    """An action that did not happen leaves the history (R10)."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        read = await harness.act("crm:Read", "record:42")
        await harness.service.cancel(GATEWAY, read.decision.request.id)
        assert (await harness.act("mail:Send", to="eve@example.org")).verdict is Verdict.PERMIT


async def test_closed_chain_takes_no_action() -> None:
    """A closed chain refuses with its own code."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        await harness.act("crm:Read")
        await harness.service.close_chain(GATEWAY, "c1")
        answer = await harness.act("crm:Read")
        assert ReasonCode.chain_closed in [reason.code for reason in answer.decision.reasons]


async def test_evaluate_changes_nothing() -> None:
    """Asking what would be answered leaves no trace."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        before = (harness.service.revision(), dict(harness.service.world.cells))
        for _ in range(3):
            judged = await harness.service.evaluate(
                GATEWAY, harness.command("mail:Read", "mailbox:alice").request
            )
            assert judged.verdict is Verdict.PERMIT
        assert (harness.service.revision(), harness.service.world.cells) == before


async def test_restart_gives_the_identical_state() -> None:
    """A service that folds the log again stands where the first one stood."""
    store = await open_memory()
    clock = Clock()
    async with serving(store, clock=clock) as harness:
        await harness.prepare()
        await _trifecta(harness)
        read = await harness.act("crm:Read", "record:7", chain="c2")
        await harness.service.report(GATEWAY, read.decision.request.id, "SUCCESS", ["sensitive"], [])
        before = harness.service.world
    async with serving(store, name="b", clock=clock) as again:
        assert again.service.world.cells == before.cells
        assert again.service.world.seq == before.seq
        assert (await again.act("mail:Send", to="eve@example.org")).verdict is Verdict.DENY


async def test_a_clock_that_is_behind_gives_the_identical_state() -> None:
    """A replica whose clock is behind opens chains at the time that the log tells, so folding gives its state."""
    store = await open_memory()
    async with serving(store) as harness:
        await harness.prepare()
        for _ in range(20):
            await harness.act("mail:Read")
    async with serving(store, name="b") as behind:
        await behind.act("mail:Read", chain="c2")
        await behind.act("mail:Read", chain="c3")
        async with serving(store, name="c") as again:
            assert again.service.world.cells == behind.service.world.cells


async def test_bad_policy_stores_nothing() -> None:
    """A pack that does not load is refused and what was in force stays."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        revision = harness.service.revision()
        for text in (PACK.replace("then: out", "then: nowhere"), PACK + "oops: 1\n", "a: [", ""):
            with pytest.raises(PolicyError):
                await harness.service.publish_policy(ADMIN, [(text, "bad.yaml")], "")
        assert harness.service.revision() == revision


async def test_replicas_cannot_complete_together() -> None:
    """Two replicas judging halves of one combination at once: exactly one is permitted (write skew)."""
    store, clock = await open_memory(), Clock()
    async with serving(store, clock=clock) as first, serving(store, name="b", clock=clock) as second:
        await first.prepare()
        await second.service.sequencer.catch_up()
        for number in range(25):
            vendor = f"v{number}"
            answers = await asyncio.gather(
                first.act(
                    "erp:CreateVendor", f"vendor:{vendor}", chain=f"a{number}", on_behalf_of=("alice",)
                ),
                second.act(
                    "erp:ApprovePayment",
                    "invoice:1",
                    chain=f"b{number}",
                    on_behalf_of=("alice",),
                    context={"vendor_id": vendor},
                ),
            )
            assert sorted(answer.verdict for answer in answers) == [Verdict.DENY, Verdict.PERMIT]
        await first.service.sequencer.catch_up()
        await second.service.sequencer.catch_up()
        assert first.service.world.cells == second.service.world.cells


async def test_revoke_reaches_every_replica() -> None:
    """Once a revoke is acknowledged, a replica that has not heard of it cannot permit by the right."""
    store, clock = await open_memory(), Clock()
    async with serving(store, clock=clock) as first, serving(store, name="b", clock=clock) as second:
        await first.prepare()
        await second.service.sequencer.catch_up()
        given = await first.service.grant(
            ADMIN, identity="mallory", actions=["*"], resources=["*"], expires_ms=clock.now_ms + 10**7,
            not_before_ms=None, uses=None, chain=None, purpose="test",
        )  # fmt: skip
        assert (await second.act("crm:Read", subject="mallory", chain="x")).verdict is Verdict.PERMIT
        await first.service.revoke_grant(ADMIN, given.grant.id, "over")
        assert (await second.act("crm:Read", subject="mallory", chain="x")).verdict is Verdict.DENY


class _Flaky(MemoryStore):
    """A memory store that fails as it is told to: the outside made unreliable, nothing else changed."""

    def __init__(self) -> None:
        super().__init__()
        self.fail: str | None = None
        self.delay_s = 0.0

    async def append(self, draft: Draft, *, seen: int, reads: object) -> Accepted | Refused:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.fail == "down":
            raise StoreUnavailable("the store is down")
        answer = await super().append(draft, seen=seen, reads=reads)  # type: ignore[arg-type]  # passed on
        if self.fail == "lost answer":
            self.fail = None
            raise StoreUnavailable("connection lost", outcome_unknown=True)
        return answer


async def test_unreachable_store_denies_and_recovers() -> None:
    """Store down: DENY with a transient code and nothing recorded; up again: the same key decides."""
    store = _Flaky()
    async with serving(store) as harness:
        await harness.prepare()
        store.fail = "down"
        refused = await harness.act("crm:Read", key="k")
        assert (refused.verdict, refused.recorded) == (Verdict.DENY, False)
        assert refused.decision.reasons[0].code.retryable
        store.fail = None
        assert (await harness.act("crm:Read", key="k")).verdict is Verdict.PERMIT


async def test_lost_answer_is_looked_up() -> None:
    """A commit whose answer was lost is found by its id, never guessed, and stands once."""
    store = _Flaky()
    async with serving(store) as harness:
        await harness.prepare()
        store.fail = "lost answer"
        answer = await harness.act("crm:Read", key="k")
        assert (answer.verdict, answer.recorded) == (Verdict.PERMIT, True)
        assert (await harness.act("crm:Read", key="k")).replayed
        assert sum(record.dedupe != "" for record in harness.service.world.decided.values()) == 1


async def test_what_lies_before_a_lost_answer_is_folded_whole() -> None:
    """However much others wrote between what was seen and the entry that is looked up, nothing of it is left out."""

    class Slow(_Flaky):
        """Its pages are small."""

        async def read(self, *, after: int, limit: int) -> Sequence[Entry]:
            return await super().read(after=after, limit=min(limit, 3))

    disk, clock = Slow(), Clock()
    async with serving(disk, name="a", clock=clock) as harness, serving(disk, name="b", clock=clock) as other:
        await harness.prepare()
        await other.service.sequencer.catch_up()
        for number in range(8):
            await other.act("mail:Read", chain=f"other{number}", subject="alice")
        disk.fail = "lost answer"
        assert (await harness.act("crm:Read", key="k", chain="mine")).verdict is Verdict.PERMIT
        await other.service.sequencer.catch_up()
        assert harness.service.world.seq == other.service.world.seq
        for each in (harness, other):
            await each.service.wait_drawn()
        assert snapshot(harness.service.world) == snapshot(other.service.world)


async def test_late_commit_is_cancelled() -> None:
    """A commit that outlives its deadline: the caller got DENY, the key stays DENY, history forgets it."""
    store = _Flaky()
    async with serving(store) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        store.delay_s = 0.2
        late = await harness.act("crm:Read", "record:42", key="late", deadline_ms=50)
        assert late.decision.reasons[0].code is ReasonCode.deadline_exceeded
        await asyncio.sleep(0.5)
        store.delay_s = 0
        again = await harness.act("crm:Read", "record:42", key="late", deadline_ms=None)
        assert again.verdict is Verdict.DENY
        assert (await harness.act("mail:Send", to="eve@example.org")).verdict is Verdict.PERMIT


async def test_drawing_shows_chain_action_decision_and_pattern() -> None:
    """What was decided is drawn: the chain, its actions in order, the decision and the completed pattern."""
    store = await open_memory()
    async with serving(store) as harness:
        await harness.prepare()
        await _trifecta(harness)
        await harness.service.wait_drawn()
        count = await store.count()
    assert (count["Action"], count["Decision"], count["Chain"]) == (3, 3, 1)
    assert (count["NEXT"], count["COMPLETED"], count["GRANTED"]) == (2, 1, 2)


async def test_one_late_request_does_not_fail_its_batch() -> None:
    """A request whose deadline passed while it waited is denied alone."""
    store = _Flaky()
    async with serving(store) as harness:
        await harness.prepare()
        commands = [
            harness.command("crm:Read", "record:1", deadline_ms=0),
            harness.command("crm:Read", "record:2"),
        ]
        late, timely = await harness.service.decide_many(GATEWAY, commands)
        assert not isinstance(late, Exception)
        assert not isinstance(timely, Exception)
        assert (late.verdict, late.recorded) == (Verdict.DENY, False)
        assert (timely.verdict, timely.recorded) == (Verdict.PERMIT, True)


async def test_packs_published_together_may_trade_pattern_ids() -> None:
    """A set that fits as a whole takes effect as a whole, and a restart folds it."""
    swap = PACK.replace("id: test,", "id: other,")
    store = await open_memory()
    async with serving(store) as harness:
        await harness.prepare()
        emptied = 'graphsvc: 1\npack: {id: test, version: "2"}\nsettings: {entitlement: required}\n'
        await harness.service.publish_policy(ADMIN, [(swap, "a.yaml"), (emptied, "b.yaml")], "")
        assert await _trifecta(harness) == [Verdict.PERMIT, Verdict.PERMIT, Verdict.DENY]
    async with serving(store, name="b") as again:
        assert {pattern.pack for pattern in again.service.patterns()} == {"other"}


async def test_what_a_caller_claims_is_not_remembered_for_others() -> None:
    """A subject type claimed in one question does not decide the next one's delegation."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        nodes = [
            Node(key="identity:clerk"),
            Node(key="permission:all", fields={"actions": ["*"], "resources": ["*"]}),
        ]
        edges = [
            Edge(type="GRANTED", start="identity:clerk", end="permission:all"),
            Edge(type="ACTS_FOR", start="identity:clerk", end="identity:alice"),
        ]
        await harness.service.load_graph(ADMIN, "more", nodes, edges, replace=True)
        request = harness.command("crm:Read", "record:1", subject="clerk").request
        human = msgspec.structs.replace(request, subject=Entity("human", "clerk"))
        assert (await harness.service.evaluate(GATEWAY, human)).verdict is Verdict.PERMIT
        refused = await harness.act("crm:Read", "record:1", subject="clerk")
        assert [reason.code for reason in refused.decision.reasons] == [ReasonCode.principal_missing]


async def test_values_that_cannot_be_stored_are_refused_alone() -> None:
    """A number beyond 64 bits or a type with a colon is the caller's mistake, and nobody else's."""
    async with serving(await open_memory()) as harness:
        await harness.prepare()
        commands = [
            harness.command("crm:Read", "record:1", context={"n": 1 << 70}),
            harness.command("crm:Read", "record:1"),
        ]
        bad, good = await harness.service.decide_many(GATEWAY, commands)
        assert isinstance(bad, BadInput)
        assert not isinstance(good, Exception)
        with pytest.raises(BadInput):
            await harness.service.evaluate(
                GATEWAY, msgspec.structs.replace(commands[1].request, resource=Entity("a:b", "c"))
            )
