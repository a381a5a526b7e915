"""What the audit log holds of each kind of record: a fixed shape with ASCII keys, whole numbers and text.

The bytes of a line are RFC 8785 canonical JSON: keys sorted, no blanks, no floats, no number beyond 2^53.
orjson writes exactly that for such shapes, in a twentieth of the time of a general writer. Attributes that
a caller sends (properties, context, the intent's text), free text that rules make of them, and hashes by which they
could be guessed are not here; the seal, a salted hash of the whole stored record, binds them nevertheless. docs/audit.md lists the fields.

INVARIANT: a shape never changes once released; a new one takes the next VERSION, and old leaves keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, cast

import orjson

from graphsvc.core.audit.governing_shape import GOVERNING, entity, governing, whole
from graphsvc.core.record import (
    Approved,
    AuditRead,
    Cancelled,
    ChainClosed,
    ChainOpened,
    Decided,
    Granted,
    GraphCommitted,
    GraphStaged,
    IntentDeclared,
    PolicyPublished,
    Record,
    Reinstated,
    Rejected,
    Relabelled,
    Reported,
    Revoked,
    Signalled,
    SourceRemoved,
    Suspended,
)
from graphsvc.core.request import Argument
from graphsvc.core.value import Json
from graphsvc.core.verdict import Completion

__all__ = ["VERSION", "canonical_line"]

VERSION = 1
_Shape = dict[str, Json]


def canonical_line(record: Record, seal: str) -> bytes:
    """The record's line in the audit log, without a line end. seal: hex, see `leaf.seal_of`.

    The record's number is left out: it is not known before the line is hashed, and a line's place in the log
    says it anyway.
    """
    shape = _SHAPES[type(record)](record)
    shape["at_ms"] = whole(record.at_ms)
    shape["seal"] = seal
    shape["v"] = VERSION
    return orjson.dumps(shape, option=orjson.OPT_SORT_KEYS)


def _decided(record: Decided) -> _Shape:
    request = record.request
    risk = record.risk
    return {
        "kind": "decided",
        "action": request.action,
        "answered": record.answered.value,
        "arguments": _arguments(request.arguments) if request.arguments else [],
        "by": record.by,
        "chain": request.chain,
        "completions": [_completion(each) for each in record.completions] if record.completions else [],
        "decision": request.id,
        "grants": list(record.grants),
        "index": whole(record.index),
        "joins": list(request.joins),
        "labels": list(request.labels),
        "on_behalf_of": [entity(each) for each in request.on_behalf_of],
        "opened": list(record.opened),
        "policy": record.policy,
        "parent_chain": request.parent_chain,
        "parents": None if request.parents is None else list(request.parents),
        "reasons": [
            {"code": each.code.value, "rule": each.rule, "verdict": each.verdict.value}
            for each in record.reasons
        ],
        "resource": {"id": request.resource.id, "type": request.resource.type},
        "review": request.review,
        "risk_after_micros": whole(risk.after_micros),
        "risk_before_micros": whole(risk.before_micros),
        "shadow": [
            {
                "enforced": each.enforced,
                "pack": each.pack,
                "pattern": each.pattern,
                "verdict": each.verdict.value,
                "version": each.version,
            }
            for each in record.shadow
        ]
        if record.shadow
        else [],
        "session": record.session,
        "subject": {"id": request.subject.id, "type": request.subject.type},
        "verdict": record.verdict.value,
    }


def _arguments(arguments: Sequence[Argument]) -> list[Json]:
    return [
        {
            "designation": whole(each.designation),
            "fact": each.fact,
            "name": each.name,
            "role": each.role,
            "tokens": list(each.tokens),
        }
        for each in arguments
    ]


def _completion(completion: Completion) -> Json:
    # The key's values may be arguments, and the explanation may tell them.
    return {
        "on_match": completion.on_match,
        "pack": completion.pack,
        "path": [
            {
                "action": step.action_name,
                "at_ms": whole(step.at_ms),
                "chain": step.chain,
                "decision": step.action,
                "resource": step.resource,
                "step": step.step,
                "subject": step.subject,
            }
            for step in completion.path
        ],
        "pattern": completion.pattern,
        "severity": completion.severity,
    }


def _reported(record: Reported) -> _Shape:
    return {
        "kind": "reported",
        "by": record.by,
        "decision": record.action,
        "labels": list(record.labels),
        "outcome": record.outcome,
        "tokens": list(record.tokens),
    }


def _cancelled(record: Cancelled) -> _Shape:
    return {"kind": "cancelled", "by": record.by, "decision": record.action}


def _chain_opened(record: ChainOpened) -> _Shape:
    return {
        "kind": "chain_opened",
        "chain": record.chain,
        "owner": record.owner,
        "parent_chain": record.parent_chain,
        "session": record.session,
        "shared_with": list(record.shared_with),
    }


def _chain_closed(record: ChainClosed) -> _Shape:
    return {"kind": "chain_closed", "by": record.by, "chain": record.chain}


def _granted(record: Granted) -> _Shape:
    return {
        "kind": "granted",
        "actions": list(record.actions),
        "by": record.by,
        "chain": record.chain,
        "from_ms": whole(record.from_ms),
        "grant": record.id,
        "identity": record.identity,
        "purpose": record.purpose,
        "resources": list(record.resources),
        # Left out where there is none, so that older records keep their digest.
        **({"session": record.session} if record.session is not None else {}),
        "to_ms": whole(record.to_ms),
        "uses": whole(record.uses),
    }


def _revoked(record: Revoked) -> _Shape:
    return {"kind": "revoked", "by": record.by, "grant": record.grant, "reason": record.reason}


def _suspended(record: Suspended) -> _Shape:
    return {
        "kind": "suspended",
        "by": record.by,
        "reason": record.reason,
        "target": record.target,
        "target_kind": record.target_kind,
        "until_ms": whole(record.until_ms),
    }


def _reinstated(record: Reinstated) -> _Shape:
    return {
        "kind": "reinstated",
        "by": record.by,
        "target": record.target,
        "target_kind": record.target_kind,
    }


def _relabelled(record: Relabelled) -> _Shape:
    return {
        "kind": "relabelled",
        "by": record.by,
        "labels": list(record.labels),
        "resource": {"id": record.resource, "type": record.resource_type},
    }


def _policy_published(record: PolicyPublished) -> _Shape:
    return {
        "kind": "policy_published",
        "by": record.by,
        "comment": record.comment,
        "drafted_by": record.drafted_by,
        "pack": record.pack,
        "sha256": record.sha256,
        "signed_by": record.signed_by,
        "version": record.version,
    }


def _graph_staged(record: GraphStaged) -> _Shape:
    return {
        "kind": "graph_staged",
        "edges": len(record.edges),
        "load": record.load,
        "nodes": len(record.nodes),
    }


def _graph_committed(record: GraphCommitted) -> _Shape:
    return {
        "kind": "graph_committed",
        "by": record.by,
        "load": record.load,
        "replace": record.replace,
        "source": record.source,
    }


def _source_removed(record: SourceRemoved) -> _Shape:
    return {"kind": "source_removed", "by": record.by, "source": record.source}


def _reviewed(kind: str) -> Callable[[Any], _Shape]:
    def shape(record: Approved | Rejected) -> _Shape:
        return {
            "kind": kind,
            "by": record.by,
            "decision": record.decision,
            "person": entity(record.person),
            "reason": record.reason,
            "until_ms": whole(record.until_ms) if isinstance(record, Approved) else None,
            **(
                {"narrowed": list[Json](sorted(record.narrowed))}
                if isinstance(record, Approved) and record.narrowed
                else {}
            ),
        }

    return shape


def _signalled(record: Signalled) -> _Shape:
    return {
        "kind": "signalled",
        "by": record.by,
        "cause": record.cause,
        "half_life_ms": whole(record.half_life_ms),
        "identity": record.identity,
        # Not a number would stop the batch; what it was is sealed.
        "weight_micros": whole(round(micros)) if isfinite(micros := record.weight * 1_000_000) else None,
    }


def _intent_declared(record: IntentDeclared) -> _Shape:
    return {"kind": "intent_declared", "by": record.by, "chain": record.chain}


def _audit_read(record: AuditRead) -> _Shape:
    return {
        "kind": "audit_read",
        "by": record.by,
        "first": whole(record.first),
        "last": whole(record.last),
        "what": record.what,
    }


_SHAPES = cast(
    "dict[type, Callable[[Record], _Shape]]",
    {
        Decided: _decided, Reported: _reported, Cancelled: _cancelled, ChainOpened: _chain_opened,
        ChainClosed: _chain_closed, Granted: _granted, Revoked: _revoked, Suspended: _suspended,
        Reinstated: _reinstated, Relabelled: _relabelled, PolicyPublished: _policy_published,
        GraphStaged: _graph_staged, GraphCommitted: _graph_committed, SourceRemoved: _source_removed,
        Approved: _reviewed("approved"), Rejected: _reviewed("rejected"), Signalled: _signalled,
        IntentDeclared: _intent_declared, AuditRead: _audit_read, **dict.fromkeys(GOVERNING, governing),
    },
)  # fmt: skip
