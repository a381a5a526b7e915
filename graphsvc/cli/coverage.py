"""What of the rules the tests inside policy files exercise: patterns completed, steps and guards matched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphsvc.core.evaluate import Evaluation
from graphsvc.core.event import Event
from graphsvc.core.pattern import CompiledPattern, Matcher
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.pattern import Pattern
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.value import Json

__all__ = ["Coverage", "Part"]


@dataclass(frozen=True, slots=True)
class Part:
    """A pattern, or a step or guard of it. what: pattern, step, count, unless, sanitized_by or without.

    name: of a step, or the number of a guard from 1; None of the pattern itself. line: in its file. A pattern is
    covered when a test completes it, any other part when an event of a test matches it.
    """

    pack: str
    pattern: str
    what: str
    name: str | None
    file: str
    line: int
    covered: bool

    def __str__(self) -> str:
        inside = "" if self.what == "pattern" else f" {self.what}" + (f" `{self.name}`" if self.name else "")
        told = "is never completed" if self.what == "pattern" else "is never matched"
        return f"{self.file}:{self.line}: `{self.pattern}`{inside} {told} by a test"


class Coverage:
    """Collects over evaluations of tests; the packs are in force together."""

    def __init__(self, policies: Sequence[Policy]) -> None:
        self._policies = tuple(policies)
        self._compiled = compile_ruleset(policies).by_id
        self._seen: set[tuple[str, str, str | None]] = set()

    def take(self, evaluation: Evaluation) -> None:
        """Take one judged action into account, whatever became of it."""
        for completion in evaluation.completions:
            self._seen.add((completion.pattern, "pattern", None))
        self.take_event(evaluation.event)

    def take_event(self, event: Event) -> None:
        """Take an event that was not judged into account, such as an approval."""
        for pattern in self._compiled.values():
            for what, name, matcher in _matchers(pattern):
                part = (pattern.id, what, name)
                if part not in self._seen and _fits(matcher, event):
                    self._seen.add(part)

    def parts(self) -> list[Part]:
        """Every part, by pack and in file order."""
        return [
            Part(
                policy.pack.id,
                pattern.id,
                what,
                name,
                policy.source.file,
                policy.source.at("patterns", index, *place)[0],
                (pattern.id, what, name) in self._seen,
            )
            for policy in self._policies
            for index, pattern in enumerate(policy.patterns)
            for what, name, place in _places(pattern)
        ]

    def percent(self) -> float:
        """Covered parts of all, in percent; 100 when there is nothing to cover."""
        parts = self.parts()
        return 100.0 * sum(part.covered for part in parts) / len(parts) if parts else 100.0

    def as_json(self) -> dict[str, Json]:
        """For programs: totals, and one object a pattern with its parts."""
        parts = self.parts()
        patterns: dict[str, dict[str, Json]] = {}
        for part in parts:
            if part.what == "pattern":
                patterns[part.pattern] = {
                    "pack": part.pack, "pattern": part.pattern, "file": part.file, "line": part.line,
                    "completed": part.covered, "parts": [],
                }  # fmt: skip
                continue
            listed = patterns[part.pattern]["parts"]
            assert isinstance(listed, list)
            listed.append({"what": part.what, "name": part.name, "line": part.line, "covered": part.covered})
        return {
            "covered": sum(part.covered for part in parts),
            "parts": len(parts),
            "percent": round(self.percent(), 1),
            "patterns": [*patterns.values()],
        }

    def rows(self) -> list[dict[str, Json]]:
        """For people: one row a pattern, with what is missing."""
        rows: dict[str, dict[str, Json]] = {}
        missing: dict[str, list[str]] = {}
        counts: dict[str, list[bool]] = {}
        for part in self.parts():
            counts.setdefault(part.pattern, []).append(part.covered)
            if part.what == "pattern":
                rows[part.pattern] = {"pattern": part.pattern, "completed": "yes" if part.covered else "no"}
            elif not part.covered:
                missing.setdefault(part.pattern, []).append(f"{part.what} {part.name or ''}".strip())
        for name, row in rows.items():
            row["covered"] = f"{sum(counts[name])}/{len(counts[name])}"
            row["never matched"] = ", ".join(missing.get(name, ()))
        return [*rows.values()]


def _matchers(pattern: CompiledPattern) -> Iterator[tuple[str, str | None, Matcher]]:
    for step in pattern.steps:
        yield "step", step.name, step.matcher
    if pattern.count is not None:
        yield "count", None, pattern.count.matcher
    for what, matchers in (
        ("unless", [part.matcher for part in pattern.guards]),
        ("sanitized_by", [part.matcher for part in pattern.cuts]),
        ("without", [part.matcher for part in pattern.resets]),
    ):
        for number, matcher in enumerate(matchers, 1):
            yield what, str(number), matcher


def _places(pattern: Pattern) -> Iterator[tuple[str, str | None, tuple[str | int, ...]]]:
    yield "pattern", None, ("id",)
    for name in pattern.steps:
        yield "step", name, ("steps", name)
    if pattern.count is not None:
        yield "count", None, ("count",)
    for what, parts in (
        ("unless", pattern.unless),
        ("sanitized_by", pattern.sanitized_by),
        ("without", pattern.without),
    ):
        for number in range(len(parts)):
            yield what, str(number + 1), (what, number)


def _fits(matcher: Matcher, event: Event) -> bool:
    return matcher.holds(event) and matcher.key_values(event) is not None
