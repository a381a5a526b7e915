"""Everything known at one place of the log: a fold over records, one after the other.

`apply` is the only way in which anything changes. Two worlds that folded the same records are equal,
whatever store the records came from and however they were batched.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import cast

import msgspec
from msgspec.structs import replace

from graphsvc.core.entitlement import Grants
from graphsvc.core.estate import EdgeKey, Estate
from graphsvc.core.evaluate import Evaluation, Facts, evaluate
from graphsvc.core.event import Event
from graphsvc.core.graph import Edge, Node, resource_key
from graphsvc.core.place import open_chain
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policy, set_problems
from graphsvc.core.record import (
    Cancelled,
    ChainClosed,
    ChainOpened,
    Decided,
    Granted,
    GraphCommitted,
    GraphStaged,
    PolicyPublished,
    Record,
    Reinstated,
    Relabelled,
    Reported,
    Revoked,
    SourceRemoved,
    Suspended,
)
from graphsvc.core.request import AccessRequest
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset, compile_ruleset
from graphsvc.core.state import ChainState, Delta, StateView
from graphsvc.core.verdict import Reason, Verdict
from graphsvc.errors import PolicyError

_UNSCOPED = frozenset("cemk")

__all__ = ["Past", "World", "load_packs", "scope_of"]


class Past(msgspec.Struct, frozen=True, gc=False):
    """A recorded action, as much as rebuilding needs: its facts as of when it was judged.

    fed: the declared parents that counted. labels: reported later (rule R11).
    """

    seq: int
    at_ms: int
    event: Event
    scopes: tuple[str, ...]
    fed: tuple[str, ...]
    in_history: bool
    labels: tuple[str, ...] = ()


class World:
    """The state of everything. entitlement: overrides the packs' setting (for replay)."""

    def __init__(self, *, entitlement: str | None = None) -> None:
        self.seq = 0
        self.estate = Estate()
        self.rights = Rights(self.estate)
        self.grants = Grants()
        self.packs: dict[str, PolicyPublished] = {}
        self.ruleset: Ruleset = compile_ruleset(())
        self.cells: Delta = {}
        self.decided: dict[str, Decided] = {}
        self.answered: dict[str, tuple[str, str]] = {}
        self.reported: dict[str, Reported] = {}
        self._past: dict[str, Past] = {}
        self._opened: dict[str, tuple[int, ChainOpened]] = {}
        self._names_of: dict[str, list[str]] = {}  # scope -> its actions, in log order
        self._keys_of: dict[str, set[Hashable]] = {}  # scope -> its keys in cells
        # What graph changes touched, by their number, until the projector has drawn it.
        self.redrawn: dict[int, tuple[set[str], set[EdgeKey]]] = {}
        self.cancelled: dict[str, Cancelled] = {}
        self._staged: dict[str, tuple[list[Node], list[Edge]]] = {}
        self._entitlement = entitlement

    def facts(self, view: StateView | None = None) -> Facts:
        """What a judgement may read; view: an overlay instead of the folded state."""
        return Facts(
            self.estate,
            self.rights,
            self.ruleset,
            self.grants,
            view if view is not None else self.cells,
            self._entitlement,
        )

    def time_at(self, request: AccessRequest, at_ms: int, view: StateView | None = None) -> int:
        """The time of a record: never before the newest in its session, principals or resource (R2)."""
        state: StateView = view if view is not None else self.cells
        get = state.get
        chain = cast("ChainState | None", get(("c", request.chain)))
        if chain is None:
            chain = open_chain(request.chain, request.session, request.parent_chain, at_ms, state, {})
        session = chain.session
        resource = request.resource
        resolve = self.estate.resolve
        newest = max(
            at_ms,
            cast("int", get(("m", f"s:{session}")) or 0),
            cast("int", get(("m", f"r:{resource.type}:{resource.id}")) or 0),
            cast("int", get(("m", f"p:{resolve(request.subject.id)[1]}")) or 0),
        )
        for entity in request.on_behalf_of:
            newest = max(newest, cast("int", get(("m", f"p:{resolve(entity.id)[1]}")) or 0))
        return newest

    def evaluate(
        self, request: AccessRequest, at_ms: int, view: StateView | None = None, *, seq: int = 0
    ) -> Evaluation:
        """Judge a request; nothing changes."""
        return evaluate(request, at_ms, self.facts(view), seq=seq)

    def refuse(
        self, evaluation: Evaluation, reason: Reason, view: StateView | None = None, *, seq: int = 0
    ) -> Evaluation:
        """The same action kept out of history for a reason from outside the rules."""
        refused = evaluate(evaluation.request, evaluation.at_ms, self.facts(view), seq=seq, force=False)
        return replace(
            refused, reasons=(reason,), completions=(), verdict=reason.verdict, enforced=reason.verdict
        )

    def publish(self, packs: Iterable[PolicyPublished]) -> Ruleset:
        """What would be in force with these packs published; PolicyError when they cannot be."""
        texts = {**self.packs, **{pack.pack: pack for pack in packs}}
        return compile_ruleset(load_packs(texts))

    def seq_of(self, action: str) -> int:
        """The number of an action's record; 0 when it is unknown."""
        past = self._past.get(action)
        return past.seq if past is not None else 0

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
                self._opened[record.chain] = (seq, record)
                self._open_chain(record)
            case ChainClosed():
                chain = cast("ChainState | None", self.cells.get(("c", record.chain)))
                if chain is not None:
                    self.cells["c", record.chain] = replace(chain, closed=True)
            case Granted():
                self.grants.add(record)
            case Revoked():
                self.grants.revoke(record.grant, record.at_ms)
            case Suspended():
                self.grants.suspended[record.target] = record.until_ms
            case Reinstated():
                self.grants.suspended.pop(record.target, None)
            case Relabelled():
                self._freeze()
                key = resource_key(record.resource_type, record.resource)
                self.estate.relabel(key, record.labels)
                self.redrawn[seq] = ({key}, set())
            case PolicyPublished():
                self.packs[record.pack] = record
                self._recompile()
            case GraphStaged():
                nodes, edges = self._staged.setdefault(record.load, ([], []))
                nodes.extend(record.nodes)
                edges.extend(record.edges)
            case GraphCommitted():
                self._freeze()
                nodes, edges = self._staged.pop(record.load, ([], []))
                self.redrawn[seq] = self.estate.load(record.source, nodes, edges, replace=record.replace)
            case SourceRemoved():
                self._freeze()
                self.redrawn[seq] = self.estate.remove(record.source)

    def _decide(self, record: Decided, seq: int, known: Evaluation | None) -> None:
        request = record.request
        in_history = record.answered is Verdict.PERMIT and request.executed
        if known is None:
            known = evaluate(request, record.at_ms, self.facts(), seq=seq, force=in_history)
        self._merge(known.delta)
        if record.by and not self._chain(request.chain).owner:
            self.cells["c", request.chain] = replace(self._chain(request.chain), owner=record.by)
        self.decided[request.id] = record
        if record.dedupe:
            self.answered[record.dedupe] = (record.digest, request.id)
        fed = () if not request.parents else tuple(parent for kind, parent in known.edges if kind == "FED")
        self._past[request.id] = Past(seq, record.at_ms, known.event, known.scopes, fed, in_history)
        for scope in known.scopes:
            self._names_of.setdefault(scope, []).append(request.id)

    def _report(self, record: Reported) -> None:
        self.reported[record.action] = record
        past = self._past.get(record.action)
        if past is None or not record.labels:
            return
        labels = tuple(dict.fromkeys((*past.labels, *record.labels)))
        if labels != past.labels:
            self._past[record.action] = replace(past, labels=labels)
            if past.in_history:
                self.rebuild(self._touched(past))

    def _cancel(self, record: Cancelled) -> None:
        self.cancelled[record.action] = record
        past = self._past.get(record.action)
        if past is not None and past.in_history:
            self._past[record.action] = replace(past, in_history=False)
            self.rebuild(self._touched(past))

    def _open_chain(self, record: ChainOpened) -> None:
        delta: Delta = {}
        opened = open_chain(
            record.chain, record.session, record.parent_chain, record.at_ms, self.cells, delta
        )
        delta["c", record.chain] = replace(
            opened, owner=record.owner, shared_with=record.shared_with, intent=record.intent
        )
        self._merge(delta)

    def rebuild(self, scopes: frozenset[str] | None = None) -> None:
        """Registers from history again, as if what is known now had been known then.

        scopes: only these scope instances; None: all. Verdicts given stand: each action keeps its
        place, in history or out of it.
        """
        chains = {
            key: chain
            for key, chain in self.cells.items()
            if isinstance(chain, ChainState) and (scopes is None or f"s:{chain.session}" in scopes)
        }
        if scopes is None:
            self.cells, self._keys_of = {}, {}
            names: Iterable[str] = self._past
        else:
            for scope in scopes:
                for key in self._keys_of.pop(scope, ()):
                    self.cells.pop(key, None)
            for key in chains:
                del self.cells[key]
            names = {name for scope in scopes for name in self._names_of.get(scope, ())}
        pasts: list[tuple[int, Past | ChainOpened]] = [
            (past.seq, past) for past in map(self._past.__getitem__, names)
        ]
        pasts += [self._opened[key[1]] for key in chains if isinstance(key, tuple) and key[1] in self._opened]
        for seq, past in sorted(pasts, key=lambda item: item[0]):
            if isinstance(past, ChainOpened):
                self._open_chain(past)
                continue
            evaluation = evaluate(
                past.event.request,
                past.at_ms,
                self.facts(),
                seq=seq,
                force=past.in_history,
                known=past.event,
                reported=past.labels if past.in_history else (),
                fed=past.fed,
            )
            mine = scopes is None or f"s:{evaluation.session}" in scopes
            self._merge(
                {key: value for key, value in evaluation.delta.items() if _belongs(key, scopes, mine=mine)}
            )
        for key, old in chains.items():
            now = self.cells.get(key)
            if isinstance(now, ChainState):
                self.cells[key] = replace(
                    now,
                    closed=old.closed,
                    owner=old.owner,
                    shared_with=old.shared_with,
                    opened_ms=old.opened_ms,
                    intent=old.intent,
                )
            else:
                self.cells[key] = old

    def _freeze(self) -> None:
        # A condition is judged as of the event's graph version and then fixed.
        for past in self._past.values():
            past.event.freeze()

    def _recompile(self) -> None:
        # Packs published together are checked together: after the first of them the set may not fit
        # yet. What was in force stays until it does.
        with suppress(PolicyError):
            self.ruleset = compile_ruleset(load_packs(self.packs))
            self.rebuild()

    def _merge(self, delta: Delta) -> None:
        self.cells |= delta
        for key in delta:
            # Every decision writes its chain, action and times: asked first, as they are most.
            if key[0] not in _UNSCOPED:  # type: ignore[index]  # keys are tuples
                scope = scope_of(key)
                if scope is not None:
                    self._keys_of.setdefault(scope, set()).add(key)

    def _touched(self, past: Past) -> frozenset[str] | None:
        # Guards of `by: other` and `anyone` are read across scopes: then everything is built again.
        guards = self.ruleset.candidates(past.event.request.action).guards
        if any(guard.by != "same" for _, guard in guards):
            return None
        return frozenset(past.scopes)

    def _chain(self, chain: str) -> ChainState:
        return cast("ChainState", self.cells["c", chain])


