"""The mapping file of tables: which facts each row gives. docs/importers.md describes it with examples."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from graphsvc.core.graph import EDGE_TYPES, NODE_KINDS
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.settings_text import read_settings
from graphsvc.importers.table.template import columns_of

__all__ = ["ColumnType", "Part", "TableMapping", "read_table_mapping"]

_SIMPLE = ("text", "number", "boolean")


class ColumnType(msgspec.Struct, frozen=True):
    """kind: `text`, `number`, `boolean` or `list`; a list's items are divided by `separator`."""

    kind: str
    separator: str = ""


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fact of a row. node or edge: its record, as in the interchange file, with templates.

    when: columns that must hold exactly these texts. each: a list column; the fact is made for each
    item, which the column's name then stands for. optional: left out when a column is empty.
    """

    node: dict[str, Json] | None = None
    edge: dict[str, Json] | None = None
    when: dict[str, str | list[str]] = {}
    each: str | None = None
    optional: bool = False


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rows: list[Part]
    types: dict[str, str | dict[str, str]] = {}
    separator: str = ","


class TableMapping(msgspec.Struct, frozen=True, kw_only=True):
    """A checked mapping. separator: between the cells of a CSV line."""

    parts: tuple[Part, ...]
    types: dict[str, ColumnType]
    separator: str

    def columns(self) -> Iterator[tuple[str, str]]:
        """(column, where the mapping names it) of every column that it names."""
        for index, part in enumerate(self.parts):
            place = f"rows[{index}]"
            for name in (*part.when, *([part.each] if part.each else [])):
                yield name, place
            for what, record in (("node", part.node), ("edge", part.edge)):
                for column in columns_of(record or {}, f"{place}.{what}"):
                    yield column, f"{place}.{what}"
        for name in self.types:
            yield name, "types"


def read_table_mapping(data: bytes | str, file: str) -> TableMapping:
    """A mapping file (TOML or YAML); BadInput names the place in it and the fix."""
    try:
        found = msgspec.convert(read_settings(data, file), _File)
    except msgspec.ValidationError as error:
        raise BadInput(f"`{file}`: {error}; see docs/importers.md", field=file) from None
    if len(found.separator) != 1:
        raise BadInput(f"`{file}`: separator: must be one character", field="separator")
    if not found.rows:
        raise BadInput(f"`{file}`: rows: say what a row gives, with at least one node or edge", field="rows")
    types = {name: _type(value, f"`{file}`: types.{name}") for name, value in found.types.items()}
    for index, part in enumerate(found.rows):
        _check(part, f"`{file}`: rows[{index}]", types)
    return TableMapping(parts=tuple(found.rows), types=types, separator=found.separator)


def _type(value: str | dict[str, str], place: str) -> ColumnType:
    if isinstance(value, dict) and value.keys() == {"list"} and value["list"]:
        return ColumnType("list", value["list"])
    if isinstance(value, str) and value in _SIMPLE:
        return ColumnType(value)
    raise BadInput(
        f'{place}: must be "text", "number", "boolean" or {{list = ";"}} with what divides the items',
        field=place,
    )


def _check(part: Part, place: str, types: dict[str, ColumnType]) -> None:
    if (part.node is None) == (part.edge is None):
        raise BadInput(f"{place}: must have exactly one of `node` and `edge`", field=place)
    for name, record, needed, known in (
        ("node", part.node, {"type", "id"}, NODE_KINDS),
        ("edge", part.edge, {"type", "from", "to"}, EDGE_TYPES),
    ):
        if record is None:
            continue
        if missing := needed - record.keys():
            raise BadInput(f"{place}.{name}: must have `{min(missing)}`", field=place)
        kind = record["type"]
        # A template's result is checked row by row.
        if isinstance(kind, str) and "{" not in kind and kind not in known:
            raise BadInput(f"{place}.{name}.type: `{kind}` is none of {', '.join(known)}", field=place)
        list(columns_of(record, f"{place}.{name}"))
    if part.each is not None and types.get(part.each, ColumnType("list")).kind != "list":
        raise BadInput(
            f'{place}.each: say types.{part.each} = {{list = ";"}}, for it is to be divided', field=place
        )
