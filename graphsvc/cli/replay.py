"""`graphsvc replay`: a recorded trace through the engine, one verdict a line."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.option import ConfigOption
from graphsvc.cli.output import Format

if TYPE_CHECKING:
    from graphsvc.core.policy.document import Policy
    from graphsvc.core.trace import TraceItem

__all__ = ["register"]

_HELP = """A recorded trace through the engine: one verdict a line, no store, no clock, no network.

The same input gives the same bytes. TRACE is JSON Lines; `-` reads standard input. An exported trace
holds its packs; with --policy these are in force instead, from the start.

--check compares with the verdicts that `graphsvc export trace` wrote: it prints what differs, exit 1.

--against LIVE compares the packs of --policy with those in force in a store: one line for every action
whose verdict or completions differ, exit 1. Without TRACE the store's own history is replayed.

\b
Examples:
  graphsvc replay incident.jsonl --policy packs/agents.yaml
  graphsvc replay incident.jsonl --policy packs/ --graph estate.jsonl --entitlement off
  graphsvc replay incident.jsonl --policy draft.yaml --force
  graphsvc replay history.jsonl --check
  graphsvc replay --against sqlite:///graphsvc.db --policy draft.yaml
"""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("replay", help=_HELP)(replay)


def replay(
    *,
    trace: Annotated[
        str | None, typer.Argument(metavar="TRACE.jsonl", help="The trace, or `-`.", show_default=False)
    ] = None,
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
    check: Annotated[
        bool, typer.Option("--check", help="Print only what differs from the stored verdicts; exit 1 if so.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="LIVE", help="A store URL: print what its packs answer otherwise."),
    ] = None,
    micros: Annotated[
        bool, typer.Option("--micros", help="Add how long each judgement took; differs from run to run.")
    ] = False,
    form: Annotated[
        Format | None, typer.Option("--format", help="How to print; jsonl, with --check table.")
    ] = None,
    config: ConfigOption = None,
    more: Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", help="More policy files.")] = None,
) -> None:
    """Replay a trace."""
    from graphsvc.cli.estate import read_graphs
    from graphsvc.cli.file import read_lines, read_policies
    from graphsvc.cli.history import read_live
    from graphsvc.cli.pack import PackChoice
    from graphsvc.cli.playback import Playback, warn_of_packs
    from graphsvc.cli.replayer import Replayer
    from graphsvc.core.trace import read_trace

    _check_options(trace, policy, entitlement, against, check=check, micros=micros)
    given = read_policies([*(policy or []), *(more or [])])
    nodes, edges = read_graphs(graph or [])

    def replayer(policies: Iterable[Policy]) -> Replayer:
        return Replayer(policies, nodes=nodes, edges=edges, entitlement=entitlement, force=force)

    live = read_live(against, config) if against is not None else None
    items: Iterable[TraceItem] = live.items if live is not None else ()
    if trace is not None:
        items = read_trace(read_lines(trace), trace)
    playback = Playback(items, PackChoice(given or None, quiet=live is not None))
    if live is not None:
        warn_of_packs({each.pack.id for each in live.policies} - {each.pack.id for each in given}, live.url)
        differs = playback.compare(replayer(live.policies), replayer(given), form or Format.jsonl)
    elif check:
        differs = playback.verify(replayer(given), form or Format.table)
    else:
        differs = playback.judge(replayer(given), form or Format.jsonl, micros=micros)
    sys.stdout.flush()
    if differs:
        raise typer.Exit(1)


def _check_options(
    trace: str | None,
    policy: list[str] | None,
    entitlement: str | None,
    against: str | None,
    *,
    check: bool,
    micros: bool,
) -> None:
    """BadInput when options contradict each other."""
    from graphsvc.errors import BadInput

    if entitlement not in (None, "off", "advisory", "required"):
        raise BadInput(
            f"--entitlement: `{entitlement}` is none of off, advisory, required", field="entitlement"
        )
    if trace is None and against is None:
        raise BadInput(
            "TRACE.jsonl is missing; name a trace, `-` for standard input, or --against LIVE", field="trace"
        )
    if trace is not None and trace.endswith((".yaml", ".yml")):
        raise BadInput(f"TRACE: `{trace}` is a policy file; write `--policy {trace}`", field="trace")
    if against is not None and not policy:
        raise BadInput(
            "--against: name the packs to compare with those of the store by --policy", field="policy"
        )
    if against is not None and check:
        raise BadInput("--against and --check exclude each other; give one", field="check")
    if micros and (check or against is not None):
        raise BadInput("--micros goes with plain verdicts, not with --check or --against", field="micros")
