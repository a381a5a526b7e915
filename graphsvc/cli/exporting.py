"""`graphsvc export`: the graph in several formats, or the history."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from graphsvc.cli.failure import ErrorGroup
from graphsvc.cli.option import Place
from graphsvc.cli.person import person
from graphsvc.cli.spread import spread
from graphsvc.core.graph import Edge, Node
from graphsvc.core.value import Json

__all__ = ["app"]

app = typer.Typer(
    cls=ErrorGroup,
    name="export",
    help="Write the graph or the history.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command()(person)

Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help="Where to; standard output if not given."),
]


@app.command()
@spread
def jsonl(
    *,
    output: Output = None,
    at: Place,
) -> None:
    """The whole graph; importing it gives the same graph.

    \b
    Examples:
      graphsvc export jsonl -o graph.jsonl
      graphsvc export jsonl | grep '"identity:alice"'
    """
    from graphsvc.importers.graph_jsonl import write

    _write_graph(write, output, at)


@app.command()
@spread
def opengraph(
    *,
    output: Output = None,
    at: Place,
) -> None:
    """The whole graph for BloodHound; importing it gives the same graph.

    \b
    Examples:
      graphsvc export opengraph -o graph.json
    """
    from graphsvc.importers.opengraph import write

    _write_graph(write, output, at)


@app.command()
@spread
def cypher(
    *,
    output: Output = None,
    at: Place,
) -> None:
    """The whole graph as Cypher statements that draw it in any Neo4j.

    \b
    Examples:
      graphsvc export cypher -o graph.cypher
      graphsvc export cypher | cypher-shell -a bolt://127.0.0.1:7687
    """
    from graphsvc.importers.cypher import write

    _write_graph(write, output, at)


def _write_graph(
    write: Callable[[Iterable[Node], Iterable[Edge]], Iterator[str]],
    output: Path | None,
    at: Place,
) -> None:
    from graphsvc.cli.output import progress
    from graphsvc.cli.session import run_admin

    nodes, edges = run_admin(lambda admin: admin.facts(), at, create=False)
    with _open(output) as file, progress("exporting", len(nodes) + len(edges)) as advance:
        for part in write(nodes, edges):
            file.write(part.encode())
            advance()


@app.command()
@spread
def trace(
    *,
    output: Output = None,
    start: Annotated[str | None, typer.Option("--from", metavar="TIME", help="RFC 3339, inclusive.")] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="RFC 3339, exclusive.")] = None,
    chain: Annotated[
        str | None, typer.Option("--chain", metavar="ID", help="Only what concerns this chain.")
    ] = None,
    at: Place,
) -> None:
    """The history as a trace, for `graphsvc replay`.

    The whole history replays to the stored verdicts: it holds the graph and the packs. A part of it
    (--from, --to, --chain) lacks what lies outside.

    \b
    Examples:
      graphsvc export trace -o history.jsonl
      graphsvc replay history.jsonl --check
      graphsvc export trace --from 2026-11-23T00:00:00Z --chain support-4711
    """
    import msgspec

    from graphsvc.cli.session import Admin, run_admin
    from graphsvc.core.record import Record
    from graphsvc.core.trace import to_trace_records
    from graphsvc.core.value import parse_time

    from_ms = parse_time(start, field="--from") if start else None
    to_ms = parse_time(end, field="--to") if end else None

    async def read(admin: Admin) -> list[tuple[int, Record]]:
        return [numbered async for numbered in admin.history()]

    history = run_admin(read, at, create=False)
    records = to_trace_records(history)
    encoder = msgspec.json.Encoder()
    with _open(output) as file:
        for record in _chosen(records, from_ms, to_ms, chain.removeprefix("chain:") if chain else None):
            file.write(encoder.encode(record) + b"\n")


def _chosen(
    records: Iterable[dict[str, Json]], from_ms: int | None, to_ms: int | None, chain: str | None
) -> Iterator[dict[str, Json]]:
    from graphsvc.core.value import parse_time

    actions: set[Json] = set()
    for record in records:
        at_ms = parse_time(str(record["at"]))
        if (from_ms is not None and at_ms < from_ms) or (to_ms is not None and at_ms >= to_ms):
            continue
        if chain is not None and not _concerns(record, chain, actions):
            continue
        if record["type"] == "action":
            actions.add(record["id"])
        yield record


def _concerns(record: dict[str, Json], chain: str, actions: set[Json]) -> bool:
    """False for what is about another chain alone. actions: those of the chain so far."""
    match record["type"]:
        case "action" | "open" | "close" | "intent":
            return record["chain"] == chain
        case "grant":
            return record["chain"] in {None, chain}
        case "report" | "cancel":
            return record["action"] in actions
        case "approve" | "reject":
            return record["decision"] in actions
        case "suspend" | "reinstate":
            target = record["target"]
            return not isinstance(target, dict) or target["type"] != "chain" or target["id"] == chain
    return True


@contextmanager
def _open(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    # Written aside and renamed: nobody finds half a file under the name.
    aside = output.with_name(f".{output.name}.part")
    try:
        with aside.open("wb") as file:
            yield file
        aside.replace(output)
    finally:
        aside.unlink(missing_ok=True)
