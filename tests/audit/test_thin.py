"""A running service keeps little of the tree in memory, and proves the same."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from graphsvc.core.audit.key import endorse
from graphsvc.core.audit.leaf import SALT_SIZE
from graphsvc.core.audit.merkle import is_included
from graphsvc.core.audit.note import SigningKey
from graphsvc.core.codec import encode_records
from graphsvc.core.record import Cancelled
from graphsvc.decide.audit import AuditLog
from graphsvc.decide.ports import Draft
from graphsvc.errors import StoreError
from graphsvc.store.memory import MemoryStore
from graphsvc.store.notary import MemoryNotary

pytestmark = pytest.mark.anyio


async def _fill(store: MemoryStore, first: int) -> None:
    """300 entries of one to four records."""
    for number in range(first, first + 300):
        records = [Cancelled(at_ms=number, action=f"a{number}-{place}") for place in range(number % 4 + 1)]
        body = encode_records(records, bytes([number % 256]) * SALT_SIZE)
        draft = Draft(id=f"e{number}", count=len(records), cells=(), body=body)
        await store.append(draft, seen=await store.head(), reads=())


async def test_proofs_of_old_records_are_read_from_the_log_again() -> None:
    """Checkpoints, their consistency and inclusion of any record, as from a tree that is whole."""
    store, notary = MemoryStore(), MemoryNotary()
    whole, thin = AuditLog(store, notary), AuditLog(store, notary, thin=True)
    for first in (0, 300):
        await _fill(store, first)
        signed, same = await whole.checkpoint(since=200), await thin.checkpoint(since=200)
        assert signed == same
    size, root = signed.checkpoint.size, signed.checkpoint.root
    for seq in (1, 256, 257, 700, size):
        proof = await thin.proof(seq)
        assert proof == await whole.proof(seq)
        assert is_included(proof.leaf, seq - 1, size, proof.path, root)
        assert await thin.proof(seq, max(seq, 300)) == await whole.proof(seq, max(seq, 300))


async def test_a_key_that_retires_while_a_log_is_signed_signs_nothing_later() -> None:
    """Another process rotates between our look at the key and our signature: what is given out is signed by the new one."""

    class Rotating(MemoryNotary):
        """Its key is replaced as soon as it was given out, at a smaller size of the log."""

        is_due = True

        def key(self, origin: str) -> SigningKey:
            given = super().key(origin)
            if self.is_due:
                self.is_due = False
                new = self.new_key(origin)
                self.replace(origin, new, endorse(self.keys(origin), given, new, 1))
            return given

    store, notary = MemoryStore(), Rotating()
    await _fill(store, 0)
    signed = await AuditLog(store, notary).checkpoint()
    assert signed.keys.signer_of(signed.checkpoint) == signed.keys.newest


async def test_a_record_that_changed_since_has_no_proof() -> None:
    """What is read again is compared with what was there."""
    store = MemoryStore()
    log = AuditLog(store, MemoryNotary(), thin=True)
    await _fill(store, 0)
    await log.checkpoint()
    entries = store._entries
    entries[3] = replace(entries[3], body=entries[7].body)
    with pytest.raises(StoreError, match="audit verify"):
        await log.proof(10)
