"""The definition of a completion, run over a whole trace: slow, plain, and independent of the product.

It follows docs/semantics.md, sections 1.1 to 1.3 and the rules R1 to R26, and imports nothing of the product.
Not covered: rights and reach patterns. Which of several witnesses is told as the path is not defined, so re-asking
with an approved review (R12) is judged only where escalating patterns have one step.
Every unknown condition is a ValueError, so that a new feature cannot be compared by accident.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tests.oracle.estate import Estate
from tests.oracle.history import Log
from tests.oracle.match import Fitting, Question
from tests.oracle.risk import Nearness, micros
from tests.oracle.rule import is_off
from tests.oracle.text import Record, listed

PERMIT, ESCALATE, DENY = "PERMIT", "ESCALATE", "DENY"
_SEVERITY = {PERMIT: 0, ESCALATE: 1, DENY: 2}
_ON_MATCH = {"monitor": PERMIT, "escalate": ESCALATE, "deny": DENY}
_MOST_PRINCIPALS = 8


@dataclass(frozen=True)
class ActionResult:
    """What the patterns alone say about one action of a trace."""

    id: str
    completed: list[str]
    key_missing: list[str]
    verdict: str
    matches: dict[str, list[dict[str, str]]] = field(
        default_factory=dict
    )  # by pattern: step to action; where asked for
    risk: tuple[int, int] | None = None  # before and after, in micros; where asked for, as is what follows
    nearest: list[tuple[str, int]] = field(default_factory=list)  # as it was left: pattern, steps missing


def completions(
    policy_files: Sequence[Record],
    trace: Sequence[Record],
    graph: Sequence[Record] = (),
    decide: Callable[[Record, ActionResult], bool] | None = None,
    *,
    force: bool = False,
    paths: bool = False,
    risks: bool = False,
) -> list[ActionResult]:
    """One result per action record, in order; paths: with every match of trees, not only whether there is one.
    risks: with the risk before and after.

    An action enters the history iff its own verdict is PERMIT and its record is executed; with `force` the
    record's `executed` alone decides; `decide(record, result)`, where given, replaces the verdict.
    """
    policies = sorted(policy_files, key=_pack_order)
    patterns = [pattern for policy in policies for pattern in policy.get("patterns") or ()]
    patterns = [pattern for pattern in patterns if "steps" in pattern or "count" in pattern]
    estate = Estate(graph)
    log = Log(estate)
    fitting = Fitting(policies, estate)
    reviews = Reviews()
    nearness = Nearness(patterns, log, fitting)
    results: list[ActionResult] = []
    for record in trace:
        if record["type"] == "action":
            event = log.append_action(record)
            asked = [Question(pattern, event, log, fitting) for pattern in patterns]
            result = _result(record, asked, reviews, capped=len(event.principals) > _MOST_PRINCIPALS)
            if paths:
                result.matches.update({each.pattern["id"]: _named(each) for each in asked if each.steps})
            if risks:
                result = _weighed(result, nearness.risk(event), policies)
            results.append(result)
            permitted = decide(record, result) if decide else result.verdict == PERMIT
            answered = record.get("executed") is not False if force else permitted
            reviews.answered(
                record, result.verdict, permitted=answered, executed=record.get("executed") is not False
            )
            event.in_history = (force or permitted or is_off("R9")) and record.get("executed") is not False
            if risks:
                result.nearest.extend(nearness.nearest(event))
        elif record["type"] == "report" and record["action"] in log.by_id and not is_off("R11"):  # rule R11
            log.by_id[record["action"]].reported |= frozenset(listed(record.get("labels")))
        elif record["type"] == "cancel" and record["action"] in log.by_id and not is_off("R10"):  # rule R10
            log.by_id[record["action"]].in_history = False
        elif record["type"] == "reject":
            reviews.decide(record["decision"], approved=False)
        elif record["type"] == "approve":
            reviews.decide(record["decision"], approved=True)
            log.append_approval(record)
        elif record["type"] == "relabel":
            resource = (record["resource"]["type"], record["resource"]["id"])
            estate.labels[resource] = frozenset(listed(record["labels"]))
        elif record["type"] == "signal":
            nearness.signals.append(record)
        if record["type"] in ("report", "cancel", "relabel"):
            nearness.forget()
    return results


def _weighed(result: ActionResult, risk: tuple[int, int], policies: Sequence[Record]) -> ActionResult:
    """With the risk, and a verdict by the thresholds that it reaches: the lowest that any policy sets."""
    before, after = risk
    verdict = result.verdict
    for policy in policies:
        for name, reached in (("escalate_at", ESCALATE), ("deny_at", DENY)):
            at = (policy.get("settings") or {}).get(name)
            if at is not None and after > before and after >= micros(at):
                verdict = max(verdict, reached, key=_SEVERITY.__getitem__)
    return replace(result, risk=risk, verdict=verdict)


def _named(question: Question) -> list[dict[str, str]]:
    """The matches of a question by ids; an approval is called by the action that it approved."""
    return [
        {step: (event.reviewed or event).record["id"] for step, event in match.items()}
        for match in question.matches()
    ]


Reasons = list[tuple[str, str, str]]  # code, pattern, verdict


class Reviews:
    """Escalated actions, and the approvals that let one of them through once (rule R12)."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[Record, frozenset[tuple[str, str]]]] = {}
        self._escalated: set[str] = set()
        self._approved: dict[str, bool] = {}
        self._used: set[str] = set()

    def left(self, record: Record, reasons: Reasons) -> tuple[Reasons, bool]:
        """The reasons that no approval covers, and whether the review named is no good."""
        self._asked[record["id"]] = (
            _essence(record),
            frozenset((code, name) for code, name, verdict in reasons if verdict == ESCALATE),
        )
        review = record.get("review")
        if review is None:
            return reasons, False
        if not self._approved.get(review) or review in self._used or is_off("R12"):
            return reasons, True
        request, covered = self._asked[review]
        if request != _essence(record):
            return reasons, True
        return [reason for reason in reasons if reason[2] != ESCALATE or reason[:2] not in covered], False

    def answered(self, record: Record, verdict: str, *, permitted: bool, executed: bool) -> None:
        """What the action was told; a permitted one has used its review up."""
        if verdict == ESCALATE and not permitted:
            self._escalated.add(record["id"])
        review = record.get("review")
        if review is not None and permitted and executed and review in self._approved:
            self._used.add(review)

    def decide(self, action: str, *, approved: bool) -> None:
        """Somebody approved or rejected; the first word counts, and only about an escalated action."""
        if action in self._escalated:
            self._approved.setdefault(action, approved)


