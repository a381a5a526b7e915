"""Stored history judged again under other packs: which verdicts would have been different.

History itself stays: what happened then has happened, whatever either set of rules says. Two ways lead to the same
answer. `Whole` judges every action by both sets. `Changed` judges only what changed patterns can concern: sessions in
which no action fits a part of one are passed over, and what the other rules said is taken from the record. It is right
only where nothing but patterns differs, and nothing else makes them count more than one by one: see `only_patterns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphsvc.core.estate import Estate
from graphsvc.core.evaluate import Evaluation, evaluate
from graphsvc.core.governing import GlassBroken, PolicyShadowed
from graphsvc.core.policy.diff import policy_changes
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.pattern import Pattern
from graphsvc.core.record import Decided, PolicyPublished, Record, Suspended
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.trial import Trial
from graphsvc.core.verdict import Reason, ReasonCode, Verdict, most_severe
from graphsvc.core.world import World

__all__ = ["Changed", "Difference", "Whole", "concerned_sessions", "judged_by", "only_patterns"]

_OF_PATTERNS = frozenset({ReasonCode.pattern_completed, ReasonCode.key_missing})
_APPROVAL = "review:Approve"
_WORDS = {"deny": Verdict.DENY, "escalate": Verdict.ESCALATE, "monitor": Verdict.PERMIT}


@dataclass(frozen=True, slots=True)
class Difference:
    """An action whose verdict or completed patterns differ. before, after: what rules say, observing or not."""

    seq: int
    decided: Decided
    before: Verdict
    after: Verdict
    completed_before: tuple[str, ...]
    completed_after: tuple[str, ...]


class Whole:
    """Every action by both sets of packs, as of each moment of the log.

    recorded: every decision of the history was judged by the first set, see `judged_by`; what it said is then taken
    from the record, which saves one of the two judgements.
    """

    def __init__(self, before: Sequence[Policy], after: Sequence[Policy], *, recorded: bool = False) -> None:
        self._after = _world(after)
        self._before = None if recorded else _world(before)

    @property
    def estate(self) -> Estate:
        """The graph as of the last record taken."""
        return self._after.estate

    def take(self, record: Record, seq: int) -> Difference | None:
        """Take one record in log order; what differs if it is a decision."""
        if isinstance(record, PolicyPublished | PolicyShadowed):
            return None
        if not isinstance(record, Decided) or _is_outside(record):
            for world in (self._before, self._after):
                if world is not None:
                    world.apply(record, seq)
            return None
        if self._before is None:
            was, completed = record.verdict, _sorted(*(each.pattern for each in record.completions))
        else:
            judged = self._judge(self._before, record, seq)
            was, completed = judged.verdict, _completed(judged)
        now = self._judge(self._after, record, seq)
        return _difference(record, seq, was, now.verdict, completed, _completed(now))

    def _judge(self, world: World, record: Decided, seq: int) -> Evaluation:
        judged = world.evaluate(record.request, record.at_ms, seq=seq, exact=True)
        in_history = record.answered is Verdict.PERMIT and record.request.executed
        folded: Evaluation | None = judged
        if (judged.enforced is Verdict.PERMIT and record.request.executed) is not in_history:
            folded = None
        world.apply(record, seq, folded)
        return judged


def judged_by(held: Sequence[Policy], records: Iterable[Record]) -> bool:
    """True when every decision was judged by exactly these packs, with nothing on trial."""
    version = compile_ruleset(held).version
    return all(record.policy == version for record in records if isinstance(record, Decided))


class Changed:
    """Only what changed patterns can concern. before, after: packs that hold nothing but those, see `only_patterns`."""

    def __init__(self, before: Sequence[Policy], after: Sequence[Policy], sessions: frozenset[str]) -> None:
        self._world = World(entitlement="off")
        self._world.ruleset = compile_ruleset(before, [Trial(policy) for policy in after])
        self._sessions = sessions
        self.estate = self._world.estate
        self._ids = frozenset(pattern.id for policy in (*before, *after) for pattern in policy.patterns)
        self.passed_over = 0

    def take(self, record: Record, seq: int) -> Difference | None:
        """Take one record in log order; what differs if it is a decision."""
        if isinstance(record, PolicyPublished | PolicyShadowed):
            return None
        world = self._world
        if not isinstance(record, Decided):
            world.apply(record, seq)
            return None
        if record.session not in self._sessions:
            self.passed_over += 1
            return None
        in_history = record.answered is Verdict.PERMIT and record.request.executed
        judged = evaluate(
            record.request, record.at_ms, world.facts(), seq=seq, force=in_history, exact=True, tell=True
        )
        world.apply(record, seq, judged)
        if _is_outside(record):
            return None
        rest = [reason.verdict for reason in record.reasons if not self._is_changed(reason)]
        was = [
            *(reason.verdict for reason in judged.reasons),
            *(_WORDS[each.on_match] for each in judged.completions),
        ]
        now = [each.verdict for each in judged.shadow]
        others = [each.pattern for each in record.completions if each.pattern not in self._ids]
        return _difference(
            record,
            seq,
            most_severe(*rest, *was),
            most_severe(*rest, *now),
            _sorted(*others, *(each.pattern for each in judged.completions)),
            _sorted(*others, *(each.pattern for each in judged.shadow if each.completes)),
        )

    def _is_changed(self, reason: Reason) -> bool:
        return reason.code in _OF_PATTERNS and reason.rule in self._ids


def only_patterns(
    held: Sequence[Policy], draft: Sequence[Policy], records: Iterable[Record]
) -> tuple[list[Policy], list[Policy]] | None:
    """Both sets with nothing but the patterns that differ; None when more than patterns has to be looked at.

    draft: every pack that would be in force. records: the history, looked at once.
    """
    before, after = _patterns(held), _patterns(draft)
    differing = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    if not _alike(held, draft) or any(
        pattern.kind in {"rights", "reach"}
        for side in (before, after)
        for name, pattern in side.items()
        if name in differing
    ):
        return None
    texts = {policy.source.sha256 for policy in held}
    decided = False
    for record in records:
        match record:
            case Decided():
                decided = True
                if record.request.review is not None:
                    return None
            case PolicyPublished() if decided and record.sha256 not in texts:
                return None
            case PolicyShadowed() if record.share_ppm:
                return None
            case GlassBroken():
                return None
            case Suspended(target_kind="pattern"):
                return None
            case _:
                pass
    return _reduced(held, differing), _reduced(draft, differing)


def concerned_sessions(
    before: Sequence[Policy], after: Sequence[Policy], records: Iterable[Record]
) -> frozenset[str]:
    """Sessions with an action that fits some part of a pattern, by its name and declared effects alone."""
    rulesets = (compile_ruleset(before), compile_ruleset(after))
    every = any(pattern.scope == "data" for policy in (*before, *after) for pattern in policy.patterns)
    known: dict[str, bool] = {}

    def fits(action: str) -> bool:
        found = known.get(action)
        if found is None:
            found = known[action] = every or any(not each.candidates(action).is_empty for each in rulesets)
        return found

    # An approval is an event of the session that it lets through.
    approvals = fits(_APPROVAL)
    concerned: set[str] = set()
    session_of: dict[str, str] = {}
    joined: dict[str, set[str]] = {}
    for record in records:
        if not isinstance(record, Decided):
            continue
        request, session = record.request, record.session
        session_of[request.chain] = session
        for chain in request.joins:
            joined.setdefault(session, set()).add(session_of.get(chain, session))
        if session not in concerned and (
            fits(request.action) or (approvals and record.answered is Verdict.ESCALATE)
        ):
            concerned.add(session)
    # What flowed in from another session is known only if that one is followed too.
    queue = [*concerned]
    for session in queue:
        more = joined.get(session, set()) - concerned
        concerned |= more
        queue += more
    return frozenset(concerned)


def _alike(held: Sequence[Policy], draft: Sequence[Policy]) -> bool:
    """True when the same packs in the same order differ in patterns and words for people only."""
    packs = [(policy.pack.id, policy.pack.order) for policy in held]
    if packs != [(policy.pack.id, policy.pack.order) for policy in draft]:
        return False
    kinds = {change.what for change in policy_changes(held, draft)}
    return kinds <= {"pattern", "pack"} and not any(_reaches_further(policy) for policy in (*held, *draft))


def _patterns(policies: Sequence[Policy]) -> dict[str, Pattern]:
    return {pattern.id: pattern for policy in policies for pattern in policy.patterns}


def _is_outside(record: Decided) -> bool:
    """True when no rule gave the verdict: the caller's token may not speak for the subject."""
    return any(reason.code is ReasonCode.caller_not_allowed for reason in record.reasons)


