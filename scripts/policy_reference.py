"""The language reference of policy files, `docs/policy-language.md`, from the JSON Schema: `make policy-docs`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, cast

from graphsvc.core.policy.lint import CODES
from graphsvc.core.policy.rule import RULES
from graphsvc.core.policy.schema import policy_schema

__all__ = ["reference"]

_HEAD = """# The language of policy files

A policy file is YAML, one pack a file. This page lists every key; [semantics.md](semantics.md) says exactly what completes a
path, [conditions.md](conditions.md) what `when` may ask, [rights.md](rights.md) what patterns of rights mean. It is made from
the JSON Schema `graphsvc/packs/policy.schema.json` (`make policy-docs`), which gives editors completion: with the YAML
extension of your editor begin a file with

```yaml
# yaml-language-server: $schema=policy.schema.json
```

and let `graphsvc policy schema -o policy.schema.json` write the schema beside it.

Where a list is allowed a single value stands for a list of one. Durations are an integer and `s`, `m`, `h` or `d`.
"""
_ORDER = (
    "Policy", "Pack", "Settings", "Score", "ActionDeclaration", "ResultDeclaration", "Pattern", "Step", "Guard",
    "Sanitizer", "Reset", "Count", "RightsPattern", "Right", "RightsGain", "ReachPattern", "Level", "ReviewRoute", "ReviewCap", "BreakGlass", "Provenance", "Row", "FetchRule", "AmountRule", "ContentRule", "EventCondition", "LabelCondition",
    "SubjectCondition", "ResourceCondition", "ArgumentCondition", "PolicyTest", "TestGraph", "TestEvent", "TestEntity",
    "TestAction",
)  # fmt: skip
_TITLES = {
    "Policy": "The file",
    "EventCondition": "Conditions on an event",
    "ActionDeclaration": "An entry of `actions`",
    "Step": "A step of `steps`",
    "Guard": "A guard of `unless`",
    "Sanitizer": "An entry of `sanitized_by`",
    "Level": "An entry of `levels`",
    "ReviewRoute": "An entry of `reviews`",
    "ReviewCap": "`review_cap`",
    "BreakGlass": "`break_glass`",
    "Row": "A row of the provenance table",
    "FetchRule": "`fetch` of provenance",
    "AmountRule": "`amount` of provenance",
    "ContentRule": "`content` of provenance",
    "Reset": "An entry of `without`",
}
_CONDITIONS = ("Step", "Guard", "Sanitizer", "Reset")


def reference() -> str:
    """The page as the committed file has it."""
    schema = policy_schema()
    models = {"Policy": schema, **cast("dict[str, Any]", schema["$defs"])}
    shared = set(models["EventCondition"]["properties"])
    lines = [_HEAD]
    for name in (*_ORDER, *sorted(set(models) - {*_ORDER, "JsonValue"})):
        lines += _section(name, models[name], shared if name in _CONDITIONS else set())
    lines += ["", "## For what a file is refused", "", "| code | what is wrong |", "|---|---|"]
    lines += [f"| `{code}` | {_cell(told)} |" for code, told in RULES.items()]
    lines += ["", "## What `graphsvc policy lint` finds", "", "| code | finding |", "|---|---|"]
    lines += [f"| `{code}` | {_cell(told)} |" for code, told in CODES.items()]
    return "\n".join(lines) + "\n"


def _section(name: str, model: dict[str, Any], left_out: set[str]) -> Iterator[str]:
    title = _TITLES.get(name, name)
    yield f"\n## {title}\n" if title != name else f"\n## {_words(name)}\n"
    if left_out:
        yield "All [conditions on an event](#conditions-on-an-event), and:\n"
    elif "description" in model and name != "Policy":
        yield model["description"] + "\n"
    yield "| key | holds | meaning | example |"
    yield "|---|---|---|---|"
    required = set(model.get("required", ()))
    for key, schema in model["properties"].items():
        if key in left_out:
            continue
        told = schema.get("description", "")
        example = " or ".join(f"`{_flow(each)}`" for each in schema.get("examples", ()))
        mark = " (required)" if key in required else ""
        yield f"| `{key}`{mark} | {_cell(_type(schema))} | {_cell(told)} | {_cell(example)} |"


def _words(name: str) -> str:
    spaced = "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()
    return spaced[:1].upper() + spaced[1:]


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        options = list(dict.fromkeys(_type(option) for option in schema["anyOf"]))
        listed = [option for option in options if f"list of {option}" in options]
        kept = [option for option in options if option not in {f"list of {each}" for each in listed}]
        return " or ".join(f"{option}, one or a list" if option in listed else option for option in kept)
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        title = _TITLES.get(name, _words(name))
        anchor = "".join(char for char in title.lower() if char.isalnum() or char in " -_").replace(" ", "-")
        return "any" if name == "JsonValue" else f"[{title[:1].lower() + title[1:]}](#{anchor})"
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    match schema.get("type"):
        case "array":
            return f"list of {_type(schema.get('items', {}))}"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"mapping to {_type(schema['additionalProperties'])}"
        case "object":
            return "mapping"
        case "string":
            pattern = schema.get("pattern", "")
            return "duration" if pattern.endswith("[smhd])$") else "text"
        case "boolean":
            return "`true` or `false`"
        case "integer" | "number" as kind:
            low, high = schema.get("minimum"), schema.get("maximum")
            return f"{kind}, {low:g} to {high:g}" if low is not None and high is not None else str(kind)
        case _:
            return "any"


def _flow(value: Any) -> str:
    """The value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        plain = value.replace("_", "").replace("-", "").replace(".", "")
        return value if plain.isalnum() and not plain[:1].isdigit() else json.dumps(value, ensure_ascii=False)
    return json.dumps(value)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
