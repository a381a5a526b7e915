"""The definition of a completion, run over a whole trace: slow, plain, and independent of the product.

It follows docs/semantics.md, sections 1.1 to 1.3 and the rules R1 to R26, and imports nothing of the product.
Not covered: `when` (CEL), rights and reach patterns, re-asking with an approved review (R12).
Every unknown condition is a ValueError, so that a new feature cannot be compared by accident.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.oracle.estate import Estate
from tests.oracle.history import Log
from tests.oracle.match import Question
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


def completions(
    policy_files: Sequence[Record],
    trace: Sequence[Record],
    graph: Sequence[Record] = (),
    decide: Callable[[Record, ActionResult], bool] | None = None,
    *,
    force: bool = False,
) -> list[ActionResult]:
    """One result per action record, in order.

    An action enters the history iff its own verdict is PERMIT and its record is executed; with `force` the
    record's `executed` alone decides; `decide(record, result)`, where given, replaces the verdict.
    """
    policies = sorted(policy_files, key=_pack_order)
    patterns = [pattern for policy in policies for pattern in policy.get("patterns") or ()]
    patterns = [pattern for pattern in patterns if "steps" in pattern or "count" in pattern]
    estate = Estate(graph)
    log = Log(estate)
    results: list[ActionResult] = []
    for record in trace:
        if record["type"] == "action":
            event = log.append_action(record)
            asked = [Question(pattern, event, log, policies, estate) for pattern in patterns]
            result = _result(record["id"], asked, capped=len(event.principals) > _MOST_PRINCIPALS)
            results.append(result)
            permitted = decide(record, result) if decide else result.verdict == PERMIT
            event.in_history = (force or permitted or is_off("R9")) and record.get("executed") is not False
        elif record["type"] == "report" and record["action"] in log.by_id and not is_off("R11"):  # rule R11
            log.by_id[record["action"]].reported |= frozenset(listed(record.get("labels")))
        elif record["type"] == "cancel" and record["action"] in log.by_id and not is_off("R10"):  # rule R10
            log.by_id[record["action"]].in_history = False
        elif record["type"] == "approve":
            log.append_approval(record)
        elif record["type"] == "relabel":
            resource = (record["resource"]["type"], record["resource"]["id"])
            estate.labels[resource] = frozenset(listed(record["labels"]))
    return results


def _pack_order(policy: Record) -> tuple[int, str]:
    pack = policy.get("pack") or {}
    return pack.get("order", 100), pack.get("id", "")


def _result(name: str, asked: Sequence[Question], *, capped: bool) -> ActionResult:
    completed = [question.pattern for question in asked if question.completed()]
    lacking = [question.pattern for question in asked if question.key_missing()]
    verdicts = [_ON_MATCH[pattern["on_match"]] for pattern in [*completed, *lacking]]
    verdicts += [DENY] if capped else []  # rule R22
    return ActionResult(
        id=name,
        completed=sorted(pattern["id"] for pattern in completed),
        key_missing=sorted(pattern["id"] for pattern in lacking),
        verdict=max(verdicts, key=_SEVERITY.__getitem__, default=PERMIT),
    )
