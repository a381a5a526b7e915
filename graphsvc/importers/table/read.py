"""Rows to facts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.result import Collector, Imported
from graphsvc.importers.table.mapping import Part, TableMapping
from graphsvc.importers.table.row import Row
from graphsvc.importers.table.template import Empty, columns_of, fill

__all__ = ["Rows", "read"]

Rows = Callable[[bytes | str, str, TableMapping, Collector], Iterator[Row]]
# Without these a fact is none; other parts are left out where their columns are empty.
_NEEDED = ("type", "id", "resource_type", "from", "to")


def read(
    files: Sequence[tuple[bytes | str, str]],
    rows: Rows,
    mapping: TableMapping,
    *,
    strict: bool = True,
    known: Callable[[str], bool] = lambda _key: False,
) -> Imported:
    """The facts of tables, each (data, file name), read by `rows` (`csv_rows` or `jsonl_rows`).

    Rows may repeat a fact; two that say different things of one node or edge are malformed. strict: the
    first malformed row refuses the input; else its fact is left out and reported. known: nodes of
    the graph that edges may end at. BadInput names file, line, column and the fix.
    """
    collector = Collector(strict=strict)
    nodes: dict[str, tuple[str, Node]] = {}
    edges: dict[tuple[str, str, str], tuple[str, Edge]] = {}
    for data, file in files:
        for row in rows(data, file, mapping, collector):
            collector.counts["rows"] += 1
            for index, part in enumerate(mapping.parts):
                for fact in _facts(row, part, f"rows[{index}]", collector):
                    if isinstance(fact, Node):
                        place, held = nodes.setdefault(fact.key, (row.place, fact))
                        if held != fact:
                            collector.skip(
                                row.place, f"says otherwise of `{fact.key}` than {place}; make them agree"
                            )
                    else:
                        ends = (fact.type, fact.start, fact.end)
                        place, other = edges.setdefault(ends, (row.place, fact))
                        if other != fact:
                            told = f"{fact.type} from `{fact.start}` to `{fact.end}`"
                            collector.skip(
                                row.place, f"says otherwise of {told} than {place}; make them agree"
                            )
    for _, node in nodes.values():
        collector.node(node)
    for place, edge in edges.values():
        missing = [key for key in (edge.start, edge.end) if key not in nodes and not known(key)]
        if missing:
            collector.skip(
                place, f"the edge refers to the unknown node `{missing[0]}`; add a node to the mapping"
            )
        else:
            collector.edge(edge.type, edge.start, edge.end, edge.properties)
    return collector.finish(counted=("rows",))


def _facts(row: Row, part: Part, place: str, collector: Collector) -> Iterator[Node | Edge]:
    try:
        if not all(_fits(row.cell(column), wanted) for column, wanted in part.when.items()):
            return
        rows = [row] if part.each is None else _divided(row, part.each)
    except BadInput as error:
        collector.skip(row.place, str(error))
        return
    for each in rows:
        try:
            fact = _fact(each, part, place)
        except BadInput as error:
            collector.skip(row.place, str(error))
        else:
            if fact is not None:
                yield fact


def _divided(row: Row, column: str) -> list[Row]:
    items = row.cell(column)
    if items is None:
        return []
    if not isinstance(items, list):
        raise BadInput(f"column `{column}`: must be a list; say types.{column} in the mapping", field=column)
    return [row.with_item(column, item) for item in items]


def _fits(value: Json, wanted: str | list[str]) -> bool:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text in wanted if isinstance(wanted, list) else text == wanted


def _fact(row: Row, part: Part, place: str) -> Node | Edge | None:
    what, template = ("node", part.node) if part.node is not None else ("edge", part.edge)
    assert template is not None
    record: dict[str, Json] = {}
    for name, item in template.items():
        try:
            record[name] = fill(item, row.cell, required=name in _NEEDED)
        except Empty as empty:
            if part.optional and name in _NEEDED:
                return None
            if name in _NEEDED:
                raise BadInput(
                    f"column `{empty.column}` is empty, but {place}.{what}.{name} needs it; fill it in,"
                    f" or say `optional = true` in {place}",
                    field=empty.column,
                ) from None
        if name in _NEEDED and name in record and not isinstance(record[name], str):
            # Ids of a table may be numbers.
            record[name] = str(record[name])
    try:
        if what == "node":
            return node_from_record(record, place=f"{place}.node")
        return edge_from_record(record, place=f"{place}.edge")
    except BadInput as error:
        name = (error.field or "").removeprefix(f"{place}.{what}.")
        columns = sorted(set(columns_of(template.get(name), place)))
        told = f"column {', '.join(f'`{column}`' for column in columns)}: " if columns else ""
        raise BadInput(f"{told}{error}", field=columns[0] if columns else error.field) from None
