"""Development mode: why something was refused, for the developer's eyes. An agent must not read it.

What refuses an attack tells an attacker how to ask next time, so the exception that an agent may see names codes alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphsvc.client.provenance import Tracker
from graphsvc.client.result import Decision

__all__ = ["explanation"]


def explanation(
    decision: Decision, action: str, arguments: Mapping[str, Any] | None, tracker: Tracker | None
) -> str:
    """Several lines: the verdict, every reason with its rule, the paths, and where each value came from.

    arguments: the call's values, which are shown as they are: keep the text where the values may be.
    """
    lines = [f"{decision.verdict.value}: {action}"]
    for reason in decision.reasons:
        rule = f" [{reason.rule}]" if reason.rule else ""
        lines.append(f"  {reason.code}{rule}: {reason.message}")
    for completion in decision.completions:
        steps = " -> ".join(f"{step.action} on {step.resource}" for step in completion.path)
        lines.append(f"  path of {completion.pattern.id}: {steps}")
    if tracker is not None and arguments is not None:
        lines += [f"  {line}" for line in tracker.explain(action, arguments)]
    if decision.review is not None:
        lines.append(f"  waits for review {decision.review.id}")
    return "\n".join(lines)
