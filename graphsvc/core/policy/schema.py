"""The JSON Schema of policy files, for completion and checks in editors; made from the models."""

from __future__ import annotations

import json
import sys
from typing import Final, cast

from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.scalar import NAME_PATTERN
from graphsvc.core.policy.wording import wording_of
from graphsvc.core.value import Json

__all__ = ["policy_schema", "schema_text"]

# What pydantic writes of keys that are names; it leaves their pattern out.
_NAMES: Final[dict[str, Json]] = {"maxLength": 64, "minLength": 1}


def policy_schema() -> dict[str, Json]:
    """JSON Schema (draft 2020-12) of a policy file as it is written: short forms and YAML names.

    Every key says what it means, with examples, for editors to show and complete.
    """
    schema = cast("dict[str, Json]", Policy.model_json_schema(by_alias=True, mode="validation"))
    plain = cast("dict[str, Json]", _without_null(schema))
    _explain("Policy", plain)
    for name, model in cast("dict[str, dict[str, Json]]", plain["$defs"]).items():
        _explain(name, model)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **plain,
        "title": "graphsvc policy file",
    }


def _explain(name: str, model: dict[str, Json]) -> None:
    """Put words to a model's keys, and leave out what is said for programmers only."""
    keys = cast("dict[str, dict[str, Json]]", model.get("properties", {}))
    if isinstance(told := model.get("description"), str):
        model["description"] = " ".join(told.partition("\n\n")[0].split())
    for key, schema in keys.items():
        schema.pop("title", None)
        wording = wording_of(name, key)
        schema["description"] = wording.text
        if wording.examples:
            schema["examples"] = [*wording.examples]


def schema_text() -> str:
    """The schema as the committed file has it: sorted keys, two blanks, a final newline."""
    return json.dumps(policy_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _without_null(node: Json) -> Json:
    """Drop `null` alternatives and defaults: leaving a key out is how a policy says nothing."""
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("propertyNames") == _NAMES:
        node = {**node, "propertyNames": {**_NAMES, "pattern": NAME_PATTERN}}
    kept = {
        key: _without_null(value) for key, value in node.items() if not (key == "default" and value is None)
    }
    options = kept.get("anyOf")
    if isinstance(options, list):
        options = [option for option in options if option != {"type": "null"}]
        # An alternative of alternatives reads as one list of them.
        options = [inner for option in options for inner in _alternatives(option)]
        if len(options) == 1 and isinstance(options[0], dict):
            kept.pop("anyOf")
            return {**options[0], **kept}
        kept["anyOf"] = options
    return kept


def _alternatives(option: Json) -> list[Json]:
    inner = option.get("anyOf") if isinstance(option, dict) and len(option) == 1 else None
    return inner if isinstance(inner, list) else [option]


if __name__ == "__main__":
    sys.stdout.write(schema_text())
