"""A model's validation errors told as policy errors: where, what is wrong, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from graphsvc.core.policy.document import (
    ActionDeclaration,
    Pack,
    Policy,
    ResultDeclaration,
    Score,
    Settings,
)
from graphsvc.core.policy.pattern import Pattern, Step
from graphsvc.core.policy.protection import BreakGlass, Level, ReviewCap, ReviewRoute
from graphsvc.core.policy.provenance import AmountRule, ContentRule, FetchRule, Provenance, Row
from graphsvc.core.policy.source import Place, Source, may_be_empty
from graphsvc.errors import PolicyError

__all__ = ["policy_errors", "suggest"]

_TYPES: Final = {
    "string_type": "text",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "bool_type": "`true` or `false`",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_NOUNS: Final[dict[type[BaseModel], str]] = {
    Policy: "a policy file",
    Pack: "`pack`",
    Settings: "`settings`",
    ActionDeclaration: "an action",
    ResultDeclaration: "`result`",
    Provenance: "`provenance`",
    Row: "a row of `table`",
    FetchRule: "`fetch`",
    AmountRule: "`amount`",
    ContentRule: "`content`",
    Score: "`score`",
    Level: "a level",
    ReviewRoute: "an entry of `reviews`",
    ReviewCap: "`review_cap`",
    BreakGlass: "`break_glass`",
}


def policy_errors(error: ValidationError, source: Source) -> list[PolicyError]:
    """One PolicyError for each mistake that the models found, in file order."""
    told = [_told(detail, source) for detail in error.errors(include_url=False) if not _is_told(detail)]
    return sorted(told, key=lambda problem: (problem.line, problem.column))


def suggest(name: str, known: Iterable[str]) -> str:
    """`; did you mean `x`?` for the nearest known name, else nothing."""
    close = get_close_matches(name, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _is_told(detail: ErrorDetails) -> bool:
    """True for an empty value that reading the text has reported already."""
    place = detail["loc"]
    is_value = detail["type"] not in {"missing", "extra_forbidden"}
    return detail["input"] is None and is_value and bool(place) and not may_be_empty(place)


def _told(detail: ErrorDetails, source: Source) -> PolicyError:
    place: Place = tuple(part for part in detail["loc"] if part != "[key]")
    kind = detail["type"]
    bad_key = "[key]" in detail["loc"]
    line, column = source.at(*place) if bad_key else source.value_at(*place, offset=_offset(detail))
    rule = "schema"
    if kind == "extra_forbidden":
        line, column = source.at(*place)
        message, rule = _unknown_key(place)
    elif kind == "missing":
        line, column = source.at(*place[:-1])
        message = f"{_within(place[:-1])} has no `{place[-1]}`; add it"
    elif kind == "value_error":
        message = detail["msg"].removeprefix("Value error, ")
        label = _label(place)
        message = message if f"{label} " in message or "[key]" in detail["loc"] else f"{label}: {message}"
        if (step := _foreign_step(place, detail, source)) is not None:
            message = (
                f"{label}: `{detail['input']}` is a value of the step `{step}`; bind both to one key variable"
            )
            rule = "C7"
    elif _is_branching(place, detail):
        message = f"{_label(place)} names several steps, but a step leads to one; name one"
        rule = "C1"
    else:
        message = f"{_label(place)} {_expected(detail)}"
    field = ".".join(str(part) for part in place) or None
    return PolicyError(message, file=source.file, line=line, column=column, rule=rule, field=field)


def _expected(detail: ErrorDetails) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if value is None:
        return "is empty; give it a value or remove it"
    if kind == "literal_error":
        known = [name.strip("'") for name in re.findall(r"'[^']*'|\d+", str(context.get("expected", "")))]
        listed = ", ".join(f"`{name}`" for name in known)
        if len(known) == 1:
            return f"must be {listed}, not {_shown(value)}"
        near = suggest(value, known) if isinstance(value, str) else ""
        return f"is {_shown(value)}; use one of {listed}{near}"
    if (wanted := _TYPES.get(kind)) is not None:
        is_plain = isinstance(value, bool | int | float)
        fix = f'; quote it: "{_spelled(value)}"' if wanted == "text" and is_plain else ""
        return f"must be {wanted}, not {_shown(value)}{fix}"
    if kind in {"too_short", "string_too_short"}:
        return "is empty; give it a value or remove it"
    if kind in {"string_too_long", "too_long"}:
        return f"is longer than {context.get('max_length')}; shorten it"
    for name, words in (("ge", "at least"), ("gt", "above"), ("le", "at most"), ("lt", "below")):
        if name in context:
            return f"must be {words} {context[name]}, not {_shown(value)}"
    message = detail["msg"]
    return f"is refused: {message[:1].lower()}{message[1:]}"


def _spelled(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = _spelled(value)
    return f"`{text if len(text) <= 60 else text[:57] + '...'}`"


def _label(place: Place) -> str:
    """The nearest name on the way to a place, in backticks."""
    named = next((part for part in reversed(place) if isinstance(part, str)), None)
    return f"`{named}`" if named is not None else "the policy"


def _within(place: Place) -> str:
    model = _model_at(place)
    if model in _NOUNS:
        return _NOUNS[model]
    if place and isinstance(place[-1], int):
        return f"this item of {_label(place)}"
    return _label(place)


def _unknown_key(place: Place) -> tuple[str, str]:
    name = str(place[-1])
    model = _model_at(place[:-1])
    if model is Step and name in {"within", "gap"}:
        return (
            f"`{name}` on a step: a window for one edge cannot be combined with others; give the pattern one `within`",
            "C5",
        )
    known = _keys(model) if model is not None else []
    near = suggest(name, known)
    if not near and known:
        near = f"; known are {', '.join(f'`{key}`' for key in known)}"
    return f"unknown key `{name}` in {_noun(model, place[:-1])}{near}", "schema"


def _noun(model: type[BaseModel] | None, place: Place) -> str:
    if model is Pattern:
        return "a pattern"
    if model is Step:
        return "a step"
    return _within(place)


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_at(place: Place) -> type[BaseModel] | None:
    """The model that validates a place, None when there is none."""
    current: object = Policy
    for part in place:
        model = _model_in(current)
        if isinstance(part, int):
            continue
        if model is not None:
            found = [f.annotation for n, f in model.model_fields.items() if part == (f.alias or n)]
            if not found:
                return None
            current = found[0]
            if _is_mapping(current):
                current = ("mapping", current)
        elif isinstance(current, tuple):
            current = get_args(current[1])[-1]
        else:
            return None
    return None if isinstance(current, tuple) else _model_in(current)


def _is_mapping(annotation: object) -> bool:
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if isinstance(annotation, tuple):
        return None
    origin = get_origin(annotation)
    if origin in {Annotated, tuple, Union, UnionType}:
        inner = get_args(annotation)[:1] if origin is Annotated else get_args(annotation)
        return next((model for each in inner if (model := _model_in(each)) is not None), None)
    return None


def _offset(detail: ErrorDetails) -> int:
    error = detail.get("ctx", {}).get("error")
    return int(getattr(error, "offset", 0))


def _is_branching(place: Place, detail: ErrorDetails) -> bool:
    is_step = len(place) == 5 and place[0] == "patterns" and place[2] == "steps"
    return is_step and place[-1] == "then" and isinstance(detail["input"], list)


def _foreign_step(place: Place, detail: ErrorDetails, source: Source) -> str | None:
    """The step of the same pattern that a key expression starts with, None when it is not that mistake."""
    if len(place) < 3 or place[0] != "patterns" or "key" not in place or not isinstance(detail["input"], str):
        return None
    root = detail["input"].split(".")[0]
    return root if (*place[:2], "steps", root) in source.marks else None
