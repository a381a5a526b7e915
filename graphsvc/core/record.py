"""Everything durable: the records that log entries hold, of which all state is a fold.

A record is written once and never changed. Each takes the next number of the store's one counter.
"""

from __future__ import annotations

import msgspec

from graphsvc.core.governing import Governing
from graphsvc.core.graph import Edge, Node
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.value import Json
from graphsvc.core.verdict import Completion, Reason, Risk, ShadowVerdict, Verdict

__all__ = [
    "Approved",
    "AuditRead",
    "Cancelled",
    "ChainClosed",
    "ChainOpened",
    "Decided",
    "Granted",
    "GraphCommitted",
    "GraphStaged",
    "IntentDeclared",
    "PolicyPublished",
    "Record",
    "Reinstated",
    "Rejected",
    "Relabelled",
    "Reported",
    "Revoked",
    "Signalled",
    "SourceRemoved",
    "Suspended",
]  # fmt: skip


class _Base(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag_field="kind"):
    at_ms: int


class Decided(_Base, frozen=True, kw_only=True, tag="decided"):
    """An action was judged. The request's id names both the action and the decision.

    index: the action's place in its chain, from 1. scopes: its session and principals, as cell names.
    edges: happened-before and data flow into it, (NEXT | SPAWN | JOIN | FED, earlier action).
    opened: chains that this record opened. by: the token subject that asked. dedupe: hash of (by, idempotency key); digest: hash of the
    canonical input. enforced: what was
    answered while observing, None when it was the verdict itself. grants: ids of the situational
    grants that allowed it. shadow: what rules on trial said. policy: the version of all rules in force together, see
    `Ruleset.version`.
    """

    request: AccessRequest
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    completions: tuple[Completion, ...] = ()
    risk: Risk = Risk()
    session: str
    index: int
    scopes: tuple[str, ...] = ()
    edges: tuple[tuple[str, str], ...] = ()
    opened: tuple[str, ...] = ()
    by: str = ""
    dedupe: str = ""
    digest: str = ""
    enforced: Verdict | None = None
    grants: tuple[str, ...] = ()
    shadow: tuple[ShadowVerdict, ...] = ()
    policy: str = ""

    @property
    def answered(self) -> Verdict:
        """What the caller was told: the verdict, or PERMIT while observing."""
        return self.enforced if self.enforced is not None else self.verdict


class Reported(_Base, frozen=True, kw_only=True, tag="reported"):
    """What came of a permitted action (rule R11). outcome: SUCCESS, FAILURE or UNKNOWN."""

    action: str
    outcome: str
    labels: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    by: str = ""


class Cancelled(_Base, frozen=True, kw_only=True, tag="cancelled"):
    """A permitted action did not happen (rule R10)."""

    action: str
    by: str = ""


class ChainOpened(_Base, frozen=True, kw_only=True, tag="chain_opened"):
    """A chain was opened before its first action. shared_with: token subjects that may use it."""

    chain: str
    session: str | None = None
    parent_chain: str | None = None
    owner: str = ""
    shared_with: tuple[str, ...] = ()
    intent: dict[str, Json] | None = None


class ChainClosed(_Base, frozen=True, kw_only=True, tag="chain_closed"):
    """A chain takes no further action."""

    chain: str
    by: str = ""


class Granted(_Base, frozen=True, kw_only=True, tag="granted"):
    """A situational grant: rights for a while. chain, session: only within that one. asked: the request it answers."""

    id: str
    identity: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    from_ms: int
    to_ms: int
    chain: str | None = None
    uses: int | None = None
    purpose: str = ""
    by: str = ""
    session: str | None = None
    asked: str = ""


class Revoked(_Base, frozen=True, kw_only=True, tag="revoked"):
    """A situational grant ended early."""

    grant: str
    reason: str = ""
    by: str = ""


class Suspended(_Base, frozen=True, kw_only=True, tag="suspended"):
    """An identity may do nothing until it is reinstated or `until_ms` has passed."""

    target_kind: str
    target: str
    reason: str = ""
    until_ms: int | None = None
    by: str = ""


class Reinstated(_Base, frozen=True, kw_only=True, tag="reinstated"):
    """A suspension ended."""

    target_kind: str
    target: str
    by: str = ""


class Relabelled(_Base, frozen=True, kw_only=True, tag="relabelled"):
    """A resource carries these labels from now on; earlier actions keep what they had."""

    resource_type: str
    resource: str
    labels: tuple[str, ...]
    by: str = ""


class PolicyPublished(_Base, frozen=True, kw_only=True, tag="policy_published"):
    """A pack takes effect at this place of the log, replacing the one of the same id.

    signed_by: the name of the key that signed its text. drafted_by: who drafted it, where somebody else published it.
    """

    pack: str
    version: str
    sha256: str
    text: str
    file: str = "<policy>"
    comment: str = ""
    by: str = ""
    signed_by: str = ""
    drafted_by: str = ""


class GraphStaged(_Base, frozen=True, kw_only=True, tag="graph_staged"):
    """A part of an import, invisible until its GraphCommitted."""

    load: str
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()


class GraphCommitted(_Base, frozen=True, kw_only=True, tag="graph_committed"):
    """All staged parts of `load` become visible at once as facts of `source`.

    replace: facts of the source that the load does not hold are gone; else they stay.
    """

    load: str
    source: str
    replace: bool = False
    by: str = ""


class SourceRemoved(_Base, frozen=True, kw_only=True, tag="source_removed"):
    """All facts of a source are gone."""

    source: str
    by: str = ""


class Approved(_Base, frozen=True, kw_only=True, tag="approved"):
    """A person approved an escalated action (rule R12); it also counts as a guard event (rule R14).

    until_ms: when the approval can be used for the last time, None: for ever. narrowed: properties of the action that
    must be asked for with these values instead.
    """

    decision: str
    person: Entity
    reason: str = ""
    by: str = ""
    until_ms: int | None = None
    narrowed: dict[str, Json] | None = None


class Rejected(_Base, frozen=True, kw_only=True, tag="rejected"):
    """A person refused an escalated action."""

    decision: str
    person: Entity
    reason: str = ""
    by: str = ""


class Signalled(_Base, frozen=True, kw_only=True, tag="signalled"):
    """A warning about an identity: `weight` (0 to 1) halves every `half_life_ms`."""

    identity: str
    weight: float
    half_life_ms: int
    cause: str = ""
    by: str = ""


class AuditRead(_Base, frozen=True, kw_only=True, tag="audit_read"):
    """Somebody read the audit log. what: proof, records, export, report or truncation; first, last: numbers of the records read."""

    what: str
    first: int
    last: int
    by: str = ""


class IntentDeclared(_Base, frozen=True, kw_only=True, tag="intent_declared"):
    """What a chain is for, from now on."""

    chain: str
    intent: dict[str, Json]
    by: str = ""


Record = (
    Decided | Reported | Cancelled | ChainOpened | ChainClosed | Granted | Revoked | Suspended | Reinstated
    | Relabelled | PolicyPublished | GraphStaged | GraphCommitted | SourceRemoved | Approved | Rejected
    | Signalled | IntentDeclared | Governing | AuditRead
)  # fmt: skip
