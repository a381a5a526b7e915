"""What the audit log costs: per record when it is written, to verify, and the size of a proof."""

from __future__ import annotations

import time
from hashlib import sha256
from typing import Any

import msgspec

from benchmarks.engine import world_of
from benchmarks.history import request_of
from benchmarks.workload import policy_text
from graphsvc.core.audit.leaf import leaf_hash
from graphsvc.core.audit.merkle import Tree, is_included
from graphsvc.core.codec import audit_lines, audited, encode_records
from graphsvc.core.evaluate import decided
from graphsvc.core.record import Decided

__all__ = ["measure"]

_ROUNDS = 5
_LEAVES = 1_000_000
_LIMIT_US, _LIMIT_RATE = 15, 200_000


def measure(records: int = 5_000) -> dict[str, Any]:
    """CPU microseconds a record with and without its leaf, records a second, bytes; of the best of five rounds."""
    held = _decided(records)
    plain_encoder = msgspec.msgpack.Encoder()
    batches = [held[start : start + 50] for start in range(0, records, 50)]
    plain = min(_cpu_us(lambda: [plain_encoder.encode(batch) for batch in batches]) for _ in range(_ROUNDS))
    sealed = min(
        _cpu_us(lambda: [encode_records(batch, bytes(16)) for batch in batches]) for _ in range(_ROUNDS)
    )
    bodies = [encode_records(batch, bytes(16)) for batch in batches]
    lines = [line for body in bodies for line in audit_lines(audited(body), "entry")]

    def verify_export() -> None:
        tree = Tree()
        tree.extend(b"".join(map(leaf_hash, lines)))
        tree.root()

    def verify_store() -> None:
        for body in bodies:
            read = audited(body)
            assert b"".join(map(leaf_hash, audit_lines(read, "entry"))) == read.leaves

    export_us = min(_cpu_us(verify_export) for _ in range(_ROUNDS))
    store_us = min(_cpu_us(verify_store) for _ in range(_ROUNDS))
    tree = Tree()
    tree.extend(b"".join(sha256(number.to_bytes(4, "big")).digest() for number in range(_LEAVES)))
    path = tree.inclusion(_LEAVES // 3)
    assert is_included(tree.leaf(_LEAVES // 3), _LEAVES // 3, _LEAVES, path, tree.root())
    return {
        "records": records,
        "bytes a line": round(sum(map(len, lines)) / records),
        "us a record": round((sealed - plain) / records, 1),
        "x plain encoding": round(sealed / plain, 1),
        "export verified/s": round(records * 1e6 / export_us),
        "store verified/s": round(records * 1e6 / store_us),
        "proof bytes at 1M": 32 * len(path),
        "targets": f"{_LIMIT_US} us, {_LIMIT_RATE:,}/s, 1,000 bytes",
    }


def _decided(count: int) -> list[Decided]:
    world = world_of(policy_text(200), 100)
    found = []
    for number in range(count):
        evaluation = world.evaluate(request_of(number, chains=count // 20), number)
        record = decided(evaluation, by="bench", dedupe=f"k{number}", digest=f"d{number}")
        world.apply(record, world.seq + 1, evaluation)
        found.append(record)
    return found


def _cpu_us(run: Any) -> float:
    started = time.process_time_ns()
    run()
    return (time.process_time_ns() - started) / 1_000
