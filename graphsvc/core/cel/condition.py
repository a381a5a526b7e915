"""A condition in CEL: type-checked when it is compiled, answered true, false or unknown for an event.

CEL (https://github.com/google/cel-spec) always ends and touches nothing but its variables. Common forms run as
plain Python (see `lowering`); everything else is evaluated by Google's library, which stops a condition that costs
too much. Only a BOOL is an answer: an error, a missing attribute or any other type is None, and the rule that asked
says what that counts as (rule R24). So is what hangs on whether an attribute is there of which only a marker is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Final

from cel_expr_python import cel

from graphsvc.core.cel.activation import VARIABLES, activation, declarations, unkept
from graphsvc.core.cel.lowering import ERROR, lower
from graphsvc.core.cel.mention import asks_presence, read_by_condition
from graphsvc.core.event import Event

__all__ = ["Condition", "ConditionError", "compile_condition"]

_PLACE: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNKNOWN_NAME: Final = re.compile(r"undeclared reference to '([^']*)'")
_MISSING_KEY: Final = re.compile(r'Key not found in map : "?([^"]*)"?')


class ConditionError(ValueError):
    """A condition does not parse or does not type-check; line and column count from 1 within its text."""

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Condition:
    """A compiled condition. lowered: it runs without the library. unanswered: how often a rule was told that it cannot be said."""

    def __init__(self, text: str, expression: cel.Expression, fast: Callable[[Event], object] | None) -> None:
        self.text = text
        self.unanswered = 0
        self.lowered = fast is not None
        self._expression = expression
        self._fast = fast
        read = read_by_condition(text)
        self._whole = frozenset(name.removesuffix(".*") for name in read if name.endswith(".*"))
        self._asked = read if asks_presence(text) else frozenset[str]()

    def judge(self, event: Event) -> bool | None:
        """Whether it holds; None when that cannot be said."""
        if self._fast is not None:
            answer = self._fast(event)
            return None if answer is ERROR else bool(answer)
        return self.judge_with_missing(event)[0]

    def judge_with_missing(self, event: Event) -> tuple[bool | None, tuple[str, ...]]:
        """Whether it holds, and the names of attributes that were missing when that cannot be said."""
        try:
            value = self._expression.eval(data=activation(event, self.text))
        except (RuntimeError, ValueError, TypeError, OverflowError):
            # A value that CEL has no type for, such as an integer beyond 64 bits.
            return None, ()
        if value.type() == cel.Type.BOOL:
            return (bool(value.value()) if not self._hangs_on_unkept(event) else None), ()
        return None, tuple(_MISSING_KEY.findall(str(value.value())))

    def _hangs_on_unkept(self, event: Event) -> bool:
        """Whether an answer may be what it is because an attribute seems not to be there; a value that is read is an error."""
        if not (self._whole or self._asked):
            return False
        return any(root in self._whole or f"{root}.{name}" in self._asked for root, name in unkept(event))


def compile_condition(text: str) -> Condition:
    """ConditionError tells where the text is wrong, and what to write instead."""
    try:
        expression = cel.NewEnv(variables=declarations(text)).compile(text)
    except RuntimeError as error:
        raise _explained(str(error), text) from None
    result = expression.return_type()
    if result not in (cel.Type.BOOL, cel.Type.DYN):
        raise ConditionError(
            f"a condition is true or false, but this is {result.name()}; compare it with something"
        )
    return Condition(text, expression, lower(text))


def _explained(told: str, text: str) -> ConditionError:
    found = _PLACE.search(told)
    line, column, message = (int(found[1]), int(found[2]), found[3]) if found else (1, 1, told)
    unknown = _UNKNOWN_NAME.search(message)
    if unknown is not None:
        name = unknown[1].partition(".")[0]
        close = get_close_matches(name, VARIABLES, n=1)
        hint = f"did you mean `{close[0]}`?" if close else f"variables are {', '.join(VARIABLES)}"
        message = f"there is no `{name}`; {hint}"
        # The library points at the dot behind the name.
        column = text.split("\n")[line - 1].find(name) + 1 or column
    elif "no matching overload" in message:
        message = message.partition(" (candidates")[0] + "; compare values of the same type"
    else:
        message = message.partition(" expecting {")[0].removeprefix("Syntax error: ")
        message = message.replace("mismatched input '<EOF>'", "it ends too early")
        message += "; write comparisons joined by && and ||, such as context.amount > 100.0"
    return ConditionError(message.strip(), line=line, column=column)
