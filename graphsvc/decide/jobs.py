"""The jobs that the sequencer runs: what each adds to the log, judged again whenever the world moved.

Who may say what a key was answered. Only the process that made a decision knows whether its caller was told in time. When
it was not, that process appends a CANCEL and the key stays DENY. Any other process, or the same after a restart, that is
asked again must not say PERMIT while that CANCEL may be on its way: it first appends that the answer was given (a report
of outcome UNKNOWN). Both are judged on the chain's cell, so one of them comes first in the log, and the other yields.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import cast

import msgspec
from msgspec.structs import replace

from graphsvc.core.cap import LIVE, is_near_cap
from graphsvc.core.evaluate import decided
from graphsvc.core.glob import matcher
from graphsvc.core.record import Cancelled, Record, Reported
from graphsvc.core.request import AccessRequest
from graphsvc.core.state import ChainState, Overlay
from graphsvc.core.verdict import Reason, ReasonCode, Verdict
from graphsvc.core.world import World
from graphsvc.decide.cell import (
    GRAPH,
    LIVE_CELL,
    WAITING_CELL,
    chain_cell,
    decision_reads,
    decision_touches,
    foreign_guards,
    spending_touches,
)
from graphsvc.decide.command import Caller
from graphsvc.decide.proposal import Proposal
from graphsvc.decide.values import Values
from graphsvc.errors import BadInput, Conflict, NotAllowed

__all__ = [
    "REPLAY",
    "ChangeJob",
    "DecideJob",
    "Moment",
    "ReportJob",
    "check_chain",
    "check_owner",
    "check_session",
    "not_spoken_for",
]

# Who reports that an answer was given again.
REPLAY = "replay"
_EVERYBODY = ("*",)
_APPROVAL = "review:"  # begins the ids of approvals, which nobody reports on


@dataclass(slots=True)
class DecideJob:
    """One request for a decision. replay: the id of the stored decision when the key was used before.

    own: decisions whose answers this process gave itself. digest: of the whole request; values: what is kept of it.
    """

    caller: Caller
    request: AccessRequest
    dedupe: str
    digest: str
    deadline_ms: int | None = None
    rank: int = 2
    replay: str | None = None
    own: Container[str] = ()
    values: Values = field(default_factory=Values)

    def propose(self, world: World, overlay: Overlay, at_ms: int, seq: int) -> Proposal | None:
        """Judge the request; None when its key has been answered."""
        self.replay = None
        answered = world.answered.get(self.dedupe) or cast(
            "tuple[str, str] | None", overlay.get(("k", self.dedupe))
        )
        if answered is not None:
            digest, decision = answered
            if not self.values.is_same(digest, self.digest):
                raise Conflict("the idempotency key was used for another request; use a new key")
            self.replay = decision
            return self._given_again(world, at_ms, decision)
        if self.deadline_ms is not None and at_ms >= self.deadline_ms:
            # Given up before it was judged: nothing is recorded.
            raise TimeoutError
        request = self.request
        check_chain(overlay, self.caller, request)
        check_session(world, overlay, self.caller, request.session)
        # Before it is judged: whoever judges it again from the log sees what was seen here.
        request = self.values.kept(world, request)
        digest = self.values.digest(self.digest, request)
        evaluation = world.evaluate(request, at_ms, overlay, seq=seq)
        refused = not_spoken_for(self.caller, request)
        if refused is not None:
            evaluation = world.refuse(evaluation, refused, overlay, seq=seq)
        # The opener's token subject owns the chain, for the rest of this batch already.
        chain = evaluation.delta["c", request.chain]
        if isinstance(chain, ChainState) and not chain.owner:
            evaluation.delta["c", request.chain] = replace(chain, owner=self.caller.subject)
        # So is its session from the first chain on.
        overlay.merge({("o", evaluation.session): overlay.get(("o", evaluation.session)) or request.chain})
        record = decided(
            evaluation,
            by=self.caller.subject,
            dedupe=self.dedupe,
            digest=digest,
            policy=world.ruleset.version,
        )
        ruleset = world.ruleset
        counted = [LIVE_CELL] if is_near_cap(overlay) else []
        if record.verdict is not Verdict.PERMIT and ruleset.protection.caps:
            counted.append(WAITING_CELL)
        if evaluation.opened and overlay.get(f"ts:{evaluation.session}") is None:
            # Sessions that this batch begins count for those behind them (see `cap`).
            overlay.merge({LIVE: (overlay.get(LIVE) or 0) + 1})
        # A second request with this key in the same batch finds the first here.
        overlay.merge({("k", self.dedupe): (digest, request.id)})
        if request.review is not None and record.answered is Verdict.PERMIT:
            overlay.merge({("v", request.review): request.id})
        for grant in record.grants:
            used = overlay.get(("g", grant))
            used = used if isinstance(used, int) else world.grants.used.get(grant, 0)
            overlay.merge({("g", grant): used + 1})
        if record.answered is Verdict.ESCALATE and ruleset.protection.caps:
            # Reviews that this batch opens count for those behind them (see `settle`).
            for who in ("", evaluation.event.who.actor):
                pending = overlay.get(("w", who))
                overlay.merge({("w", who): (pending if isinstance(pending, int) else 0) + 1})
        return Proposal(
            records=(record,),
            reads=lambda: (*decision_reads(evaluation, self.dedupe, ruleset), *counted),
            touches=frozenset((*decision_touches(record, ruleset), *spending_touches(evaluation), *counted)),
            known=evaluation,
        )

    def _given_again(self, world: World, at_ms: int, decision: str) -> Proposal | None:
        """What has to be in the log before a PERMIT that another process gave is given again; None: nothing."""
        past = world.history.get(decision)
        if past is None or not past.in_history or decision in self.own:
            return None
        if decision in world.reported or decision in world.cancelled:
            return None
        told = Reported(at_ms=max(at_ms, past.at_ms), action=decision, outcome="UNKNOWN", by=REPLAY)
        cell = frozenset((chain_cell(past.chain),))
        return Proposal(records=(told,), reads=lambda: cell, touches=cell)


@dataclass(slots=True)
class ReportJob:
    """What came of an action, or that it did not happen.

    late: its caller was told DENY, so it did not happen, unless somebody was told PERMIT meanwhile.
    """

    caller: Caller
    record: Reported | Cancelled
    rank: int = 1
    late: bool = False

    def propose(self, world: World, overlay: Overlay, at_ms: int, seq: int) -> Proposal | None:
        """BadInput when the action is unknown or was not permitted."""
        action = self.record.action
        past = world.history.get(action)
        if past is None or action.startswith(_APPROVAL):
            raise BadInput(
                f"no decision `{action}`; report takes the id that decide returned", field="decision"
            )
        if self.late and action in world.reported:
            return None
        check_owner(overlay, self.caller, past.chain)
        if not past.in_history and action not in world.cancelled:
            raise BadInput(f"decision `{action}` was not PERMIT, so nothing ran", field="decision")
        record = msgspec.structs.replace(self.record, at_ms=max(at_ms, past.at_ms), by=self.caller.subject)
        chain = chain_cell(past.chain)
        guards = foreign_guards(past.action, world.ruleset, of_steps=False)
        touches = frozenset((*past.scopes, chain, *guards))
        return Proposal(records=(record,), reads=lambda: (chain,), touches=touches)


@dataclass(frozen=True, slots=True)
class Moment:
    """What a change is made on: the world, what the batch has changed so far, and the time."""

    world: World
    overlay: Overlay
    at_ms: int


@dataclass(slots=True)
class ChangeJob:
    """A change of rights, rules, graph or chains. build: its records as of a moment."""

    build: Callable[[Moment], Sequence[Record]]
    touches: frozenset[str]
    reads: frozenset[str] = field(default_factory=lambda: frozenset((GRAPH,)))
    rank: int = 0

    def propose(self, world: World, overlay: Overlay, at_ms: int, seq: int) -> Proposal | None:
        """The records; GraphsvcError from `build` when the change cannot be made."""
        records = tuple(self.build(Moment(world, overlay, at_ms)))
        return Proposal(records=records, reads=lambda: self.reads, touches=self.touches) if records else None


def not_spoken_for(caller: Caller, request: AccessRequest) -> Reason | None:
    """Why the caller's token does not let it ask for this subject; None when it does."""
    if caller.subjects == _EVERYBODY or matcher(caller.subjects)(request.subject.id):
        return None
    told = f"the token may not speak for `{request.subject.id}`"
    return Reason(ReasonCode.caller_not_allowed, told, Verdict.DENY)


