"""What was asked and answered, as a test for a rule file: `graphsvc policy test` then asks the same of every later version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from graphsvc.client.result import Decision
from graphsvc.core.duration import format_duration

__all__ = ["Tape"]

# Of a request, and what a rule file calls it.
_SAME = {
    "chain": "chain", "session": "session", "parentChain": "parent_chain", "joins": "joins", "subject": "subject",
    "onBehalfOf": "on_behalf_of", "action": "action", "resource": "resource", "labels": "labels", "context": "context",
    "arguments": "arguments", "intent": "intent",
}  # fmt: skip


class Tape:
    """Records what it is told, in order; without a clock of its own, so a step takes a second unless time was let pass."""

    def __init__(self) -> None:
        self._steps: list[dict[str, Any]] = []
        self._passed_ms = 0

    def passed(self, by_ms: int) -> None:
        """Time went by before whatever comes next."""
        self._passed_ms += by_ms

    def asked(self, request: Mapping[str, Any], decision: Decision) -> None:
        """A decision; one that was never recorded, or an answer given again, is left out."""
        name = _bare(decision.id)
        if not decision.recorded or any(step.get("id") == name for step in self._steps):
            return
        step = {"id": name} | {
            ours: request[theirs] for theirs, ours in _SAME.items() if request.get(theirs) is not None
        }
        if request.get("parents") is not None:
            step["parents"] = [_bare(each) for each in request["parents"]]
        if request.get("review"):
            step["review"] = _bare(request["review"])
        step["expect"] = decision.verdict.value
        step["completes"] = sorted({each.pattern.id for each in decision.completions})
        self._add(step)

    def reported(self, decision: str, outcome: str, labels: Sequence[str], tokens: Sequence[str]) -> None:
        """What came of an action."""
        told = {"labels": list(labels), "tokens": list(tokens)}
        self._add(
            {"type": "report", "of": _bare(decision), "outcome": outcome.lower()}
            | {name: value for name, value in told.items() if value}
        )

    def cancelled(self, decision: str) -> None:
        """A permitted action did not happen."""
        self._add({"type": "cancel", "of": _bare(decision)})

    def approved(self, review: str, by: str) -> None:
        """Somebody let an escalated action through."""
        self._add({"type": "approve", "of": _bare(review), "by": by})

    def as_test(self, name: str, graph: Iterable[Mapping[str, Any]]) -> str:
        """One entry of `tests:` as YAML. graph: records as in a graph file."""
        records = list(graph)
        lines = [f"- name: {_text(name)}"]
        found = {
            kind: [each[kind[:-1]] for each in records if kind[:-1] in each] for kind in ("nodes", "edges")
        }
        if any(found.values()):
            lines.append("  graph:")
        for kind, each in found.items():
            lines += [f"    {kind}:", *(f"      - {_text(one)}" for one in each)] if each else []
        return "\n".join([*lines, "  trace:", *(f"    - {_text(step)}" for step in self._steps), ""])

    def _add(self, step: dict[str, Any]) -> None:
        if self._passed_ms:
            step["after"] = format_duration(self._passed_ms)
            self._passed_ms = 0
        self._steps.append(step)


def _bare(name: str) -> str:
    return name.removeprefix("decision:").removeprefix("review:")


def _text(value: Any) -> str:
    """JSON, which is YAML as well."""
    return orjson.dumps(value).decode()
