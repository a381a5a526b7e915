"""The JSON Schema that editors use."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

import graphsvc
from graphsvc.core.policy.schema import policy_schema, schema_text
from tests.policy.example import FULL, with_pattern

COMMITTED = Path(str(graphsvc.__file__)).parent / "packs" / "policy.schema.json"


def read(text: str) -> object:
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


def test_the_committed_schema_is_current() -> None:
    """The file equals what the models give: `python -m graphsvc.core.policy.schema` writes it anew."""
    assert COMMITTED.read_text("utf-8") == schema_text()


def test_the_schema_is_valid_and_accepts_a_full_file() -> None:
    """The schema is draft 2020-12 and knows every form that loads, short ones included."""
    schema = policy_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(read(FULL), schema)
    jsonschema.validate(
        read(with_pattern("steps: {a: {effects: read, labels: [a], then: b}, b: {}}")), schema
    )


@pytest.mark.parametrize(
    "body",
    [
        "wihtin: 1h",
        "severity: hihg",
        "within: 10",
        "unless:",
        "steps: {a: {effects: [raed]}}",
        "steps: {a: {action: []}}",
    ],
)
def test_the_schema_refuses_mistakes(body: str) -> None:
    """What the loader refuses for its shape, an editor marks as well."""
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read(with_pattern(body)), policy_schema())
