"""`graphsvc export person`: everything that is kept of one person."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from graphsvc.cli.option import Place
from graphsvc.cli.spread import spread

__all__ = ["person"]


@spread
def person(
    identity: Annotated[str, typer.Argument(metavar="ID", help="Of the identity, such as alice.")],
    *,
    alias: Annotated[
        list[str] | None, typer.Option("--alias", help="Another name of the same person; several times.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Default: standard output.")
    ] = None,
    at: Place,
) -> None:
    """Every record that names a person, as JSON: actions, rights, reviews, signals, facts of imports, and calls under that name.

    \b
    Examples:
      graphsvc export person alice -o alice.json
      graphsvc export person alice --alias alice@example.com
    """
    import msgspec

    from graphsvc.cli.session import open_admin, run
    from graphsvc.core.person import about, facts_of
    from graphsvc.core.record import GraphStaged
    from graphsvc.core.value import Json

    names = tuple(each.removeprefix("identity:") for each in (identity, *(alias or ())))

    async def collect() -> list[dict[str, Json]]:
        found: list[dict[str, Json]] = []
        async with open_admin(at, create=False) as admin:
            async for seq, record in admin.history():
                if not about(record, names):
                    continue
                # Of an import only what is about this person.
                told: object = record
                if isinstance(record, GraphStaged):
                    told = {"kind": "graph_staged", "at_ms": record.at_ms, "facts": facts_of(record, names)}
                found.append({"seq": seq, "record": msgspec.to_builtins(told)})
        return found

    records = run(collect())
    text = (
        msgspec.json.format(msgspec.json.encode({"person": list(names), "records": records})).decode() + "\n"
    )
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")
        print(f"{len(records)} records about {names[0]} written to {output}", file=sys.stderr)
