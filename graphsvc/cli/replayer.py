"""A trace through the engine: one verdict an action, without a store, a clock or a network."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from graphsvc.core.evaluate import Evaluation, decided, evaluate
from graphsvc.core.graph import Edge, Node
from graphsvc.core.halt import HALTED_KINDS
from graphsvc.core.policy.document import Policy
from graphsvc.core.record import (
    Approved,
    Cancelled,
    GraphCommitted,
    GraphStaged,
    PolicyPublished,
    Record,
    Rejected,
    Reported,
    Revoked,
    Suspended,
)
from graphsvc.core.request import AccessRequest
from graphsvc.core.state import ChainState
from graphsvc.core.trace import TraceAction, TraceApproval, TraceChange, TraceItem
from graphsvc.core.value import Json
from graphsvc.core.verdict import Verdict
from graphsvc.core.world import World
from graphsvc.errors import BadInput

__all__ = ["Replayer", "outcome_record", "risk_score"]

_SUSPENDED_KINDS = frozenset(("identity", *HALTED_KINDS))


class Replayer:
    """A world that lives through a trace.

    force: what happened is what the trace says (`executed`), whatever the verdict; only `completed`
    is then comparable (rule R18). warnings: what was ignored and why, each with its place.
    """

    def __init__(
        self,
        policies: Iterable[Policy],
        *,
        nodes: Iterable[Node] = (),
        edges: Iterable[Edge] = (),
        entitlement: str | None = None,
        force: bool = False,
    ) -> None:
        self.world = World(entitlement=entitlement)
        self.force = force
        self.warnings: list[str] = []
        self._apply(GraphStaged(at_ms=0, load="graph", nodes=tuple(nodes), edges=tuple(edges)))
        self._apply(GraphCommitted(at_ms=0, load="graph", source="graph"))
        for policy in policies:
            source, pack = policy.source, policy.pack
            self._apply(
                PolicyPublished(
                    at_ms=0,
                    pack=pack.id,
                    version=pack.version,
                    sha256=source.sha256,
                    text=source.text,
                    file=source.file,
                )
            )

    def step(self, item: TraceItem) -> Evaluation | None:
        """Take one item; the evaluation when it is an action."""
        match item:
            case TraceAction():
                return self._action(item)
            case TraceChange():
                for record in item.records:
                    if self._is_known(record, item.place):
                        self._apply(record)
            case TraceApproval():
                record = Approved(at_ms=item.at_ms, decision=item.decision, person=item.by)
                if self._is_known(record, item.place):
                    self._apply(record)
        return None

    def _action(self, item: TraceAction) -> Evaluation:
        request, world = item.request, self.world
        if request.id in world.history:
            raise BadInput(
                f"{item.place}: id: `{request.id}` names an earlier action; give each its own", field="id"
            )
        self._check_chain(request, item.place)
        # Exported records carry a number: their times are taken as stored (rule R2).
        return self._decide(request, item.at_ms, exact=item.seq is not None)

    def _decide(self, request: AccessRequest, at_ms: int, *, exact: bool) -> Evaluation:
        world, seq = self.world, self.world.seq + 1
        judged = folded = world.evaluate(request, at_ms, seq=seq, exact=exact)
        enforced = judged.enforced
        if self.force:
            at_ms, executed = judged.at_ms, request.executed
            folded = evaluate(request, at_ms, world.facts(), seq=seq, force=executed, exact=True)
            enforced = Verdict.PERMIT if executed else Verdict.DENY
        world.apply(decided(judged, enforced=enforced), seq, folded)
        return judged

    def _check_chain(self, request: AccessRequest, place: str) -> None:
        held = self.world.cells.get(("c", request.chain))
        if not isinstance(held, ChainState) or not held.used:
            return
        for name, asked, fixed in (
            ("session", request.session, held.session),
            ("parent_chain", request.parent_chain, held.parent),
        ):
            if asked is not None and asked != fixed:
                self.warnings.append(
                    f"{place}: {name}: the chain `{request.chain}` began with `{fixed}`; `{asked}` is ignored"
                )

    def _is_known(self, record: Record, place: str) -> bool:
        match record:
            case Approved(decision=decision) | Rejected(decision=decision):
                if decision not in self.world.history:
                    self.warnings.append(f"{place}: decision: `{decision}` names no earlier action; ignored")
                    return False
            case Reported(action=action) | Cancelled(action=action):
                if action not in self.world.history:
                    self.warnings.append(f"{place}: action: `{action}` names no earlier action; ignored")
                    return False
            case Revoked(grant=grant):
                if self.world.grants.by_id.get(grant) is None:
                    self.warnings.append(f"{place}: grant: `{grant}` names no earlier grant; ignored")
                    return False
            case Suspended(target_kind=kind) if kind not in _SUSPENDED_KINDS:
                known = ", ".join(sorted(_SUSPENDED_KINDS))
                self.warnings.append(f"{place}: target.type: `{kind}` is none of {known}; ignored")
                return False
        return True

    def _apply(self, record: Record) -> None:
        self.world.apply(record, self.world.seq + 1)


def risk_score(micros: int) -> float:
    """A microscore as a probability, 0..1, six digits."""
    return round(1.0 - math.exp(-micros / 1_000_000), 6)


def outcome_record(evaluation: Evaluation, took_ns: int | None = None) -> dict[str, Json]:
    """The line a replay writes for an action; the same evaluation gives the same bytes."""
    record: dict[str, Json] = {
        "id": evaluation.request.id,
        "verdict": evaluation.enforced.value,
        "completed": list[Json](sorted(completion.pattern for completion in evaluation.completions)),
        "reasons": list[Json](dict.fromkeys(reason.code.value for reason in evaluation.reasons)),
        "risk": {
            "before": risk_score(evaluation.risk.before_micros),
            "after": risk_score(evaluation.risk.after_micros),
        },
    }
    if took_ns is not None:
        record["micros"] = took_ns // 1000
    return record


def encode(record: Json) -> bytes:
    """One line of JSON, fields in the order they were put in."""
    return msgspec.json.encode(record) + b"\n"
