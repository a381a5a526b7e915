"""The JSON Schema that editors use and the loader agree on what a policy file may hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import jsonschema
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from ruamel.yaml import YAML

from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.schema import policy_schema
from graphsvc.core.policy.source import parse
from graphsvc.core.policy.wording import WORDING, wording_of
from graphsvc.packs import PACKS, pack_text
from tests.policy.example import FULL

SCHEMA = policy_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
MODELS: dict[str, Any] = {"Policy": SCHEMA, **SCHEMA["$defs"]}  # type: ignore[dict-item]


def read(text: str) -> Any:
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


def small_files() -> Iterator[Any]:
    """Every part of some files in a file of its own: small enough to change at every place."""
    for whole in (read(FULL), *(read(pack_text(name)) for name in PACKS)):
        head = {"graphsvc": 1, "pack": whole["pack"]}
        yield {**head, "settings": whole.get("settings", {}), "score": {"sigma": {"high": 0.5}, "q": 0.4}}
        yield {**head, "actions": dict(list(whole["actions"].items())[:3])}
        yield from ({**head, "patterns": [each]} for each in whole["patterns"])
        yield from (
            {**head, "tests": [{**each, "trace": each["trace"][:2]}]} for each in whole.get("tests", ())[:8]
        )


BASES = list(small_files())
# Without 1.0, which JSON Schema counts among the integers and a strict loader does not.
SCALARS: list[Any] = [
    "", "x", "1h", "10", "0s", "resource.id", "resource.nothing", "context", "context.a-b.c", "deny", "on", "a b", 0, 1,
    2, -1, 0.5, 1.5, True, False, None, [], {}, ["x"], ["x", "y"], ["x", "y", "z"], [[]], {"x": "y"}, {"any": ["x"]},
    {"id": "x"}, {"action": "x"}, {"key": {"v": "resource.id"}}, {"key": {"v w": "resource.id"}},
]  # fmt: skip
KEYS = [*sorted({key for model in MODELS.values() for key in model.get("properties", {})}), "nonsense", "a b"]


def places(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document but its root."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*way, key)
        yield from places(value, (*way, key))


@st.composite
def documents(draw: st.DrawFn) -> Any:
    """A file that loads with up to three random changes: removed, added, replaced, wrapped, unwrapped."""
    document = deepcopy(draw(st.sampled_from(BASES)))
    for _ in range(draw(st.integers(1, 3))):
        ways = list(places(document))
        if not ways:
            break
        *way, last = draw(st.sampled_from(ways))
        holder = document
        for part in way:
            holder = holder[part]
        match draw(st.sampled_from(["remove", "add", "replace", "wrap", "unwrap"])):
            case "remove":
                del holder[last]
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(KEYS))] = deepcopy(draw(st.sampled_from(SCALARS)))
            case "replace":
                holder[last] = deepcopy(draw(st.sampled_from(SCALARS)))
            case "wrap":
                holder[last] = [holder[last]]
            case "unwrap" if isinstance(holder[last], list) and holder[last]:
                holder[last] = holder[last][0]
    return document


def loads(document: Any) -> bool:
    """Whether the loader takes the file's shape; the rules beyond it (C1 and so on) are not a schema's."""
    parsed = parse(json.dumps(document), "random")
    if parsed.problems:
        return False
    try:
        Policy.model_validate(parsed.value)
    except ValidationError:
        return False
    return True


_NAMELESS = {"a": {"action": "x:A", "then": "b"}, "b": {"action": "x:B"}}
_RESET = {"action": "x:C", "between": ["", "b"]}


@settings(max_examples=600, deadline=None)
@given(documents())
@example(
    {"graphsvc": 1, "pack": {"id": "p"}, "patterns": [{"id": "p", "steps": _NAMELESS, "without": [_RESET]}]}
)
def test_schema_and_loader_agree(document: Any) -> None:
    """A random file is marked by an editor if and only if the loader refuses its shape."""
    assert VALIDATOR.is_valid(document) == loads(document), [
        error.message for error in VALIDATOR.iter_errors(document)
    ]


def test_every_key_says_what_it_means() -> None:
    """Editors show a description for each key of each part, and no words are left over."""
    keys = {(name, key) for name, model in MODELS.items() for key in model.get("properties", {})}
    assert all(wording_of(name, key).text for name, key in keys)
    keys |= {("Which", key) for key in ("action", "effects", "subject", "resource")}
    assert [each for each in WORDING if tuple(each.split(".")) not in keys] == []


@pytest.mark.parametrize(
    ("name", "key"), sorted((n, k) for n, m in MODELS.items() for k in m.get("properties", {}))
)
def test_every_example_is_one(name: str, key: str) -> None:
    """What an editor offers as an example is valid at that place."""
    schema = MODELS[name]["properties"][key]
    assert schema["description"]
    for each in schema.get("examples", ()):
        jsonschema.validate(each, {"$defs": SCHEMA["$defs"], **schema})
