"""What a judgement says, and the record of it."""

from __future__ import annotations

import msgspec

from graphsvc.core.event import Event
from graphsvc.core.record import Decided
from graphsvc.core.request import AccessRequest
from graphsvc.core.state import Delta, Happened
from graphsvc.core.verdict import PERMIT, Completion, Reason, Risk, ShadowVerdict, Verdict

__all__ = ["Evaluation", "decided"]


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """The answer, and what recording it changes.

    verdict is what the rules say; `enforced` what the caller gets (PERMIT while observing).
    delta: state after the action took its place with this verdict; happened: the action as it is kept then. scopes: its session and principals, as cells.
    grants: ids of situational grants without which it would not be allowed. held: ids of the identities whose
    rights and grants were looked at together. lineage: the chains that its chain was spawned from. shadow: what
    rules on trial said.
    """

    request: AccessRequest
    at_ms: int
    verdict: Verdict
    enforced: Verdict
    reasons: tuple[Reason, ...]
    completions: tuple[Completion, ...]
    risk: Risk
    session: str
    index: int
    scopes: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    opened: tuple[str, ...]
    event: Event
    delta: Delta
    happened: Happened
    grants: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    lineage: tuple[str, ...] = ()
    shadow: tuple[ShadowVerdict, ...] = ()


def decided(
    evaluation: Evaluation,
    *,
    by: str = "",
    dedupe: str = "",
    digest: str = "",
    enforced: Verdict | None = None,
    policy: str = "",
) -> Decided:
    """The record of an evaluation. enforced: what was answered; None: what the evaluation says. policy: by which rules."""
    answered = enforced if enforced is not None else evaluation.enforced
    return Decided(
        at_ms=evaluation.at_ms,
        request=evaluation.request,
        verdict=evaluation.verdict,
        reasons=evaluation.reasons,
        completions=evaluation.completions,
        risk=evaluation.risk,
        session=evaluation.session,
        index=evaluation.index,
        scopes=evaluation.scopes,
        edges=evaluation.edges,
        opened=evaluation.opened,
        by=by,
        dedupe=dedupe,
        digest=digest,
        enforced=answered if answered is not evaluation.verdict else None,
        grants=evaluation.grants if answered is PERMIT else (),
        shadow=evaluation.shadow,
        policy=policy,
    )
