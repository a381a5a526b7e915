"""Importers of others: found by entry point, called like our own, and their facts checked before use.

A distribution that declares

    [project.entry-points."graphsvc.importers"]
    okta = "graphsvc_okta:read"

makes `graphsvc import okta PATH... --source NAME` work. docs/importers.md shows a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from graphsvc.core.graph import Edge, Node, edge_from_record, node_from_record, to_record
from graphsvc.core.value import Json
from graphsvc.errors import BadInput
from graphsvc.importers.result import Collector, Imported

__all__ = ["GROUP", "Importer", "checked", "find_importer", "importer_names"]

GROUP = "graphsvc.importers"


class Importer(Protocol):
    """What an entry point names.

    files: each (data, file name). strict: the first malformed part raises BadInput that names its place;
    else it is skipped and reported (`graphsvc.importers.result.Collector` does both). options: what the
    user gave as `--option name=value`; an unknown one is BadInput. No file, network or clock is touched.
    """

    def __call__(
        self, files: Sequence[tuple[bytes, str]], *, strict: bool, options: Mapping[str, str]
    ) -> Imported:
        """The facts of the files and the report about them."""


def importer_names() -> list[str]:
    """Names of the importers that are installed beside our own."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def find_importer(name: str) -> Importer:
    """The importer of that name; BadInput when there is none, several, or it cannot be loaded."""
    points: list[EntryPoint] = list(entry_points(group=GROUP, name=name))
    if not points:
        raise BadInput(f"no importer `{name}` is installed; install the package that brings it", field=name)
    if len({point.value for point in points}) > 1:
        told = ", ".join(sorted(f"`{point.value}`" for point in points))
        raise BadInput(f"the importer `{name}` is brought by several packages: {told}; keep one", field=name)
    try:
        found = points[0].load()
    except Exception as error:
        raise BadInput(
            f"the importer `{name}` (`{points[0].value}`) cannot be loaded: {error}", field=name
        ) from error
    if not callable(found):
        raise BadInput(f"the importer `{name}` (`{points[0].value}`) is no function", field=name)
    return cast(Importer, found)


def checked(
    imported: object, name: str, *, strict: bool, known: Callable[[str], bool] = lambda _key: False
) -> Imported:
    """The result of an importer with only facts that the graph takes, sorted; others are refused or skipped.

    known: nodes that edges may end at beside those of the result.
    """
    if not isinstance(imported, Imported):
        raise BadInput(f"the importer `{name}` gave no `Imported`; report it to its authors", field=name)
    collector = Collector(strict=strict)
    collector.counts.update(imported.report.counts)
    for node in imported.nodes:
        place = f"{name}: node {getattr(node, 'key', node)!r}"
        try:
            taken = node_from_record(_record(node, Node, "node", place), place=place)
        except (BadInput, ValueError) as error:
            collector.skip(place, str(error))
            continue
        if collector.has(taken.key):
            collector.skip(place, "is given twice")
        collector.node(node)
    for edge in imported.edges:
        place = f"{name}: edge {edge!r:.200}"
        try:
            edge_from_record(_record(edge, Edge, "edge", place), place=place)
        except (BadInput, ValueError) as error:
            collector.skip(place, str(error))
            continue
        missing = [key for key in (edge.start, edge.end) if not collector.has(key) and not known(key)]
        if missing:
            collector.skip(place, f"refers to the unknown node `{missing[0]}`")
        else:
            collector.edge(edge.type, edge.start, edge.end, edge.properties)
    return collector.finish(before=imported.report)


def _record(fact: object, kind: type, name: str, place: str) -> dict[str, Json]:
    if not isinstance(fact, kind):
        raise BadInput(f"{place}: is no `graphsvc.core.graph.{kind.__name__}`", field=place)
    return cast("dict[str, Json]", to_record(cast(Node, fact))[name])
