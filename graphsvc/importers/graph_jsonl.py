"""The interchange file of graphs: JSON Lines in and out, one fact a line, nothing lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record, to_record
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.result import Collector, Imported
from graphsvc.importers.text import decode_text, parse_json

__all__ = ["read", "read_files", "write"]

_EDGE_FIELDS = frozenset({"type", "from", "to", "properties"})
_FIX = 'write one {"node": ...} or {"edge": ...} object a line'


def read(
    text_or_lines: str | bytes | Iterable[str],
    file: str = "<graph>",
    *,
    strict: bool = True,
    known: Callable[[str], bool] = lambda _key: False,
) -> Imported:
    """The graph of a JSON Lines file.

    strict: the first bad line, repeated fact or edge to a node that is neither in the file nor
    `known` refuses the whole file; else it is skipped and reported. Fields that the format does not
    name are kept: a node's as its own fields, an edge's in its properties.
    BadInput names the file and the line (from 1).
    """
    return _read([(text_or_lines, file)], strict=strict, known=known)


def read_files(
    files: Sequence[tuple[str | bytes, str]],
    *,
    strict: bool = True,
    known: Callable[[str], bool] = lambda _key: False,
) -> Imported:
    """The graph of several files, each (data, name), as if they were one: edges may lead from one to another."""
    return _read(files, strict=strict, known=known)


def _read(
    files: Iterable[tuple[str | bytes | Iterable[str], str]], *, strict: bool, known: Callable[[str], bool]
) -> Imported:
    collector = Collector(strict=strict)
    # Edges that came before a node they refer to.
    early: dict[tuple[str, str, str], tuple[str, Edge]] = {}
    for place, line in _numbered(files):
        try:
            fact = _fact(parse_json(line, place, fix=_FIX), place)
        except BadInput as error:
            if strict:
                raise
            collector.skip(place, str(error))
            continue
        if isinstance(fact, Node):
            if collector.has(fact.key):
                collector.skip(place, f"node `{fact.key}` is in the input already")
            collector.node(fact)
        elif (ends := (fact.type, fact.start, fact.end)) in early or collector.has_edge(*ends):
            collector.skip(
                place, f"edge `{fact.type}` from `{fact.start}` to `{fact.end}` is in the input already"
            )
        elif collector.has(fact.start) and collector.has(fact.end):
            collector.edge(fact.type, fact.start, fact.end, fact.properties)
        else:
            early[ends] = (place, fact)
    for place, edge in early.values():
        missing = [key for key in (edge.start, edge.end) if not collector.has(key) and not known(key)]
        if missing:
            collector.skip(place, f"the edge refers to the unknown node `{missing[0]}`")
        else:
            collector.edge(edge.type, edge.start, edge.end, edge.properties)
    return collector.finish()


def _numbered(files: Iterable[tuple[str | bytes | Iterable[str], str]]) -> Iterator[tuple[str, str]]:
    for text_or_lines, file in files:
        for number, line in enumerate(_lines(text_or_lines, file), 1):
            if line.strip():
                yield f"{file}:{number}", line


def write(nodes: Iterable[Node], edges: Iterable[Edge]) -> Iterator[str]:
    """The lines of a graph (each ends with a line feed): nodes by key, then edges by type and ends.

    The same facts give the same bytes, and `read` gives the same facts back.
    """
    for node in sorted(nodes, key=lambda node: node.key):
        record = to_record(node)
        inner = record["node"]
        if isinstance(inner, dict) and node.kind != "resource":
            # Labels and tiers belong to resources; what a source says of others is kept all the same.
            if node.labels:
                inner["labels"] = list(node.labels)
            if node.tier is not None:
                inner["tier"] = node.tier
        yield _line(record)
    for edge in sorted(edges, key=lambda edge: (edge.type, edge.start, edge.end)):
        yield _line(to_record(edge))


def _lines(text_or_lines: str | bytes | Iterable[str], file: str) -> Iterable[str]:
    if isinstance(text_or_lines, str | bytes):
        return _split(decode_text(text_or_lines, file))
    return text_or_lines


def _split(text: str) -> Iterator[str]:
    # Not `splitlines`: JSON text may hold U+2028 and other characters that it takes for line ends. One at a time, for
    # all lines of a large file would take more memory than what they say.
    begin = 0
    while (end := text.find("\n", begin)) >= 0:
        yield text[begin:end]
        begin = end + 1
    yield text[begin:]


def _fact(record: Json, place: str) -> Node | Edge:
    kinds = {"node", "edge"} & record.keys() if isinstance(record, dict) else set()
    if not isinstance(record, dict) or len(kinds) != 1:
        raise BadInput(f"{place}: the line is not a graph fact: {_FIX}", field=place)
    kind = kinds.pop()
    inner = record[kind]
    if not isinstance(inner, dict):
        raise BadInput(f"{place}: `{kind}` must be an object", field=place)
    beside = {name: value for name, value in record.items() if name != kind}
    for name in beside:
        if name in inner or (kind == "node" and name in _NODE_FIELDS):
            raise BadInput(
                f"{place}: `{name}` stands beside and in `{kind}`: keep the inner one", field=place
            )
    if kind == "node":
        return _node({**inner, **beside}, place)
    extra = {name: value for name, value in {**inner, **beside}.items() if name not in _EDGE_FIELDS}
    edge = edge_from_record(inner, place=f"{place}: edge")
    if clash := extra.keys() & edge.properties.keys():
        raise BadInput(
            f"{place}: `{min(clash)}` is a field and a property of the edge: keep one", field=place
        )
    return msgspec.structs.replace(edge, properties={**extra, **edge.properties}) if extra else edge


_NODE_FIELDS = frozenset({"type", "id", "labels", "tier", "properties"})


def _node(record: Mapping[str, Json], place: str) -> Node:
    node = node_from_record(record, place=f"{place}: node")
    if node.kind != "resource" and "resource_type" in record:
        # Only resources have a type of their own; elsewhere it is one more field to keep.
        return msgspec.structs.replace(node, fields={**node.fields, "resource_type": record["resource_type"]})
    return node


def _line(record: Mapping[str, Json]) -> str:
    return msgspec.json.encode(record, order="sorted").decode() + "\n"
