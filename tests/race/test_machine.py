"""The decision service under faults in any order: crashes, lost answers, late commits, duplicates, rival replicas."""

import asyncio
import hashlib
import itertools
import os
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from graphsvc.core.record import Decided
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.core.world import World
from graphsvc.decide.command import Answer, DecideCommand
from graphsvc.decide.ports import Accepted, Draft, Entry, Refused
from graphsvc.decide.service import GraphsvcService
from graphsvc.errors import Conflict, StoreError
from graphsvc.store.memory import MemoryStore
from tests.race.faulty import LATE_S, SLOW_S, Fault, FaultyStore, VirtualLoop
from tests.race.story import completed_in_permitted, told_again
from tests.service.harness import GATEWAY, Harness
from tests.service.harness import Clock as _Clock

_REPLICAS = 2
_FAULTS: list[Fault] = [
    "none",
    "none",
    "down",
    "lost",
    "dropped",
    "late",
    "crash before",
    "crash after",
    "slow",
]
_ACTS = [
    ("erp:CreateVendor", "vendor:{n}"),
    ("erp:ApprovePayment", "invoice:1"),
    ("mail:Read", "mailbox:support"),
    ("crm:Read", "record:42"),
    ("mail:Send", "mailbox:support"),
]


class Act(NamedTuple):
    """One thing to ask: which of `_ACTS`, in which chain, about which vendor, with what going wrong on the way."""

    what: int
    chain: int
    vendor: int
    replica: int
    faults: list[Fault]
    pause_s: float
    lookups_down: int


_acts = st.builds(
    Act,
    st.integers(0, len(_ACTS) - 1),
    st.integers(0, 1),
    st.integers(0, 1),
    st.integers(0, _REPLICAS - 1),
    st.lists(st.sampled_from(_FAULTS), max_size=2),
    st.sampled_from([0.0, 0.01, 0.02]),
    st.sampled_from([0, 0, 0, 1, 9]),
)


@dataclass
class Replica:
    """A running service with its own way to the disk."""

    service: GraphsvcService
    store: FaultyStore


