"""The audit log through the API: what was signed, and proofs that anybody can check without us."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import strawberry

from graphsvc.core.audit.note import Checkpoint
from graphsvc.decide.audit import AuditProof as Proof
from graphsvc.decide.audit import SignedCheckpoint

__all__ = ["AuditCheckpoint", "AuditProof"]


@strawberry.type(
    description="The audit log as it is now, signed. Keep `note` where the operator of this service cannot change it."
)
class AuditCheckpoint:
    """A signed checkpoint (c2sp.org/tlog-checkpoint) with the keys of the log."""

    origin: str
    size: int
    root: str
    note: str
    key: str
    keys: str
    consistency: list[str]

    @staticmethod
    def of(signed: SignedCheckpoint) -> AuditCheckpoint:
        """From the service's answer. Hashes are base64; keys: the document that `audit export` calls keys.json."""
        checkpoint: Checkpoint = signed.checkpoint
        return AuditCheckpoint(
            origin=checkpoint.origin,
            size=checkpoint.size,
            root=_encoded([checkpoint.root])[0],
            note=signed.note,
            key=str(signed.keys.newest),
            keys=signed.keys.to_json().decode(),
            consistency=_encoded(signed.consistency),
        )


@strawberry.type(
    description="That a record is in the log of `size` records: hash `record` (RFC 9162, 2.1.3) and climb by `path`."
)
class AuditProof:
    """An inclusion proof. number: the record's, from 1. record: its canonical line, see docs/audit.md."""

    number: int
    record: str
    leaf: str
    size: int
    path: list[str]

    @staticmethod
    def of(proof: Proof) -> AuditProof:
        """From the service's answer; hashes are base64."""
        return AuditProof(
            number=proof.seq,
            record=proof.line.decode(),
            leaf=_encoded([proof.leaf])[0],
            size=proof.size,
            path=_encoded(proof.path),
        )


def _encoded(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(each).decode() for each in hashes]
