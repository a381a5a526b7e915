"""The small value types of a policy file: durations, lists that may be a single value, identifiers, globs."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Final, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from graphsvc.core.policy.expression import PATTERN, parse_path

__all__ = [
    "NAME_PATTERN",
    "ArgumentRole",
    "DurationMs",
    "Effect",
    "Fact",
    "Identifier",
    "KeyExpression",
    "Many",
    "Model",
    "Name",
    "Text",
    "Verdict",
    "as_tuple",
    "exactly",
    "parse_duration",
    "parts_of",
]

Effect: TypeAlias = Literal[
    "read",
    "write",
    "modify",
    "message",
    "send",
    "fetch",
    "pay",
    "account",
    "grant",
    "assume",
    "commit",
    "destroy",
    "execute",
]
Fact: TypeAlias = Literal[
    "named_by_intent",
    "contested",
    "clean",
    "designated_unique",
    "designated_many",
    "designated",
    "party",
    "unprovenanced",
    "from_untrusted",
]
ArgumentRole: TypeAlias = Literal[
    "destination", "target", "amount", "value", "content", "subject", "query", "locator"
]
Verdict: TypeAlias = Literal["PERMIT", "DENY", "ESCALATE"]

_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION: Final = re.compile(r"(0|[1-9][0-9]{0,8})([smhd])")
_IDENTIFIER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Step and key-variable names appear in explanations and in generated Cypher.
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
NAME_PATTERN: Final = f"^{_NAME.pattern}$"


class Model(BaseModel):
    """Every part of a policy file: strict types, no unknown keys, immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


def parts_of(written: object, leaving: Collection[str] = ()) -> Iterator[object]:
    """What a part of a policy file directly holds; nothing of a text or a number. leaving: names of fields to leave out."""
    if isinstance(written, Model):
        yield from (getattr(written, name) for name in type(written).model_fields if name not in leaving)
    elif isinstance(written, Mapping):
        yield from written.values()
    elif isinstance(written, tuple | list):
        yield from written


def parse_duration(value: object) -> int:
    """`90s`, `10m`, `24h` or `7d` in milliseconds (rule R25); ValueError otherwise, zero included."""
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"`{value}` is not a duration; write an integer and s, m, h or d, such as 10m")
    duration_ms = int(found[1]) * _UNIT_MS[found[2]]
    if duration_ms == 0:
        raise ValueError(f"`{value}` is no time at all; write a duration above zero, such as 10m")
    return duration_ms


def as_tuple(value: object) -> object:
    """A list as a tuple, a single value as a tuple of one."""
    if isinstance(value, list):
        return tuple(value)
    return value if isinstance(value, tuple) else (value,)


def exactly(count: int, what: str) -> Callable[[object], object]:
    """A validator that makes a list a tuple and refuses any other length than `count`."""

    def check(value: object) -> object:
        if isinstance(value, list) and len(value) != count:
            raise ValueError(f"a list of {what} is needed, not of {len(value)}")
        return tuple(value) if isinstance(value, list) else value

    return check


def _matches(pattern: re.Pattern[str], what: str, example: str) -> AfterValidator:
    def check(value: str) -> str:
        if pattern.fullmatch(value) is None:
            raise ValueError(f"`{value}` is not {what}; use letters, digits and {example}")
        return value

    return AfterValidator(check)


def _check_key(value: str) -> str:
    parse_path(value)
    return value


Text: TypeAlias = Annotated[str, Field(min_length=1)]
Identifier: TypeAlias = Annotated[
    str,
    _matches(_IDENTIFIER, "an identifier", "`.`, `_`, `-`, beginning with a letter or digit"),
    Field(min_length=1, max_length=128, json_schema_extra={"pattern": f"^{_IDENTIFIER.pattern}$"}),
]
Name: TypeAlias = Annotated[
    str,
    _matches(_NAME, "a name", "`_`, `-`, beginning with a letter"),
    Field(min_length=1, max_length=64, json_schema_extra={"pattern": NAME_PATTERN}),
]
KeyExpression: TypeAlias = Annotated[
    str, AfterValidator(_check_key), Field(json_schema_extra={"pattern": PATTERN})
]
DurationMs: TypeAlias = Annotated[
    int,
    BeforeValidator(
        parse_duration, json_schema_input_type=Annotated[str, Field(pattern=f"^{_DURATION.pattern}$")]
    ),
]

T = TypeVar("T")


class _OneOrMany:
    """Tells the JSON Schema of a list that a single item may stand for it."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        listed = handler(schema)
        return {"anyOf": [listed["items"], {**listed, "minItems": 1}]}


# One value or a non-empty list of them: an empty any-of could never hold.
Many: TypeAlias = Annotated[tuple[T, ...], BeforeValidator(as_tuple), Field(min_length=1), _OneOrMany()]
