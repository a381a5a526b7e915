"""Old records and ended chains are archived alike from every store, and come back from the archive."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphsvc.core.audit.bundle import check_bundle
from graphsvc.core.audit.note import open_checkpoint
from graphsvc.core.verdict import ReasonCode, Verdict
from graphsvc.decide import backup
from graphsvc.decide.audit import origin_of
from graphsvc.decide.bundle import read_bundle
from graphsvc.decide.keeper import Keeper
from graphsvc.decide.ports import ChainQuery, DecisionQuery, Notary, Store
from graphsvc.decide.tamper import check_log
from graphsvc.decide.truncation import plan, truncate
from graphsvc.store.memory import open_memory
from graphsvc.store.notary import MemoryNotary
from tests.service.harness import GATEWAY, serving

pytestmark = pytest.mark.anyio

_HOUR_MS = 3_600_000


async def _day(store: Store) -> int:
    """A chain that ended yesterday and one that goes on; the time between."""
    async with serving(store) as harness:
        await harness.prepare()
        for chain in ("ended", "open"):
            await harness.act("mail:Read", "mailbox:alice", chain=chain)
            await harness.act("crm:Read", "record:42", chain=chain)
        await harness.service.close_chain(GATEWAY, "ended")
        between = harness.clock.now_ms + _HOUR_MS
        harness.clock.now_ms += 24 * _HOUR_MS
        await harness.act("crm:Read", "record:43", chain="open")
        await harness.service.wait_drawn()
        return between


async def _genuine(store: Store, notary: Notary) -> bool:
    origin = origin_of(store)
    note = notary.last(origin)
    found = await check_log(store, open_checkpoint(note) if note is not None else None, notary.keys(origin))
    return found.ok


async def test_old_records_and_ended_chains_are_archived_and_come_back(store: Store, tmp_path: Path) -> None:
    """Log, proofs and drawing without them; the state as before; from archive and backup the whole store again."""
    notary, archive = MemoryNotary(), tmp_path / "old.zip"
    wanted = await plan(store, await _day(store))
    assert wanted is not None
    await truncate(store, notary, wanted, archive, 1_790_000_000_000)
    assert (await store.read(after=0, limit=1))[0].first == wanted.last + 1
    assert await _genuine(store, notary)
    # What ended is not drawn any more; of what is open everything is.
    assert [row.id for row in await store.chains(ChainQuery())] == ["open"]
    assert not await store.decisions(DecisionQuery(chain="ended"))
    assert len(await store.decisions(DecisionQuery(chain="open"))) == 3
    # The archive is genuine by itself.
    read = read_bundle(archive)
    key = notary.keys(origin_of(store)).newest
    assert check_bundle(read.leaves, read.listed, read.checkpoint, read.keys, read.proofs, key).ok
    # A start goes on from the base: what is open goes on, what ended stays closed.
    keeper = Keeper(store)
    await keeper.restore()
    async with serving(store, name="after", keeper=keeper) as harness:
        assert (await harness.act("crm:Read", "record:44", chain="open")).verdict is Verdict.PERMIT
        closed = await harness.act("crm:Read", "record:44", chain="ended")
        assert [reason.code for reason in closed.decision.reasons] == [ReasonCode.chain_closed]
    file = tmp_path / "day.backup"
    await backup.save(store, file, 1_790_000_000_000, lambda _: None)
    again, other = await open_memory(), MemoryNotary()
    await backup.restore([archive, file], again, other, lambda _: None)
    assert await _genuine(again, other)
    assert (await again.read(after=0, limit=1))[0].first == 1
    assert await again.head() == await store.head()


async def test_a_store_that_begins_later_is_drawn_whole(tmp_path: Path) -> None:
    """Made of the backup alone: the graph, packs and patterns of before are drawn, and history from there on."""
    store, notary = await open_memory(), MemoryNotary()
    wanted = await plan(store, await _day(store))
    assert wanted is not None
    await truncate(store, notary, wanted, tmp_path / "old.zip", 1_790_000_000_000)
    before = await store.count()
    file = tmp_path / "day.backup"
    await backup.save(store, file, 1_790_000_000_000, lambda _: None)
    again = await open_memory()
    await backup.restore([file], again, MemoryNotary(), lambda _: None)
    keeper = Keeper(again)
    await keeper.restore()
    async with serving(again, name="again", keeper=keeper) as harness:
        await harness.service.wait_drawn()
    after = await again.count()
    for name in ("Identity", "Permission", "Pack", "Pattern", "GRANTED", "IN_PACK"):
        assert after[name] == before[name], name
    assert len(await again.decisions(DecisionQuery(chain="open"))) == 1
