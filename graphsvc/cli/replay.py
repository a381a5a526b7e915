"""`graphsvc replay`: a recorded trace through the engine, one verdict a line."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from graphsvc.cli.output import Format, print_rows, progress, warn
from graphsvc.core.value import Json

__all__ = ["register"]

_HELP = """A recorded trace through the engine: one verdict a line, no store, no clock, no network.

The same input gives the same bytes. TRACE is JSON Lines; `-` reads standard input.

\b
Examples:
  graphsvc replay incident.jsonl --policy packs/agents.yaml
  graphsvc replay incident.jsonl --policy packs/ --graph estate.jsonl --entitlement off
  graphsvc replay incident.jsonl --policy draft.yaml --force
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay", help=_HELP)(replay)


def replay(
    *,
    trace: Annotated[str, typer.Argument(metavar="TRACE.jsonl", help="The trace, or `-`.")],
    policy: Annotated[
        list[str] | None,
        typer.Option("--policy", metavar="FILE", help="A policy file or folder; several times."),
    ] = None,
    graph: Annotated[
        list[str] | None, typer.Option("--graph", metavar="GRAPH.jsonl", help="The estate; several times.")
    ] = None,
    entitlement: Annotated[
        str | None, typer.Option(help="off, advisory or required instead of what the packs say.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="What happened is what the trace says, whatever the verdict.")
    ] = False,
    micros: Annotated[
        bool, typer.Option("--micros", help="Add how long each judgement took; differs from run to run.")
    ] = False,
    form: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.jsonl,
    more: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="More policy files.")] = None,
) -> None:
    """Replay a trace."""
    from graphsvc.cli.file import read_bytes, read_lines, read_policies
    from graphsvc.cli.replayer import Replayer, encode, outcome_record
    from graphsvc.core.graph import Edge, Node
    from graphsvc.core.trace import read_trace
    from graphsvc.errors import BadInput
    from graphsvc.importers import graph_jsonl

    if entitlement not in (None, "off", "advisory", "required"):
        raise BadInput(
            f"--entitlement: `{entitlement}` is none of off, advisory, required", field="entitlement"
        )
    policies = read_policies([*(policy or []), *(more or [])])
    nodes: list[Node] = []
    edges: list[Edge] = []
    for path in graph or []:
        imported = graph_jsonl.read(read_bytes(path), path, known=lambda _key: True)
        nodes += imported.nodes
        edges += imported.edges
    replayer = Replayer(policies, nodes=nodes, edges=edges, entitlement=entitlement, force=force)
    rows: list[dict[str, Json]] = []
    told = 0
    with progress("replaying") as advance:
        for item in read_trace(read_lines(trace), trace):
            started = time.perf_counter_ns()
            evaluation = replayer.step(item)
            took = time.perf_counter_ns() - started if micros else None
            advance()
            for message in replayer.warnings[told:]:
                warn(message)
            told = len(replayer.warnings)
            if evaluation is None:
                continue
            record = outcome_record(evaluation, took)
            if form is Format.jsonl:
                sys.stdout.buffer.write(encode(record))
            else:
                rows.append(record)
    if form is not Format.jsonl:
        print_rows(rows, form, empty="the trace holds no actions")
    sys.stdout.flush()
