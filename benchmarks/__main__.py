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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import (
    adapter,
    audit,
    client,
    engine,
    exploring,
    history,
    hot,
    importing,
    live,
    pause,
    policy,
    proxy,
    publishing,
    reach,
    rescan,
    revoke,
    rights,
    service,
    signals,
    start,
    together,
    week,
)

Row = dict[str, Any]
Given = argparse.Namespace
Measure = Callable[[Given], Sequence[Row]]


def main() -> int:
    """Measure what was asked for."""
    if sys.argv[1:2] == ["agents"]:
        # Apart from the others: it needs packages that they do not, and they need some that it does not.
        from benchmarks import agents

        return agents.main(sys.argv[2:])
    names = list(dict.fromkeys(part for part, *_ in _TABLES))
    asked = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    asked.add_argument("parts", nargs="*", help=f"{', '.join(names)}; all of them if not given; or agents")
    asked.add_argument("--patterns", type=int, default=50)
    asked.add_argument("--decisions", type=int, default=50_000, help="of the engine")
    asked.add_argument("--people", type=int, default=100_000, help="of the estate for static questions")
    asked.add_argument("--rounds", type=int, default=2_000, help="of races over replicas")
    asked.add_argument("--seconds", type=float, default=5.0, help="for each row over HTTP")
    asked.add_argument("--stores", default="memory,sqlite,neo4j")
    asked.add_argument("--output", type=Path, default=None, help="default: bench-results/<time>.json")
    given = asked.parse_args()
    parts = given.parts or names
    if unknown := set(parts) - set(names):
        asked.error(f"`{min(unknown)}` is none of {', '.join(names)}")
    results: dict[str, Any] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
    }
    for part, name, title, measure in _TABLES:
        if part in parts:
            rows = results[name] = measure(given)
            _table(title, rows)
    output = given.output or Path("bench-results") / f"{results['at'].replace(':', '')}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to {output}")
    return 0


def _replicas(given: Given) -> Sequence[Row]:
    from benchmarks import replicas

    return replicas.measure(given.rounds)


def _revoked(_given: Given) -> Sequence[Row]:
    from benchmarks import revoke_cluster

    return [revoke_cluster.measure()]


def _dashboard(_given: Given) -> Sequence[Row]:
    from benchmarks import dashboard

    return dashboard.measure()


def _http(given: Given) -> list[Row]:
    stores, patterns, seconds = given.stores.split(","), given.patterns, given.seconds
    rows = [_row("echo", "echo", connections, patterns, seconds, {}) for connections in (1, 16, 64)]
    for way in ("constant", "defaults"):
        rows += [_row(way, f"{way}+memory:", each, patterns, seconds, {}) for each in (1, 16, 64)]
    for store in stores:
        with _store(store) as found:
            if found is None:
                continue
            url, environment = found
            rows += [_row(store, url, each, patterns, seconds, environment) for each in (1, 16, 64)]
            if store == "neo4j":
                name, undrawn = "neo4j, undrawn", f"undrawn+{url}"
                rows += [_row(name, undrawn, each, patterns, seconds, environment) for each in (16, 64)]
    rates = {(row["store"], row["connections"]): row["per_s"] for row in rows}
    for row in rows:
        for base in ("echo", "constant", "defaults", "memory"):
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


def _table(title: str, rows: Sequence[Row]) -> None:
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


# Part, name in the JSON, title of the table, and what measures it: rows of name -> value.
def _steady(given: Given) -> list[Row]:
    from benchmarks import pace

    return _by_store(
        given,
        lambda name, url, environment: pace.steady(
            name, url, environment, per_s=2_000, seconds=given.seconds, patterns=given.patterns
        ),
    )


def _many(given: Given) -> list[Row]:
    from benchmarks import pace

    return _by_store(
        given,
        lambda name, url, environment: pace.many(
            name, url, environment, seconds=given.seconds, patterns=given.patterns
        ),
    )


def _by_store(given: Given, measure: Callable[[str, str, dict[str, str]], Row]) -> list[Row]:
    rows = []
    for name in given.stores.split(","):
        with _store(name) as found:
            if found is not None:
                rows.append(measure(name, *found))
    return rows