def scope_of(key: Hashable) -> str | None:
    """The scope instance that a key of the state belongs to; None for chains, actions and times."""
    if not isinstance(key, tuple):
        return None
    match key[0]:
        case "l" | "t" | "g":
            return str(key[3]) or None
        case "n":
            return str(key[2])
        case "v":
            return str(key[1])
    return None


def _belongs(key: Hashable, scopes: frozenset[str] | None, *, mine: bool) -> bool:
    if scopes is None:
        return True
    if isinstance(key, tuple) and key[0] == "m":
        # Times only grow, and other scopes' actions have moved them on since.
        return False
    if isinstance(key, tuple) and key[0] == "g" and not key[3]:
        # Guards of everybody's are built again as a whole or not at all, see `_touched`.
        return False
    scope = scope_of(key)
    return scope in scopes if scope is not None else mine


def load_packs(packs: Mapping[str, PolicyPublished]) -> tuple[Policy, ...]:
    """Load the texts of published packs, in pack order."""
    policies = [_load(pack.text, pack.file) for pack in packs.values()]
    problems = set_problems(policies)
    if problems:
        raise problems[0]
    return tuple(sorted(policies, key=lambda policy: (policy.pack.order, policy.pack.id)))


# Reading a pack takes a second where folding a record takes microseconds, and texts repeat.
@lru_cache(maxsize=256)
def _load(text: str, file: str) -> Policy:
    return load_policy(text, file)
