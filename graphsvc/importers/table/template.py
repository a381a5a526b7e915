"""Templates of values: `{column}` stands for a cell, `{{` for a brace; alone it keeps the cell's type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from graphsvc.core.value import Json
from graphsvc.errors import BadInput

__all__ = ["Empty", "columns_of", "fill"]

_PART = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")
_BRACES = {"{{": "{", "}}": "}"}


class Empty(Exception):
    """A column that a template needs is empty in this row."""

    def __init__(self, column: str) -> None:
        super().__init__(column)
        self.column = column


def columns_of(template: Json, place: str) -> Iterator[str]:
    """The columns that a template names; BadInput when it has a lone brace."""
    if isinstance(template, str):
        rest = _PART.sub("", template)
        if "{" in rest or "}" in rest:
            raise BadInput(
                f"{place}: `{template}` has a lone brace; write it twice to mean itself", field=place
            )
        yield from (match[1] for match in _PART.finditer(template) if match[1])
    elif isinstance(template, list):
        for index, item in enumerate(template):
            yield from columns_of(item, f"{place}[{index}]")
    elif isinstance(template, dict):
        for name, item in template.items():
            yield from columns_of(item, f"{place}.{name}")


def fill(template: Json, cell: Callable[[str], Json], *, required: bool) -> Json:
    """The value of a template in a row. cell: a column's value, None for an empty one.

    Parts of mappings and lists whose columns are empty are left out; `Empty` is raised for a text that
    is `required`, and for one that is the whole template (the caller leaves it out).
    """
    if isinstance(template, str):
        return _text(template, cell)
    if isinstance(template, list):
        return [value for item in template if (value := _optional(item, cell, required)) is not None]
    if isinstance(template, dict):
        filled = {name: _optional(item, cell, required) for name, item in template.items()}
        return {name: value for name, value in filled.items() if value is not None}
    return template


def _optional(template: Json, cell: Callable[[str], Json], required: bool) -> Json:
    try:
        return fill(template, cell, required=required)
    except Empty:
        if required:
            raise
        return None


def _text(template: str, cell: Callable[[str], Json]) -> Json:
    whole = _PART.fullmatch(template)
    if whole and whole[1]:
        return _cell(whole[1], cell)

    def put(match: re.Match[str]) -> str:
        if not match[1]:
            return _BRACES[match[0]]
        value = _cell(match[1], cell)
        if isinstance(value, dict | list):
            raise BadInput(f"column `{match[1]}` holds a {type(value).__name__}, which is no part of a text")
        return str(value).lower() if isinstance(value, bool) else str(value)

    return _PART.sub(put, template)


def _cell(column: str, cell: Callable[[str], Json]) -> Json:
    value = cell(column)
    if value is None or value in ("", []):
        raise Empty(column)
    return value
