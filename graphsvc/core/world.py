"""Everything known at one place of the log: a fold over records, one after the other.

`apply` is the only way in which anything changes. Two worlds that folded the same records are equal,
whatever store the records came from and however they were batched.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import cast

from msgspec.structs import replace

from graphsvc.core.approval import approve, review_used, reviewed
from graphsvc.core.cap import LIVE
from graphsvc.core.estate import EdgeKey, Estate
from graphsvc.core.evaluate import Evaluation, evaluate
from graphsvc.core.event import identity_id
from graphsvc.core.facts import Facts
from graphsvc.core.folded import Folded
from graphsvc.core.gain.gains import Gains
from graphsvc.core.governance import Governance
from graphsvc.core.governing import Governing, PolicyShadowed, ReviewWithdrawn, SignalsLowered, TrialEnded
from graphsvc.core.grants import Grants
from graphsvc.core.graph import Edge, Node, resource_key
from graphsvc.core.history import History
from graphsvc.core.intent import find_lineage
from graphsvc.core.intent_amount import give_back
from graphsvc.core.ledger import Ledger
from graphsvc.core.packs import load_packs
from graphsvc.core.place import open_chain
from graphsvc.core.provenance.sighting import Sightings
from graphsvc.core.rebuild import happen_otherwise, rebuild
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
from graphsvc.core.request import AccessRequest
from graphsvc.core.retire import Sessions, has_ended, retire
from graphsvc.core.review import Review
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset, compile_ruleset
from graphsvc.core.signal import Signal, Signals
from graphsvc.core.state import ChainState, Delta, Happened, StateView
from graphsvc.core.trial import Trial
from graphsvc.core.undo import Undo
from graphsvc.core.verdict import ESCALATE, PERMIT, Reason
from graphsvc.errors import PolicyError

__all__ = ["World"]


class World:
    """The state of everything. entitlement: overrides the packs' setting (for replay). decided: what to keep decisions in."""

    def __init__(self, *, entitlement: str | None = None, decided: Ledger | None = None) -> None:
        self.seq = 0
        self.estate = Estate()
        self.rights = Rights(self.estate)
        self.grants = Grants()
        self.packs: dict[str, PolicyPublished] = {}  # in force
        self.published: list[PolicyPublished] = []  # ever, oldest first
        self.ruleset: Ruleset = compile_ruleset(())
        self.gains: Gains | None = None
        self.governance = Governance()
        self.cells: Delta = {}
        self.history = History()
        self.decided = decided if decided is not None else Ledger()
        self.answered: dict[str, tuple[str, str]] = {}
        self.reported: dict[str, Reported] = {}
        self.sightings = Sightings()
        self.signals = Signals()
        self.waiting: dict[str, Decided] = {}  # escalated, neither approved nor rejected
        self.reviews: dict[str, Review] = {}
        self.approved: set[str] = set()
        self.opened: dict[str, tuple[int, ChainOpened]] = {}
        self.names_of: defaultdict[str, list[str]] = defaultdict(list)  # scope -> its actions, in log order
        # What graph changes touched, by their number, until the projector has drawn it.
        self.redrawn: dict[int, tuple[set[str], set[EdgeKey]]] = {}
        self.cancelled: dict[str, Cancelled] = {}
        self.staged: dict[str, tuple[list[Node], list[Edge]]] = {}
        self._entitlement = entitlement
        self.undo = Undo()
        self.sessions = Sessions()
        self.last_opened: dict[str, int] = {}  # by session, the number of its newest opening
        self._facts: Facts | None = None  # the last ones given out
        self.state = Folded(self)
        # At this place of the log, with rules in force already that these very records bring (`decide.warming`).
        self.warmed: tuple[World, Sequence[Record]] | None = None

    @property
    def newest_ms(self) -> int:
        """No time in a cell is later."""
        return self.state.newest_ms

    def facts(self, view: StateView | None = None) -> Facts:
        """What a judgement may read; view: an overlay instead of the folded state."""
        state: StateView = view if view is not None else self.state
        held = self._facts
        if held is None or held.view is not state or held.ruleset is not self.ruleset:
            held = self._facts = Facts(
                self.estate,
                self.rights,
                self.ruleset,
                self.grants,
                state,
                self._entitlement,
                self.signals,
                self.reviews,
                self.gains,
                self.governance,
                self.waiting,
                self.sightings,
            )
        return held

    def evaluate(
        self,
        request: AccessRequest,
        at_ms: int,
        view: StateView | None = None,
        *,
        seq: int = 0,
        exact: bool = False,
    ) -> Evaluation:
        """Judge a request; nothing changes. exact: the time is a stored one, see `evaluate.evaluate`."""
        return evaluate(request, at_ms, self.facts(view), seq=seq, exact=exact)

    def refuse(
        self, evaluation: Evaluation, reason: Reason, view: StateView | None = None, *, seq: int = 0
    ) -> Evaluation:
        """The same action kept out of history for a reason from outside the rules."""
        refused = evaluate(
            evaluation.request, evaluation.at_ms, self.facts(view), seq=seq, force=False, exact=True
        )
        return replace(
            refused,
            reasons=(reason,),
            completions=(),
            grants=(),
            verdict=reason.verdict,
            enforced=reason.verdict,
        )

    def publish(self, packs: Iterable[PolicyPublished]) -> Ruleset:
        """What would be in force with these packs published; PolicyError when they cannot be."""
        texts = {**self.packs, **{pack.pack: pack for pack in packs}}
        return compile_ruleset(load_packs(texts), self.trials())

    def trials(self, more: PolicyShadowed | None = None) -> tuple[Trial, ...]:
        """Packs on trial, in pack order; PolicyError when they do not fit together. more: and this one."""
        held = {**self.governance.trials, **({more.pack: more} if more is not None else {})}
        return tuple(Trial(policy, held[policy.pack.id].share_ppm) for policy in load_packs(held))

    def seq_of(self, action: str) -> int:
        """The number of an action's record; 0 when it is unknown."""
        packed = self.history.get(action)
        return packed.seq if packed is not None else 0

    def happened(self, action: str) -> Happened | None:
        """An action's place in the log; None when it is unknown."""
        return self.history.happened(action, self.ruleset)

    # -- folding ---------------------------------------------------------------------------------

    def apply(self, record: Record, seq: int, known: Evaluation | None = None) -> None:  # noqa: C901  one line a kind
        """Fold one record. known: its evaluation, when this process judged it at this very state."""
        self.seq = seq
        match record:
            case Decided():
                self._decide(record, seq, known)
            case Reported():
                self._report(record)
            case Cancelled():
                self._cancel(record)
            case ChainOpened():
                self.opened[record.chain] = (seq, record)
                opening = self._opening(record)
                session = opening["c", record.chain].session
                self._opened(session, [chain for _, chain in opening], record.at_ms)
                self.cells.update(opening)
                self.last_opened[f"s:{session}"] = seq
            case ChainClosed():
                chain = cast("ChainState | None", self.cells.get(("c", record.chain)))
                if chain is not None:
                    self.cells["c", record.chain] = replace(chain, closed=True)
                    self._over(chain.session, record.at_ms)
            case Granted():
                self.grants.add(record)
            case Revoked():
                self.grants.revoke(record.grant, record.at_ms)
            case Suspended():
                self.grants.suspend(record)
            case Reinstated():
                self.grants.reinstate(record.target_kind, record.target)
            case Relabelled():
                key = resource_key(record.resource_type, record.resource)
                self.estate.relabel(key, record.labels)
                self.redrawn[seq] = ({key}, set())
                self._follow_graph()
            case PolicyPublished():
                self.packs[record.pack] = record
                self.published.append(record)
                self.governance.published(record, seq)
                self._recompile(record)
            case GraphStaged():
                nodes, edges = self.staged.setdefault(record.load, ([], []))
                nodes.extend(record.nodes)
                edges.extend(record.edges)
            case GraphCommitted():
                nodes, edges = self.staged.pop(record.load, ([], []))
                self.redrawn[seq] = self.estate.load(record.source, nodes, edges, replace=record.replace)
                self._follow_graph()
            case SourceRemoved():
                self.redrawn[seq] = self.estate.remove(record.source)
                self._follow_graph()
            case Approved():
                approve(self, record, seq)
            case Rejected():
                reviewed(self, record)
            case Signalled():
                signal = Signal(record.at_ms, record.weight, record.half_life_ms, record.cause)
                self.signals.add(identity_id(self.estate, record.identity), signal)
            case IntentDeclared():
                chain = cast("ChainState | None", self.cells.get(("c", record.chain)))
                if chain is not None:
                    self.cells["c", record.chain] = replace(chain, intent=record.intent)
            case AuditRead():
                pass
            case _:
                self._govern(record, seq)
        if record.at_ms >= self.sessions.due_ms:
            retire(self, record.at_ms)

    def _govern(self, record: Governing, seq: int) -> None:
        self.governance.apply(record, seq)
        if isinstance(record, PolicyShadowed | TrialEnded):
            self._recompile(record)
        elif isinstance(record, SignalsLowered):
            self.signals.lower(identity_id(self.estate, record.identity), record.sender, record.before_ms)
        elif isinstance(record, ReviewWithdrawn):
            self.waiting.pop(record.decision, None)

    def _decide(self, record: Decided, seq: int, known: Evaluation | None) -> None:
        request, answered = record.request, record.verdict if record.enforced is None else record.enforced
        taken = answered is PERMIT and request.executed
        key = "c", request.chain
        if known is not None and known.delta[key].closed:
            # Its session may have been forgotten since it was judged.
            known = known if not has_ended(self.state, known.session, known.opened) else None
        if known is None:
            known = evaluate(request, record.at_ms, self.facts(), seq=seq, force=taken, exact=True)
        self._opened(known.session, known.opened, record.at_ms)
        self.happen(known)
        chain: ChainState = known.delta[key]
        if record.by and not chain.owner:
            self.cells[key] = replace(chain, owner=record.by)
        if chain.closed and has_ended(self.state, known.session):
            # Refused, and forgotten again with what is left of the session.
            self.sessions.over[known.session] = record.at_ms
        by_break = record.enforced is not None and self.governance.broken
        self.decided.add(record, pin=bool(by_break))
        if record.grants:
            self.grants.use(record.grants)
        if by_break:
            self.governance.decided(record)
        if answered is ESCALATE:
            self.waiting[request.id] = record
        if record.dedupe:
            self.answered[record.dedupe] = (record.digest, request.id)
            self.sessions.keyed(known.session, record.dedupe)
        if request.review is not None and taken:
            review_used(self, request.review, request.id)
        self.named(known)

    def happen(self, evaluation: Evaluation) -> None:
        """An action takes its place."""
        cells, state, event, at_ms = self.cells, self.state, evaluation.event, evaluation.at_ms
        self.undo.record(evaluation.happened, cells)
        cells.update(evaluation.delta)
        for clock in event.who.within(event.session)[2]:
            cells[clock] = at_ms
        cells[event.what.clock] = at_ms
        self.history.keep(evaluation.happened)
        state.newest_ms = max(state.newest_ms, at_ms)

    def named(self, evaluation: Evaluation) -> None:
        """An action is one of its scopes' from now on."""
        action, names_of = evaluation.request.id, self.names_of
        for scope in evaluation.scopes:
            names_of[scope].append(action)

    def _report(self, record: Reported) -> None:
        before = self.reported.get(record.action)
        if before is not None and before.tokens:
            # Of several reports the newest counts, with what all of them saw: a restored world takes sightings from it.
            tokens = tuple(dict.fromkeys((*before.tokens, *record.tokens)))
            self.reported[record.action] = replace(record, tokens=tokens)
        else:
            self.reported[record.action] = record
        packed = self.history.get(record.action)
        if packed is None:
            return
        if record.tokens:
            self.sightings.add(packed.session, record.tokens)
        changed = self.history.report(record.action, record.labels, self.ruleset) if record.labels else None
        if changed is not None:
            candidates = self.ruleset.candidates(packed.action)
            if record.action in self.approved or candidates.tells_apart(*changed):
                happen_otherwise(self, cast("Happened", self.happened(record.action)))

    def _cancel(self, record: Cancelled) -> None:
        self.cancelled[record.action] = record
        past = self.happened(record.action)
        if past is not None and past.in_history:
            now = replace(past, in_history=False)
            self.history.keep(now)
            chain = past.event.chain
            chains = (chain, *find_lineage(self._chain(chain), self.state))
            self.cells.update(give_back(past.event, chains, self.state))
            happen_otherwise(self, now)

    def open_chain(self, record: ChainOpened) -> None:
        """A chain begins without an action: what the state says of that."""
        self.cells.update(self._opening(record))

    def _opening(self, record: ChainOpened) -> dict[tuple[str, str], ChainState]:
        delta: Delta = {}
        opened = open_chain(
            record.chain, record.session, record.parent_chain, record.at_ms, self.state, delta
        )
        delta["c", record.chain] = replace(
            opened, owner=record.owner, shared_with=record.shared_with, intent=record.intent
        )
        return cast("dict[tuple[str, str], ChainState]", delta)

    def _opened(self, session: str, chains: Iterable[str], at_ms: int) -> None:
        """Chains begin, or are mentioned before they do. Call it while the state says what was known of them."""
        sessions = self.sessions
        for chain in chains:
            mentioned = cast("ChainState | None", self.cells.get(("c", chain)))
            if mentioned is not None and mentioned.session != session:
                sessions.moved(mentioned.session, chain)
                self._over(mentioned.session, at_ms)
            sessions.opened(session, chain)
            self.cells[LIVE] = len(sessions.chains)

    def _over(self, session: str, at_ms: int) -> None:
        """Note that a session is over when all its chains are closed; those only mentioned never began."""
        chains = [self._chain(name) for name in self.sessions.chains.get(session, ())]
        if chains and all(chain.closed or not chain.used for chain in chains):
            self.sessions.over[session] = at_ms

    def rebuild(self) -> None:
        """Registers from all of history again, as if what is known now had been known then."""
        rebuild(self)

    def _follow_graph(self) -> None:
        # A condition is judged as of the event's graph version and then fixed, unless it says otherwise.
        if self.ruleset.is_live:
            self.rebuild()

    def _recompile(self, record: Record) -> None:
        if self.warmed is not None and record is self.warmed[1][0] and self.warmed[0].seq != self.seq - 1:
            # It has not seen all that was before the rules.
            self.warmed = None
        if self.warmed is not None and any(record is each for each in self.warmed[1]):
            if record is self.warmed[1][-1]:
                self._take_over(self.warmed[0])
            return
        # Packs published together are checked together: after the first of them the set may not fit
        # yet. What was in force stays until it does.
        with suppress(PolicyError):
            before = self.ruleset
            self.compile()
            rebuild(self, judged_by=before)

    def compile(self) -> None:
        """Put the packs in force; PolicyError when they do not fit together."""
        self._put_in_force(compile_ruleset(load_packs(self.packs), self.trials()))

    def _take_over(self, other: World) -> None:
        """What another world remembers by its rules, and these rules."""
        self.cells, self.history, self.undo = other.cells, other.history, other.undo
        self.state = Folded(self, max(self.state.newest_ms, other.state.newest_ms))
        self._put_in_force(other.ruleset)

    def _put_in_force(self, ruleset: Ruleset) -> None:
        self.ruleset = ruleset
        asks = self.ruleset.rights_patterns or self.ruleset.reach_patterns
        self.gains = Gains(self.ruleset, self.estate, self.rights) if asks else None

    def _chain(self, chain: str) -> ChainState:
        return cast("ChainState", self.cells["c", chain])
