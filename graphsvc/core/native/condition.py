"""The condition and the policy variables of one AWS statement, judged with three values.

`unknown` is the answer only where the keys that are known do not settle it; it comes with the names of those that
would. Missing keys count as AWS counts them: a negated operator holds, any other does not, `...IfExists` holds.
Source: "IAM JSON policy elements: Condition", "... Variables and tags", "Multivalued context keys" of the AWS IAM user guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from msgspec import DecodeError
from msgspec.json import decode

from graphsvc.core.native.context import ABSENT, Asked, Found
from graphsvc.core.native.operator import NEGATED, OPERATORS, pattern, plain
from graphsvc.core.native.since import is_after
from graphsvc.core.value import Json

__all__ = ["NativeTest", "compile_native", "starred"]

Answer = tuple[bool | None, frozenset[str]]
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_NO = (False, frozenset[str]())
_YES = (True, frozenset[str]())
# Text that means a wildcard, or a dollar, literally.
_SIGNS = {"*": plain("*"), "?": plain("?"), "$": plain("$")}


@dataclass(frozen=True, slots=True)
class _Line:
    """One key under one operator."""

    operator: str
    negated: bool
    quantifier: str
    if_exists: bool
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NativeTest:
    """What a statement asks besides action and plain resource.

    lines: of its condition, None when it cannot be read. resources, except_resources: those with variables.
    """

    lines: tuple[_Line, ...] | None
    variables: bool
    resources: tuple[str, ...] = ()
    except_resources: tuple[str, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """The condition keys that it may look at, those of variables too."""
        lines = self.lines or ()
        texts = (
            *(value for line in lines for value in line.values),
            *self.resources,
            *self.except_resources,
        )
        variables = (found.partition(",")[0].strip() for text in texts for found in _VARIABLE.findall(text))
        return frozenset((*(line.key for line in lines), *variables))

    def judge(self, asked: Asked) -> tuple[bool | None, tuple[str, ...]]:
        """Whether the statement applies; None with the keys that would settle it."""
        if self.lines is None:
            return None, ("its condition",)
        answers = [_line(line, asked, variables=self.variables) for line in self.lines]
        if self.resources:
            name = asked.resource.split(":", 2)[-1]
            answers.append(_any(_resource(each, name, asked) for each in self.resources))
        if self.except_resources:
            name = asked.resource.split(":", 2)[-1]
            answers.append(_all([_outside(each, name, asked) for each in self.except_resources]))
        if any(answer is False for answer, _ in answers):
            return False, ()
        missing = frozenset().union(*(names for answer, names in answers if answer is None))
        return (None, tuple(sorted(missing))) if missing else (True, ())


def starred(text: str) -> str:
    """A resource with every variable as `*`: all that it may come to mean."""
    return _VARIABLE.sub("*", text)


def compile_native(native: Mapping[str, Json]) -> NativeTest | None:
    """The test of a statement as an importer keeps it (`text`, `version`); None when there is nothing to test."""
    text = native.get("text")
    version = native.get("version")
    if not isinstance(text, str):
        unreadable = bool(native.get("condition") or native.get("condition_keys"))
        return NativeTest(None, variables=False) if unreadable else None
    return _compiled(text, version == "2012-10-17")


@lru_cache(maxsize=4096)
def _compiled(text: str, variables: bool) -> NativeTest | None:
    try:
        statement = decode(text)
    except DecodeError:
        return NativeTest(None, variables=variables)
    if not isinstance(statement, dict):
        return NativeTest(None, variables=variables)
    resources = _listed(statement.get("Resource")) if variables else []
    excepted = _listed(statement.get("NotResource")) if variables else []
    if not any("${" in each for each in resources):
        resources = []
    if not any("${" in each for each in excepted):
        excepted = []
    condition = statement.get("Condition")
    if not condition and not resources and not excepted:
        return None
    lines = _lines(condition) if condition is not None else ()
    return NativeTest(lines, variables, tuple(resources), tuple(excepted))


def _lines(condition: Json) -> tuple[_Line, ...] | None:
    if not isinstance(condition, dict):
        return None
    found: list[_Line] = []
    for written, tests in condition.items():
        name = written.lower()
        quantifier = ""
        if ":" in name:
            quantifier, _, name = name.partition(":")
        if_exists = name.endswith("ifexists")
        name = name.removesuffix("ifexists")
        negated = name in NEGATED
        name = NEGATED.get(name, name)
        known = name in OPERATORS or (name == "null" and not quantifier)
        if not known or quantifier not in ("", "foranyvalue", "forallvalues") or not isinstance(tests, dict):
            return None
        found += (
            _Line(name, negated, quantifier, if_exists, key, tuple(_listed(values)))
            for key, values in tests.items()
        )
    return tuple(found)


def _line(line: _Line, asked: Asked, *, variables: bool) -> Answer:
    values = asked.find(line.key)
    if values is None:
        return _of_unknown(line, asked)
    if line.operator == "null":
        wanted = any(each.lower() == "true" for each in line.values)
        return (values == ABSENT) is wanted, frozenset()
    if values == ABSENT:
        return _of_absent(line), frozenset()
    per_value = [_value(line, value, asked, variables=variables) for value in values]
    if line.quantifier == "forallvalues":
        return _all(per_value)
    # A negated operator on several values: none of them may match.
    return _all(per_value) if line.negated and not line.quantifier else _any(per_value)


def _of_unknown(line: _Line, asked: Asked) -> Answer:
    unknown = None, frozenset((line.key,))
    if asked.event is not None or line.quantifier:
        return unknown
    answer = is_after(line.key, line.operator, line.values)
    if answer is None:
        return unknown
    answer = answer is not line.negated
    if line.key.lower() != "aws:tokenissuetime" or asked.is_session or answer is _of_absent(line):
        return answer, frozenset()
    # A user may come with a key of their own, that no session issued.
    return unknown


def _of_absent(line: _Line) -> bool:
    if line.if_exists or line.quantifier == "forallvalues":
        return True
    return line.negated and line.quantifier != "foranyvalue"


def _value(line: _Line, value: str, asked: Asked, *, variables: bool) -> Answer:
    compare = OPERATORS[line.operator]
    answers: list[Answer] = []
    for written in line.values:
        wanted, missing = _filled(written, asked) if variables else (written, frozenset[str]())
        if missing:
            answers.append((None, missing))
        elif wanted is None:
            # A variable that the request has not: neither equal nor known to differ.
            answers.append((line.negated, frozenset()))
        else:
            answers.append((compare(value, wanted), frozenset()))
    answer, names = _any(answers)
    return (None if answer is None else answer is not line.negated), names


def _resource(written: str, name: str, asked: Asked) -> Answer:
    if "${" in written and name == starred(written):
        # Asked of all that it may mean.
        return _YES
    wanted, missing = _filled(written, asked)
    if missing:
        may = pattern(starred(written)).fullmatch(name) is not None
        return (None, missing) if may else _NO
    return (pattern(wanted).fullmatch(name) is not None, frozenset()) if wanted is not None else _NO


def _outside(written: str, name: str, asked: Asked) -> Answer:
    """Not left out by one of `NotResource`; with a variable that the request has not, all that it could mean is left out."""
    wanted, missing = _filled(written, asked)
    may = pattern(starred(written) if wanted is None else wanted).fullmatch(name) is not None
    return (None, missing) if missing and may else (not may, frozenset())


def _filled(text: str, asked: Asked) -> tuple[str | None, frozenset[str]]:
    """Text with its variables' values; None when the request has none, or the keys that nobody knows."""
    if "${" not in text:
        return text, frozenset()
    missing: set[str] = set()
    absent = False

    def fill(found: re.Match[str]) -> str:
        nonlocal absent
        inner = found[1].strip()
        if inner in _SIGNS:
            return _SIGNS[inner]
        key, comma, default = (part.strip() for part in inner.partition(","))
        values: Found = asked.find(key)
        if values is None:
            missing.add(key)
            return ""
        if len(values) == 1:
            return plain(values[0])
        if comma:
            return plain(default.strip("'"))
        absent = True
        return ""

    filled = _VARIABLE.sub(fill, text)
    if missing:
        return None, frozenset(missing)
    return (None if absent else filled), frozenset()


def _any(answers: Iterable[Answer]) -> Answer:
    names: frozenset[str] = frozenset()
    unknown = False
    for answer, missing in answers:
        if answer:
            return _YES
        if answer is None:
            unknown, names = True, names | missing
    return (None, names) if unknown else _NO


def _all(answers: Sequence[Answer]) -> Answer:
    if any(answer is False for answer, _ in answers):
        return _NO
    names = frozenset().union(*(missing for answer, missing in answers if answer is None))
    return (None, names) if any(answer is None for answer, _ in answers) else _YES


def _listed(value: Json) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in listed if each is not None]
