"""Rows of files: CSV with a header, or JSON Lines with an object a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.result import Collector
from graphsvc.importers.table.mapping import ColumnType, TableMapping
from graphsvc.importers.text import decode_text, parse_json

__all__ = ["Row", "csv_rows", "jsonl_rows"]

_TRUE, _FALSE = frozenset({"true", "yes", "1", "y", "t"}), frozenset({"false", "no", "0", "n", "f"})


class Row:
    """The cells of one row. place: file and line (from 1)."""

    def __init__(self, place: str, cells: dict[str, Json], types: dict[str, ColumnType]) -> None:
        self.place = place
        self._cells = cells
        self._types = types

    def cell(self, column: str) -> Json:
        """A column's value in the type that the mapping gives it, None when empty; BadInput when it cannot be."""
        value = self._cells.get(column)
        if column not in self._cells and "." in column:
            value = _inside(self._cells, column)
        if value is None or value == "":
            return None
        declared = self._types.get(column)
        if declared is None or not isinstance(value, str):
            return value
        text = value.strip()
        if declared.kind == "list":
            return [item.strip() for item in text.split(declared.separator) if item.strip()]
        if declared.kind == "number":
            return self._number(column, text)
        if declared.kind == "boolean":
            if text.lower() in _TRUE | _FALSE:
                return text.lower() in _TRUE
            raise BadInput(
                f"column `{column}`: `{text}` is neither true nor false; write one of them", field=column
            )
        return value

    def with_item(self, column: str, item: Json) -> Row:
        """The same row with one item in the place of a list."""
        types = {name: kind for name, kind in self._types.items() if name != column}
        return Row(self.place, {**self._cells, column: item}, types)

    def _number(self, column: str, text: str) -> Json:
        try:
            return int(text)
        except ValueError:
            pass
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        # Neither NaN nor infinity is a JSON number.
        if number - number != 0:
            raise BadInput(f"column `{column}`: `{text}` is no number; write one such as 12.5", field=column)
        return number


def _inside(cells: dict[str, Json], path: str) -> Json:
    found: Json = cells
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def csv_rows(data: bytes | str, file: str, mapping: TableMapping, collector: Collector) -> Iterator[Row]:
    """The rows of a CSV file; BadInput when its header lacks a column that the mapping names."""
    lines = csv.reader(
        io.StringIO(decode_text(data, file), newline=""), delimiter=mapping.separator, strict=True
    )
    try:
        header = [name.strip() for name in next(lines, [])]
    except csv.Error as error:
        raise BadInput(f"{file}:1: the header is not CSV: {error}", field=file) from None
    if not header:
        raise BadInput(f"`{file}` is empty; its first line must name the columns", field=file)
    if twice := {name for name in header if header.count(name) > 1}:
        raise BadInput(f"{file}:1: the column `{min(twice)}` is named twice; rename one", field=file)
    for column, where in mapping.columns():
        if column not in header:
            raise BadInput(
                f"{file}:1: there is no column `{column}`, which {where} of the mapping names; there is"
                f" {', '.join(f'`{name}`' for name in header)}",
                field=column,
            )
    while True:
        try:
            cells = next(lines, None)
        except csv.Error as error:
            # The reader cannot tell where the next row begins.
            raise BadInput(
                f"{file}:{lines.line_num}: not CSV: {error}; close the quotes", field=file
            ) from None
        if cells is None:
            return
        if not cells:
            continue
        place = f"{file}:{lines.line_num}"
        if len(cells) != len(header):
            collector.skip(
                place,
                f"has {len(cells)} cells, the header {len(header)}; put cells that hold `{mapping.separator}` in quotes",
            )
            continue
        yield Row(place, dict(zip(header, cells, strict=True)), mapping.types)


def jsonl_rows(data: bytes | str, file: str, mapping: TableMapping, collector: Collector) -> Iterator[Row]:
    """The rows of a JSON Lines file; a column is a key, or a path of keys with dots."""
    for number, line in enumerate(decode_text(data, file).split("\n"), 1):
        if not line.strip():
            continue
        place = f"{file}:{number}"
        try:
            value = parse_json(line, place, fix="write one object a line")
        except BadInput as error:
            collector.skip(place, str(error))
            continue
        if isinstance(value, dict):
            yield Row(place, value, mapping.types)
        else:
            collector.skip(place, "must be an object")
