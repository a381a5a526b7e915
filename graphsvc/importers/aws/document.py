"""Policy documents: an object or text (URL-encoded or not), scalars or lists, to a list of statements."""

from __future__ import annotations

from urllib.parse import unquote

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.text import parse_json

__all__ = ["Statement", "condition_keys", "principals", "read_document", "statements", "texts"]

Statement = dict[str, Json]


def read_document(value: Json, place: str) -> dict[str, Json]:
    """A policy document as an object; the raw API writes it as URL-encoded text, the command line decodes it."""
    if isinstance(value, str):
        text = value if value.lstrip().startswith("{") else unquote(value)
        value = parse_json(text, place)
    if not isinstance(value, dict):
        raise BadInput(f"{place}: a policy document must be an object or its JSON text", field=place)
    return value


def statements(document: dict[str, Json], place: str) -> list[Statement]:
    """The statements of a document, in its order; BadInput when one has no place in the grammar."""
    found = document.get("Statement")
    listed = found if isinstance(found, list) else [found]
    checked: list[Statement] = []
    for index, statement in enumerate(listed):
        if not isinstance(statement, dict):
            raise BadInput(f"{place}.Statement[{index}]: must be an object", field=place)
        if statement.get("Effect") not in ("Allow", "Deny"):
            raise BadInput(f"{place}.Statement[{index}].Effect: must be `Allow` or `Deny`", field=place)
        checked.append(statement)
    return checked


def texts(statement: Statement, name: str, place: str) -> list[str]:
    """A field that may be one text or a list of them; absent is the empty list."""
    value = statement.get(name)
    listed = [] if value is None else value if isinstance(value, list) else [value]
    found = [item for item in listed if isinstance(item, str)]
    if len(found) != len(listed):
        raise BadInput(f"{place}.{name}: must be text or a list of texts", field=place)
    return found


def principals(statement: Statement, name: str, place: str) -> list[tuple[str, str]]:
    """The (kind, id) pairs of `Principal` or `NotPrincipal`; `"*"` is the AWS principal `*`."""
    value = statement.get(name)
    if value is None:
        return []
    if isinstance(value, str):
        return [("AWS", value)]
    if not isinstance(value, dict):
        raise BadInput(f"{place}.{name}: must be text or an object", field=place)
    return [(kind, item) for kind in value for item in texts(value, kind, f"{place}.{name}")]


def condition_keys(statement: Statement, place: str) -> list[str]:
    """The condition keys that a statement looks at, sorted, as they are written.

    BadInput when the condition is not of the form {operator: {key: values}}: what cannot be read must
    not pass for a statement without condition.
    """
    condition = statement.get("Condition", {})
    if not isinstance(condition, dict):
        raise BadInput(f"{place}.Condition: must be an object", field=place)
    keys: set[str] = set()
    for operator, test in condition.items():
        if not isinstance(test, dict):
            raise BadInput(f"{place}.Condition.{operator}: must be an object", field=place)
        keys.update(test)
    return sorted(keys)
