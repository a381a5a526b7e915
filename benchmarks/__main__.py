"""`python -m benchmarks`: measure everything, print tables, write one JSON file.

Read ratios first: `x echo` compares with an application that answers a constant, `x memory` with the
store that writes nothing, both measured in this run on this machine.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import (
    audit,
    dashboard,
    engine,
    history,
    hot,
    importing,
    reach,
    rescan,
    rights,
    service,
    start,
)

_PARTS = ("engine", "rights", "closure", "reach", "http", "import", "start", "audit", "api", "dashboard")


def main() -> int:
    """Measure what was asked for."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument(
        "parts",
        nargs="*",
        help="engine, rights, closure, reach, http, import, start, audit, api, dashboard; all of them if not given",
    )
    asked.add_argument("--patterns", type=int, default=50)
    asked.add_argument("--decisions", type=int, default=50_000, help="of the engine")
    asked.add_argument("--seconds", type=float, default=5.0, help="for each row over HTTP")
    asked.add_argument("--stores", default="memory,sqlite,neo4j")
    asked.add_argument("--output", type=Path, default=None, help="default: bench-results/<time>.json")
    given = asked.parse_args()
    parts = given.parts or list(_PARTS)
    if unknown := set(parts) - set(_PARTS):
        asked.error(f"`{min(unknown)}` is none of {', '.join(_PARTS)}")
    results: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
    }
    if "engine" in parts:
        results["engine"] = [engine.measure(each, given.decisions) for each in (1, given.patterns, 200)]
        _table("engine, CPU time, one core", results["engine"])
        results["rescan"] = rescan.measure()
        _table("broad patterns, against reading the session again", results["rescan"])
        results["lengths"] = history.lengths()
        _table("a decision by length of its session, 200 patterns", results["lengths"])
        results["reports"] = history.reports()
        _table("a label reported late, chain of 1,000", results["reports"])
        results["witness"] = [history.witness()]
        _table("decisions that complete a path, told", results["witness"])
        results["memory"] = [history.memory()]
        _table("memory", results["memory"])
    if "rights" in parts:
        results["rights"] = [rights.checks(edges) for edges in (10_000, 100_000, 1_000_000)]
        _table("rights by permission edges, microseconds of CPU time", results["rights"])
    if "closure" in parts:
        results["closures"] = [rights.closures()]
        _table("the closure of one identity more, microseconds of CPU time", results["closures"])
    if "reach" in parts:
        results["reach"] = [reach.measure()]
        _table("distances to a tier, one edge more or less, microseconds of CPU time", results["reach"])
        results["reach followed"] = [reach.followed()]
        _table("one fact more of a permission graph, microseconds of CPU time", results["reach followed"])
    if "http" in parts:
        results["http"] = _http(given.stores.split(","), given.patterns, given.seconds)
        _table("decide over HTTP", results["http"])
    if "import" in parts:
        results["import"] = importing.measure(10_000)
        _table("imports", results["import"])
    if "start" in parts:
        results["start"] = [start.measure(given.decisions, given.patterns)]
        _table("a start from SQLite: the whole log, or a snapshot", results["start"])
    if "api" in parts:
        results["api"] = hot.measure()
        _table("what the API costs beside the decision, microseconds of CPU time", results["api"])
    if "audit" in parts:
        results["audit"] = [audit.measure()]
        _table("the audit log", results["audit"])
    if "dashboard" in parts:
        results["dashboard"] = dashboard.measure()
        _table("the dashboard in Chromium", results["dashboard"])
    output = given.output or Path("bench-results") / f"{results['at'].replace(':', '')}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to {output}")
    return 0


def _http(stores: list[str], patterns: int, seconds: float) -> list[dict[str, Any]]:
    rows = [_row("echo", "echo", connections, patterns, seconds, {}) for connections in (1, 16, 64)]
    for store in stores:
        with _store(store) as found:
            if found is None:
                continue
            url, environment = found
            rows += [_row(store, url, each, patterns, seconds, environment) for each in (1, 16, 64)]
    rates = {(row["store"], row["connections"]): row["per_s"] for row in rows}
    for row in rows:
        for base in ("echo", "memory"):
            rate = rates.get((base, row["connections"]))
            row[f"x {base}"] = round(row["per_s"] / rate, 3) if rate else None
    return rows


def _row(
    name: str, url: str, connections: int, patterns: int, seconds: float, environment: dict[str, str]
) -> dict[str, Any]:
    print(f"{name}, {connections} connections ...", file=sys.stderr)
    count = int(seconds * (30_000 if name == "echo" else 4_000))
    return service.measure(
        name, url, connections, patterns=patterns, count=count, seconds=seconds, environment=environment
    )


@contextmanager
def _store(name: str) -> Iterator[tuple[str, dict[str, str]] | None]:
    """The URL of a store and the environment of its user; None, told, when it is not to be had."""
    if name == "memory":
        yield "memory:", {}
    elif name == "sqlite":
        yield "sqlite:///FOLDER/bench.db", {}
    else:
        from tests.support.neo4j_server import own_server

        try:
            with (
                tempfile.TemporaryDirectory(prefix="graphsvc-bench-neo4j-") as folder,
                own_server(Path(folder)) as server,
            ):
                yield server.store_url, {"GRAPHSVC_NEO4J_PASSWORD": server.password}
        except BaseException as error:
            # The helper of the tests skips in its own way where Java or Maven is absent.
            if type(error).__name__ != "Skipped":
                raise
            print(f"neo4j: skipped: {error}", file=sys.stderr)
            yield None


def _table(title: str, rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_text(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    print(f"\n{title}")
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    sys.exit(main())