def check_chain(overlay: Overlay, caller: Caller, request: AccessRequest) -> None:
    """The caller owns the chain and those it draws from; a chain's session and parent stay (R3)."""
    chain = overlay.get(("c", request.chain))
    if isinstance(chain, ChainState) and chain.used:
        if request.session is not None and request.session != chain.session:
            told = f"chain `{request.chain}` belongs to session `{chain.session}`; leave `session` out"
            raise BadInput(told, field="session")
        if request.parent_chain is not None and request.parent_chain != chain.parent:
            told = f"chain `{request.chain}` was opened with another parent; leave `parentChain` out"
            raise BadInput(told, field="parentChain")
    if request.parent_chain == request.chain:
        raise BadInput("a chain cannot be its own parent", field="parentChain")
    named = (
        request.chain,
        *request.joins,
        *((request.parent_chain,) if request.parent_chain is not None else ()),
    )
    for name in named:
        check_owner(overlay, caller, name)


def check_owner(overlay: Overlay, caller: Caller, chain: str) -> None:
    """The opener's token subject owns a chain; NotAllowed never tells whether it exists."""
    state = overlay.get(("c", chain))
    if not isinstance(state, ChainState) or not state.owner or "chain:any" in caller.scopes:
        return
    if state.owner != caller.subject and caller.subject not in state.shared_with:
        raise NotAllowed(f"chain `{chain}` is not yours to use")


def check_session(world: World, overlay: Overlay, caller: Caller, session: str | None) -> None:
    """Whoever names a session must be let into the chain that began it."""
    if session is None:
        return
    first = overlay.get(("o", session))
    for chain in (first if isinstance(first, str) else _first_chain(world, session), session):
        if chain is not None:
            check_owner(overlay, caller, chain)


def _first_chain(world: World, session: str) -> str | None:
    actions = world.names_of.get(f"s:{session}")
    past = world.history.get(actions[0]) if actions else None
    return None if past is None else past.chain