_TABLES: list[tuple[str, str, str, Measure]] = [
    (
        "engine", "engine", "the engine on the mix, CPU time, one core",
        lambda given: [engine.measure(each, given.decisions) for each in (1, given.patterns, 200)],
    ),
    (
        "together", "together", "rights, 200 patterns, provenance and thresholds of the score together, CPU time",
        lambda given: [together.measure(given.decisions)],
    ),
    ("engine", "rescan", "broad patterns, against reading the session again", lambda _: rescan.measure()),
    ("engine", "lengths", "broad patterns, by length of the session", lambda _: rescan.lengths()),
    ("engine", "kinds", "all kinds of patterns, by length of the session", lambda _: history.lengths()),
    ("engine", "reports", "a label reported late, chain of 1,000", lambda _: history.reports()),
    ("engine", "witness", "decisions that complete a path, told", lambda _: [history.witness()]),
    ("engine", "memory", "memory, bytes an event", lambda _: [history.memory()]),
    ("steady", "steady", "decide in an open loop of 2,000 a second", _steady),
    ("many", "many", "decideMany of 50 against single calls, 16 connections", _many),
    ("live", "fan_out", "one event to 1,000 subscribers", lambda _: [live.fan_out()]),
    (
        "live", "flat", "200 subscribers, one of them stalled",
        lambda given: [live.flat(events=2 * given.decisions)],
    ),
    (
        "rights", "rights", "rights by permission edges, microseconds of CPU time",
        lambda _: [rights.checks(edges) for edges in (10_000, 100_000, 1_000_000)],
    ),
    ("closure", "closures", "the closure of one identity more, microseconds of CPU time", lambda _: [rights.closures()]),
    ("reach", "reach", "distances to a tier, one edge more or less, microseconds of CPU time", lambda _: [reach.measure()]),
    ("reach", "reach followed", "one fact more of a permission graph, microseconds of CPU time", lambda _: [reach.followed()]),
    ("pause", "pause", "the longest decisions beside a large graph, milliseconds of CPU time", lambda _: [pause.measure(settled=each) for each in (True, False)]),
    ("revoke", "revoke", "from a revoke or suspension to the first guaranteed deny, wall time", lambda _: [revoke.measure(each) for each in ("memory", "sqlite")]),
    (
        "publish", "publish", "decisions while a pack is published, wall time",
        lambda given: [publishing.measure(warmed=each, history=given.decisions) for each in (False, True)],
    ),
    ("revoke", "revoke replicas", "the same on Neo4j with three replicas, wall time", _revoked),
    ("signals", "signals", "from a pushed security event to the answer that it counts, wall time", lambda _: [signals.measure()]),
    ("adapters", "adapters", "what an adapter adds to the bare client, microseconds of CPU time", lambda _: adapter.measure()),
    ("proxy", "proxy", "a tool call through the MCP proxy, wall time", lambda _: proxy.measure()),
    ("policy", "protection", "a decision with more protection, microseconds of CPU time", lambda _: policy.protection(10_000)),
    ("policy", "replay", "stored history under a draft, CPU time", lambda given: policy.replays(given.decisions)),
    ("http", "http", "decide over HTTP", _http),
    (
        "explore", "explore", "static questions of a large estate and a real account, seconds of CPU time",
        lambda given: exploring.measure(given.people),
    ),
    ("import", "import", "imports", lambda _: importing.measure(10_000)),
    (
        "start", "start", "a start from SQLite: the whole log, or a snapshot",
        lambda given: [start.measure(given.decisions, given.patterns)],
    ),
    ("api", "api", "what the API costs beside the decision, microseconds of CPU time", lambda _: hot.measure()),
    ("client", "client", "a call of the Python client, microseconds of the caller's CPU time", lambda _: client.measure()),
    ("audit", "audit", "the audit log", lambda _: [audit.measure()]),
    ("week", "week", "memory over a week of chains, SQLite", lambda given: week.measure(given.decisions)),
    ("replicas", "replicas", "races of three steps over replicas on Neo4j", _replicas),
    ("dashboard", "dashboard", "the dashboard in Chromium", _dashboard),
]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
