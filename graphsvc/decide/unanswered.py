"""Conditions of rules that could not be answered, in the log of the service: they erred on the safe side, and somebody should know."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from graphsvc.core.ruleset import Ruleset

__all__ = ["Unanswered"]

_EVERY_S = 60.0

_log = logging.getLogger("graphsvc.rules")


class Unanswered:
    """Tells of each condition how often it could not be answered since it was told of last.

    Asked counts as asked: by a decision, an evaluation, or history that is judged again under new rules.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, every_s: float = _EVERY_S) -> None:
        self._clock = clock
        self._every_s = every_s
        self._due_s = -every_s
        self._rules: Ruleset | None = None
        self._told: dict[int, int] = {}

    def look(self, rules: Ruleset) -> None:
        """Write a line for each condition that has failed since; does nothing more often than every few seconds."""
        now_s = self._clock()
        if now_s < self._due_s and rules is self._rules:
            return
        if rules is not self._rules:
            self._rules, self._told = rules, {}
        self._due_s = now_s + self._every_s
        for pattern in rules.patterns:
            for place, matcher in enumerate(pattern.matchers):
                when = matcher.when
                if when is None or not when.unanswered:
                    continue
                number = pattern.number * 1_000 + place
                times = when.unanswered - self._told.get(number, 0)
                if times:
                    self._told[number] = when.unanswered
                    _log.warning(
                        "condition_unanswered",
                        extra={"pattern": pattern.id, "condition": when.text, "times": times},
                    )
