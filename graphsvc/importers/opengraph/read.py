"""OpenGraph files, zipped or not, to facts. Source: the OpenGraph schemas of nodes and edges."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from graphsvc.core.graph import Node, edge_from_record, node_key, resource_key
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.opengraph.codec import decode_edge, decode_node, is_own, key_of
from graphsvc.importers.opengraph.ends import Ends
from graphsvc.importers.opengraph.mapping import EdgeMeaning, Mapping
from graphsvc.importers.result import Collector, Imported
from graphsvc.importers.text import decode_json

__all__ = ["read"]

_KIND = re.compile(r"[A-Za-z0-9_]+")
# What a zip may unpack to, so that a small one cannot fill the memory.
_UNPACKED_BYTES = 2 << 30


def read(
    files: Sequence[tuple[bytes | str, str]],
    *,
    mapping: Mapping | None = None,
    strict: bool = True,
    known: Callable[[str], bool] = lambda _key: False,
) -> Imported:
    """The facts of OpenGraph files, each (data, file name).

    Nodes that graphsvc wrote come back as they were. Others are what `mapping` says of their kinds, with
    their own id; edges of a kind without meaning are counted and noted. strict: the first malformed node
    or edge refuses the input; else it is skipped and reported. known: nodes of the graph that edges may
    name. BadInput names the place and the fix.
    """
    mapping, collector, ends = mapping or Mapping(), Collector(strict=strict), Ends()
    edges: list[tuple[str, dict[str, Json]]] = []
    for name, document in _documents(files):
        graph = _graph(document, name)
        for place, record in _records(graph, "nodes", name, collector):
            try:
                _node(record, place, mapping, ends, collector)
            except BadInput as error:
                collector.skip(place, str(error).removeprefix(f"{place}: "))
        edges += _records(graph, "edges", name, collector)
    without: Counter[str] = Counter()
    for place, record in edges:
        try:
            _edge(record, place, mapping, ends, known, collector, without)
        except BadInput as error:
            collector.skip(place, str(error).removeprefix(f"{place}: "))
    for kind, count in sorted(without.items()):
        collector.note(
            f"{count:,} edges of kind `{kind}` mean nothing here; say what they mean with --mapping"
        )
    collector.counts["edges_without_meaning"] = without.total()
    return collector.finish()


def _documents(files: Sequence[tuple[bytes | str, str]]) -> Iterator[tuple[str, Json]]:
    for data, file in files:
        if not isinstance(data, bytes) or data[:4] != b"PK\x03\x04":
            yield file, decode_json(data, file)
            continue
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                if sum(entry.file_size for entry in packed.infolist()) > _UNPACKED_BYTES:
                    raise BadInput(
                        f"`{file}` unpacks to more than {_UNPACKED_BYTES:,} bytes; split it", field=file
                    )
                for entry in sorted(packed.namelist()):
                    if entry.lower().endswith(".zip"):
                        raise BadInput(f"`{file}` holds another zip, `{entry}`; unpack it", field=file)
                    if not entry.endswith("/"):
                        yield f"{file}/{entry}", decode_json(packed.read(entry), f"{file}/{entry}")
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:
            raise BadInput(f"`{file}` is not a zip that can be read: {error}", field=file) from None


def _graph(document: Json, file: str) -> dict[str, Json]:
    graph = document.get("graph") if isinstance(document, dict) else None
    if not isinstance(graph, dict):
        raise BadInput(
            f'`{file}` is not OpenGraph: write {{"graph": {{"nodes": [], "edges": []}}}}', field=file
        )
    return graph


def _records(
    graph: dict[str, Json], name: str, file: str, collector: Collector
) -> Iterator[tuple[str, dict[str, Json]]]:
    listed = graph.get(name)
    if listed is None:
        return
    if not isinstance(listed, list):
        raise BadInput(f"{file}.graph.{name}: must be a list", field=f"{file}.graph.{name}")
    for index, record in enumerate(listed):
        place = f"{file}.graph.{name}[{index}]"
        if isinstance(record, dict):
            yield place, record
        else:
            collector.skip(place, "must be an object")


def _node(record: dict[str, Json], place: str, mapping: Mapping, ends: Ends, collector: Collector) -> None:
    node_id, listed = record.get("id"), record.get("kinds")
    if not isinstance(node_id, str) or not node_id or ":" in node_id:
        raise BadInput("`id` must be text that is not empty and holds no colon", field=f"{place}.id")
    if not isinstance(listed, list) or not all(isinstance(kind, str) for kind in listed) or len(listed) > 3:
        raise BadInput("`kinds` must be a list of at most three texts", field=f"{place}.kinds")
    kinds = [str(kind) for kind in listed]
    properties = _properties(record, place)
    if is_own(kinds, properties):
        node = decode_node(properties, place)
    else:
        node = _foreign(node_id, kinds, properties, mapping)
    if collector.has(node.key) or ends.has(node_id):
        raise BadInput(f"the node `{node_id}` is in the input already", field=f"{place}.id")
    collector.node(node)
    ends.add(node_id, node.key, kinds, properties)


def _foreign(node_id: str, kinds: list[str], properties: dict[str, Json], mapping: Mapping) -> Node:
    meaning, _, resource_type = mapping.node(kinds).partition(":")
    key = resource_key(resource_type, node_id) if resource_type else node_key(meaning, node_id)
    fields: dict[str, Json] = {}
    if isinstance(name := properties.get("name"), str):
        fields["name"] = name
    if meaning == "identity":
        fields["kind"] = "service" if any("service" in kind.lower() for kind in kinds) else "human"
        fields["status"] = "active"
    return Node(key=key, fields=fields, properties={**properties, "opengraph_kinds": list[Json](kinds)})


def _edge(
    record: dict[str, Json],
    place: str,
    mapping: Mapping,
    ends: Ends,
    known: Callable[[str], bool],
    collector: Collector,
    without: Counter[str],
) -> None:
    kind = record.get("kind")
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        raise BadInput("`kind` must be letters, digits and underscores", field=f"{place}.kind")
    properties = _properties(record, place)
    found = []
    for name in ("start", "end"):
        key = ends.find(record.get(name), f"{place}.{name}")
        if key is None:
            value = record[name].get("value") if isinstance(record[name], dict) else None  # type: ignore[union-attr]  # tested one line on
            key = key_of(value) if isinstance(value, str) else None
            if key is None or not known(key):
                raise BadInput(f"`{name}` names no node of the input: add the node", field=f"{place}.{name}")
        found.append(key)
    meaning = mapping.edge(kind)
    if meaning is None:
        without[kind] += 1
    elif not meaning.ignore:
        _take(kind, meaning, found[0], found[1], properties, place, collector)


def _take(
    kind: str,
    meaning: EdgeMeaning,
    start: str,
    end: str,
    properties: dict[str, Json],
    place: str,
    collector: Collector,
) -> None:
    if meaning.reverse:
        start, end = end, start
    if meaning.type is not None:
        checked = edge_from_record({"type": meaning.type, "from": start, "to": end}, place=place)
        own = {name for name in properties if name.startswith(("prop_", "propjson_"))}
        given = decode_edge(properties, place) if own or not properties else properties
        collector.edge(checked.type, checked.start, checked.end, given)
        return
    key = f"permission:opengraph:{kind}:{start}:{end}"
    fields: dict[str, Json] = {"effect": "allow", "actions": [meaning.action]}
    collector.node(Node(key=key, fields=fields, properties={**properties, "opengraph_kind": kind}))
    collector.edge("GRANTED", start, key)
    collector.edge("ON", key, end)


def _properties(record: dict[str, Json], place: str) -> dict[str, Json]:
    properties = record.get("properties")
    if properties is None:
        return {}
    if not isinstance(properties, dict):
        raise BadInput("`properties` must be an object or null", field=f"{place}.properties")
    if "objectid" in properties:
        raise BadInput(
            "`properties.objectid` is not allowed: the node's `id` is it", field=f"{place}.properties"
        )
    for name, value in properties.items():
        if isinstance(value, dict) or value is None:
            raise BadInput(
                f"`properties.{name}` must be text, a number, a boolean or a list of one of these",
                field=f"{place}.properties.{name}",
            )
    return properties
