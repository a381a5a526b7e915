"""Changes of the permission graph in traces: facts that come and go, labels, linked identities."""

from __future__ import annotations

from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record, node_key
from graphsvc.core.record import GraphCommitted, GraphStaged, Record, Relabelled, SourceRemoved
from graphsvc.core.trace.field import Fields
from graphsvc.core.value import Json

__all__ = ["graph_record", "read_graph", "read_link", "read_relabel", "relabel_record", "removal_record"]

_SOURCE = "trace"


def read_graph(fields: Fields, at_ms: int) -> tuple[Record, ...]:
    """`graph`: `upsert` holds nodes and edges of a source, `remove: true` takes all of its facts away."""
    source, caller = fields.optional_text("source") or _SOURCE, fields.note("caller")
    if fields.flag("remove", default=False):
        return (SourceRemoved(at_ms=at_ms, source=source, by=caller),)
    nodes: list[Node] = []
    edges: list[Edge] = []
    for part in fields.parts("upsert"):
        # Fields that nobody knows are kept as facts of the graph, so none is ignored here.
        edge = part.optional_mapping("edge")
        place = f"{part.place}: {part.path}"
        if edge is not None:
            edges.append(edge_from_record(edge, place=f"{place}edge"))
        elif (node := part.optional_mapping("node")) is not None:
            nodes.append(node_from_record(node, place=f"{place}node"))
        else:
            part.fail("node", "is missing; every item of `upsert` holds a `node` or an `edge`")
    replace = fields.flag("replace", default=False)
    return _loaded(fields.place, source, at_ms, nodes, edges, replace=replace, caller=caller)


def graph_record(record: GraphCommitted, facts: list[Json]) -> dict[str, Json]:
    """`graph` with the facts that became visible."""
    return {"source": record.source, "replace": record.replace, "upsert": facts}


def removal_record(record: SourceRemoved) -> dict[str, Json]:
    """`graph` that removes a source."""
    return {"source": record.source, "remove": True}


def read_link(fields: Fields, at_ms: int) -> tuple[Record, ...]:
    """`link`: these identities are one person; the first names them."""
    names = [node_key("identity", name) for name in fields.texts("identities")]
    if len(names) < 2:
        fields.fail("identities", "must name at least two identities")
    edges = [Edge(type="LINKED_TO", start=names[0], end=other) for other in names[1:]]
    caller = fields.note("caller")
    return _loaded(fields.place, _SOURCE, at_ms, [], edges, replace=False, caller=caller)


def read_relabel(fields: Fields, at_ms: int) -> tuple[Relabelled]:
    """`relabel`: a resource carries these labels from now on."""
    resource = fields.entity("resource", "resource")
    return (
        Relabelled(
            at_ms=at_ms,
            resource_type=resource.type,
            resource=resource.id,
            labels=fields.texts("labels"),
            by=fields.note("caller"),
        ),
    )


def relabel_record(record: Relabelled) -> dict[str, Json]:
    """`relabel`."""
    return {
        "resource": {"type": record.resource_type, "id": record.resource},
        "labels": list(record.labels),
    }


def _loaded(
    load: str, source: str, at_ms: int, nodes: list[Node], edges: list[Edge], *, replace: bool, caller: str
) -> tuple[Record, ...]:
    return (
        GraphStaged(at_ms=at_ms, load=load, nodes=tuple(nodes), edges=tuple(edges)),
        GraphCommitted(at_ms=at_ms, load=load, source=source, replace=replace, by=caller),
    )
