"""Whoever reads the audit log over the API is in it."""

import pytest

from graphsvc.core.codec import decode_records
from graphsvc.core.record import AuditRead
from graphsvc.decide.ports import Store
from tests.api.served import request, served

pytestmark = pytest.mark.anyio


async def _reads(store: Store) -> list[tuple[str, str]]:
    entries = await store.read(after=0, limit=10_000)
    records = [record for entry in entries for record in decode_records(entry.body)]
    return [(record.what, record.by) for record in records if isinstance(record, AuditRead)]


async def test_proofs_and_records_leave_a_record_of_their_reader() -> None:
    """Once a minute for each reader and kind; a checkpoint holds no record, so asking for one leaves none."""
    async with served() as service, service.client() as client:
        decision = await client.decide(request())
        store = service.harness.service.store
        await service.post("{ auditCheckpoint { size } }", "auditor", subject="ann")
        assert await _reads(store) == []
        for _ in range(3):
            await service.post(
                f'{{ auditProof(id: "{decision.id}") {{ number }} }}', "auditor", subject="ann"
            )
        assert await _reads(store) == [("proof", "ann")]
        await service.post("{ logRecords { records } }", "auditor", subject="ann")
        await service.post("{ logRecords { records } }", "analyst", subject="bob")
        service.harness.clock.now_ms += 61_000
        await service.post("{ logRecords { records } }", "analyst", subject="bob")
        assert await _reads(store) == [
            ("proof", "ann"),
            ("records", "ann"),
            ("records", "bob"),
            ("records", "bob"),
        ]
