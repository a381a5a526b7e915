"""YAML documents as JSON values: libyaml's parser, with the traps of the language closed.

Closed: keys given twice (the last would win silently), times (stay text), aliases that blow a short file
up or contain themselves, keys that are no text. Source of the rules: YAML 1.1, as Kubernetes reads it.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.text import decode_text

__all__ = ["read_documents"]

# Values that a text of n characters may expand to through aliases: honest files stay below n.
_GROWTH = 10
_DEPTH = 100


def _loader(base: Any) -> Any:
    class Loader(base):  # type: ignore[misc]
        """The safe loader without times and with unique keys."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if not isinstance(key.value, str):
                    # A list or mapping as a key; JSON has none.
                    raise yaml.constructor.ConstructorError(None, None, "a key must be text", key.start_mark)
                if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key `{key.value}` is given twice", key.start_mark
                    )
                seen.add(key.value)
            found: dict[Hashable, Any] = super().construct_mapping(node, deep=deep)
            return found

    kept = {
        char: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for char, resolvers in base.yaml_implicit_resolvers.items()
    }
    Loader.yaml_implicit_resolvers = kept
    return Loader


# Wheels of PyYAML hold libyaml; without it the same rules are kept, only slower.
_LOADER = _loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def read_documents(data: bytes | str, file: str) -> list[tuple[int, Json]]:
    """The documents of a YAML (or JSON) file, empty ones left out, each with its place in the file (from 1).

    BadInput names the file, the line and the fix.
    """
    text = decode_text(data, file)
    found: list[tuple[int, Json]] = []
    budget = _GROWTH * len(text) + 1000
    loader = _LOADER(text)
    try:
        number = 0
        while loader.check_data():
            number += 1
            document = loader.get_data()
            budget = _check(document, budget, f"{file}[{number}]")
            if document is not None:
                found.append((number, document))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise BadInput(
            f"`{file}` is not YAML{where}: {error.problem or error.context}; correct it or export it again",
            field=file,
        ) from None
    except (yaml.YAMLError, ValueError) as error:
        told = str(error).replace("\n", " ")
        raise BadInput(f"`{file}` is not YAML: {told}; correct it or export it again", field=file) from None
    except RecursionError:
        raise BadInput(f"`{file}` nests values too deeply; export it again", field=file) from None
    finally:
        loader.dispose()
    return found


def _check(document: Any, budget: int, place: str) -> int:
    """What is left of the budget; BadInput when aliases expand too far or values are none of JSON's."""
    queue: list[tuple[Any, int]] = [(document, 0)]
    while queue:
        value, depth = queue.pop()
        budget -= 1
        if budget < 0 or depth > _DEPTH:
            raise BadInput(f"`{place}` repeats or nests values without bound; write them out", field=place)
        if isinstance(value, dict):
            for key, inner in value.items():
                if not isinstance(key, str):
                    raise BadInput(f"`{place}`: the key `{key}` is no text; put it in quotes", field=place)
                queue.append((inner, depth + 1))
        elif isinstance(value, list):
            queue += [(inner, depth + 1) for inner in value]
        elif value is not None and not isinstance(value, str | int | float):
            raise BadInput(
                f"`{place}` holds a {type(value).__name__}; write text, numbers, lists and mappings",
                field=place,
            )
    return budget