def _reaches_further(policy: Policy) -> bool:
    """True when patterns of a pack count together: in the score, for a cap, or before a provenance table."""
    settings = policy.settings
    return (
        settings.escalate_at is not None
        or settings.deny_at is not None
        or settings.review_cap is not None
        or policy.provenance is not None
    )


def _reduced(policies: Sequence[Policy], names: set[str]) -> list[Policy]:
    return [
        policy.model_copy(
            update={"patterns": tuple(pattern for pattern in policy.patterns if pattern.id in names)}
        )
        for policy in policies
    ]


def _world(policies: Sequence[Policy]) -> World:
    world = World()
    for policy in policies:
        source = policy.source
        world.packs[policy.pack.id] = PolicyPublished(
            at_ms=0,
            pack=policy.pack.id,
            version=policy.pack.version,
            sha256=source.sha256,
            text=source.text,
            file=source.file,
        )
    world.compile()
    return world


def _difference(
    record: Decided,
    seq: int,
    was: Verdict,
    now: Verdict,
    completed_before: tuple[str, ...],
    completed_after: tuple[str, ...],
) -> Difference | None:
    if was is now and completed_before == completed_after:
        return None
    return Difference(seq, record, was, now, completed_before, completed_after)


def _completed(evaluation: Evaluation) -> tuple[str, ...]:
    return _sorted(*(each.pattern for each in evaluation.completions))


def _sorted(*names: str) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