def _essence(record: Record) -> Record:
    own = {"type", "id", "at", "review", "seq", "executed", "session", "parent_chain", "intent"}
    return {name: value for name, value in record.items() if name not in own}


def _pack_order(policy: Record) -> tuple[int, str]:
    pack = policy.get("pack") or {}
    return pack.get("order", 100), pack.get("id", "")


def _result(record: Record, asked: Sequence[Question], reviews: "Reviews", *, capped: bool) -> ActionResult:
    completed = [question.pattern for question in asked if question.completed()]
    completed = completed[:1] if is_off("R26") else completed
    lacking = [question.pattern for question in asked if question.key_missing()]
    reasons = [("completed", pattern["id"], _ON_MATCH[pattern["on_match"]]) for pattern in completed]
    reasons += [("lacking", pattern["id"], _ON_MATCH[pattern["on_match"]]) for pattern in lacking]
    reasons, refused = reviews.left(record, reasons)
    verdicts = [verdict for _, _, verdict in reasons]
    verdicts += [DENY] if (capped and not is_off("R22")) or refused else []  # rules R22, R12
    told = {name for code, name, _ in reasons if code == "lacking"}
    lacking = [pattern for pattern in lacking if pattern["id"] in told]
    return ActionResult(
        id=record["id"],
        completed=sorted(pattern["id"] for pattern in completed),
        key_missing=sorted(pattern["id"] for pattern in lacking),
        verdict=max(verdicts, key=_SEVERITY.__getitem__, default=PERMIT),
    )