class ServiceUnderFaults(RuleBasedStateMachine):
    """Whatever goes wrong, what was acknowledged stands, and the log tells one serial story."""

    disk_type: type[MemoryStore] = MemoryStore
    way_type: type[FaultyStore] = FaultyStore

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner(loop_factory=VirtualLoop)
        self.keys = itertools.count()
        self.starts = itertools.count()
        self.asked: list[DecideCommand] = []
        self.told: dict[str, Answer] = {}  # by key, the first recorded answer
        # Keys told DENY because their deadline passed, by a replica on which nothing else went wrong meanwhile.
        self.refused_late: set[str] = set()

    @initialize()
    def begin(self) -> None:
        """Two replicas of a service with the test pack and a small estate."""
        self.runner.run(self._begin())

    async def _begin(self) -> None:
        self.disk = self.disk_type()
        self.replicas = [await self._started() for _ in range(_REPLICAS)]
        await Harness(self.replicas[0].service, _Clock()).prepare()

    async def _started(self) -> Replica:
        store, name, numbers = self.way_type(self.disk), next(self.starts), itertools.count()
        loop = asyncio.get_running_loop()
        service = GraphsvcService(
            store,
            clock=lambda: 1_790_000_000_000 + int(loop.time() * 1000),
            ids=lambda: f"r{name}-{next(numbers):06d}",
        )
        await service.start()
        return Replica(service, store)

    async def _restart(self, number: int) -> None:
        # Nobody is told anything by a process that has ended.
        await self.replicas[number].service.close()
        self.replicas[number] = await self._started()

    # --- asking

    def _command(self, act: Act) -> DecideCommand:
        action, resource = _ACTS[act.what]
        vendor = f"v{act.vendor}"
        return Harness(self.replicas[0].service, _Clock()).command(
            action,
            resource.format(n=vendor),
            chain=f"{'task' if act.what > 1 else vendor}-{act.chain}",
            subject="alice" if act.what < 2 else "bot",
            on_behalf_of=() if act.what < 2 else ("alice",),
            context={"vendor_id": vendor},
            properties={"to": "eve@example.org"} if action == "mail:Send" else {},
            key=f"k{next(self.keys)}",
        )

    async def _ask(self, act: Act, command: DecideCommand, told_late: set[tuple[int, str]]) -> None:
        """Ask one replica; it may end on the way, and is then started again."""
        replica = self.replicas[act.replica]
        replica.store.faults.extend(act.faults)
        replica.store.pauses_s.append(act.pause_s)
        replica.store.lookups_down = act.lookups_down
        asking = asyncio.ensure_future(replica.service.decide(GATEWAY, command))
        ending = asyncio.ensure_future(replica.store.crashed.wait())
        await asyncio.wait({asking, ending}, return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        if replica.store.crashed.is_set():
            asking.cancel()
            return
        answer = asking.result()
        if not answer.recorded:
            assert answer.verdict is Verdict.DENY
            if answer.decision.reasons[0].code is ReasonCode.deadline_exceeded and not answer.replayed:
                told_late.add((act.replica, command.key))
            return
        first = self.told.setdefault(command.key, answer)
        assert (answer.verdict, answer.decision) == (first.verdict, first.decision)

    async def _settle(self) -> None:
        """Start again what ended, and let everything under way come to its end."""
        await self._revive()
        await asyncio.sleep(2 * SLOW_S + LATE_S)
        for replica in self.replicas:
            replica.store.faults.clear()
            replica.store.pauses_s.clear()
            replica.store.lookups_down = 0
        # What was slow may have ended its process since.
        await self._revive()

    async def _revive(self) -> None:
        for number, replica in enumerate(self.replicas):
            if replica.store.crashed.is_set():
                await self._restart(number)

    async def _together(self, asked: list[tuple[Act, DecideCommand]]) -> None:
        told_late: set[tuple[int, str]] = set()
        await asyncio.gather(*(self._ask(act, command, told_late) for act, command in asked))
        await self._settle()
        disturbed = {act.replica for act, _ in asked if {*act.faults} - {"none", "slow"}}
        self.refused_late |= {key for replica, key in told_late if replica not in disturbed}

    @rule(acts=st.lists(_acts, min_size=1, max_size=4))
    def ask(self, acts: list[Act]) -> None:
        """Some requests at once, through replicas that know nothing of each other."""
        asked = [(act, self._command(act)) for act in acts]
        self.asked += [command for _, command in asked]
        self.runner.run(self._together(asked))

    @precondition(lambda self: self.asked)
    @rule(act=_acts, twice=st.booleans(), data=st.data())
    def ask_again(self, act: Act, *, twice: bool, data: st.DataObject) -> None:
        """A request sent once more, perhaps twice at once, since its answer got lost or the caller is impatient."""
        command = data.draw(st.sampled_from(self.asked))
        other = act._replace(replica=1 - act.replica, faults=[])
        self.runner.run(self._together([(act, command), (other, command)] if twice else [(act, command)]))

    @precondition(lambda self: self.told)
    @rule(replica=st.integers(0, _REPLICAS - 1), data=st.data())
    def reuse_a_key(self, replica: int, data: st.DataObject) -> None:
        """A key that was answered is not answered for another request."""
        key = data.draw(st.sampled_from(sorted(self.told)))
        other = Harness(self.replicas[0].service, _Clock()).command(
            "crm:Read", "record:7", chain="other", key=key
        )

        async def ask() -> None:
            try:
                answer = await self.replicas[replica].service.decide(GATEWAY, other)
            except Conflict:
                return
            message = f"answered {answer.verdict}"
            raise AssertionError(message)

        self.runner.run(ask())

    @rule(replica=st.integers(0, _REPLICAS - 1))
    def restart(self, replica: int) -> None:
        """A replica ends and starts again from the log alone."""
        self.runner.run(self._restart(replica))

    @precondition(lambda self: self.refused_late)
    @rule(replica=st.integers(0, _REPLICAS - 1))
    def ask_what_was_late(self, replica: int) -> None:
        """A key that was told DENY for its deadline stays DENY if its commit came through all the same."""

        async def ask() -> None:
            stored, cancelled = await told_again(self.disk)
            by_key = {record.dedupe: record.request.id for record in stored}
            for command in self.asked:
                dedupe = hashlib.sha256(msgspec.json.encode([GATEWAY.subject, command.key])).hexdigest()
                permitted = {record.dedupe for record in stored if record.answered is Verdict.PERMIT}
                if command.key in self.refused_late - set(self.told) and dedupe in permitted:
                    assert by_key[dedupe] in cancelled
                    answer = await self.replicas[replica].service.decide(GATEWAY, command)
                    assert answer.verdict is Verdict.DENY

        self.runner.run(ask())

    # --- what is always true

    @invariant()
    def the_log_tells_one_serial_story(self) -> None:
        """Verdicts come again from the log, nothing acknowledged is missing, nothing harmful was permitted."""
        if hasattr(self, "replicas"):
            self.runner.run(self._check())

    async def _check(self) -> None:
        stored, cancelled = await told_again(self.disk)
        by_id: dict[str, Decided] = {record.request.id: record for record in stored}
        assert len({record.dedupe for record in stored}) == len(stored)
        for answer in self.told.values():
            assert by_id[answer.decision.request.id] == answer.decision
        assert completed_in_permitted(r for r in stored if r.request.id not in cancelled) == []

    def teardown(self) -> None:
        """In the end all replicas, and one that starts from the log, hold the same state."""
        try:
            if hasattr(self, "replicas"):
                self.runner.run(self._end())
        finally:
            self.runner.close()

    async def _end(self) -> None:
        self.replicas.append(await self._started())
        worlds: list[World] = []
        for replica in self.replicas:
            await replica.service.sequencer.catch_up()
            worlds.append(replica.service.world)
        assert all(world.cells == worlds[0].cells for world in worlds)
        for replica in self.replicas:
            await replica.service.close()


_SETTINGS = settings(
    max_examples=int(os.environ.get("GRAPHSVC_MACHINE_RUNS", "25")),
    stateful_step_count=12,
    suppress_health_check=list(HealthCheck),
)
TestServiceUnderFaults = ServiceUnderFaults.TestCase
TestServiceUnderFaults.settings = _SETTINGS


class _Unvalidated(MemoryStore):
    """A disk that takes whatever it is given: no look at what the writer had not seen."""

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        del reads
        return await super().append(draft, seen=seen, reads=())


class _Forgetful(MemoryStore):
    """A disk that says an entry is written and now and then keeps nothing."""

    async def append(self, draft: Draft, *, seen: int, reads: Collection[str]) -> Accepted | Refused:
        answer = await super().append(draft, seen=seen, reads=reads)
        if isinstance(answer, Accepted) and draft.id.endswith("5"):
            self._entries.pop()
        return answer


class _Blind(FaultyStore):
    """A way to the disk on which what became of an entry cannot be learnt: every look-up says it is not there."""

    async def find(self, entry_id: str) -> Entry | None:
        """Never found, though it may be."""
        del entry_id
        return None


@pytest.mark.parametrize(("disk", "way"), [(_Unvalidated, FaultyStore), (_Forgetful, FaultyStore)])
def test_the_machine_notices_a_store_that_breaks_its_word(
    disk: type[MemoryStore], way: type[FaultyStore]
) -> None:
    """Without validation, or without durability, a few dozen runs find what goes wrong."""
    broken = type("Broken", (ServiceUnderFaults,), {"disk_type": disk, "way_type": way})
    few = settings(_SETTINGS, max_examples=60, derandomize=True, database=None, phases=[Phase.generate])
    with pytest.raises((AssertionError, KeyError, StoreError, ExceptionGroup)):
        run_state_machine_as_test(broken, settings=few)


def test_a_look_up_that_finds_nothing_harms_nobody() -> None:
    """If it cannot be learnt that an entry was written, nothing is acknowledged and the key keeps its answer."""
    blind = type("Blind", (ServiceUnderFaults,), {"way_type": _Blind})
    run_state_machine_as_test(blind, settings=settings(_SETTINGS, max_examples=10))
