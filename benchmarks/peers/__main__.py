"""`make bench-peers`: every engine on one world, in interleaved rounds; every answer is compared with the truth.

Prints tables with medians and ranges over the rounds and writes one JSON file. An engine that is not installed is told, with
what to do about it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.peers import chain
from benchmarks.peers.client import closed_loop, open_loop
from benchmarks.peers.engine import ENGINES, Running
from benchmarks.peers.library import measure_cedar
from benchmarks.peers.world import World, make_world


def main() -> int:
    """Measure; 1 when an answer was wrong."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    asked.add_argument("--rounds", type=int, default=5)
    asked.add_argument("--seconds", type=float, default=5.0, help="of each row of a round")
    asked.add_argument(
        "--scale", type=float, default=1.0, help="of the world; 1 = 10,000 identities, 100,000 grants"
    )
    asked.add_argument("--connections", default="1,16,64")
    asked.add_argument("--rate", type=int, default=2_000, help="of the open loop, a second; 0 leaves it out")
    asked.add_argument("--only", default="", help="words in the names of engines, separated by commas")
    asked.add_argument("--output", type=Path, default=None, help="default: bench-results/peers-<time>.json")
    given = asked.parse_args()
    world = make_world(
        identities=int(10_000 * given.scale), groups=int(1_500 * given.scale), resources=int(20_000 * given.scale),
        grants=int(100_000 * given.scale), checks=20_000,
    )  # fmt: skip
    share = sum(check.allowed for check in world.checks) / len(world.checks)
    print(
        f"{len(world.grants):,} grants, {len(world.checks):,} checks, {share:.0%} of them allowed",
        file=sys.stderr,
    )
    rows: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    words = [word for word in given.only.split(",") if word]
    with ExitStack() as stack:
        engines: list[Running] = []
        for each in ENGINES:
            if words and not any(word in each.name for word in words):
                continue
            if (missing := each.missing()) is not None:
                told.append({"engine": each.name, "missing": missing})
                continue
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="graphsvc-peers-")))
            print(f"starting {each.name} ...", file=sys.stderr)
            engines.append(stack.enter_context(each.start(world, folder)))  # type: ignore[arg-type]  # context managers
        for turn in range(given.rounds):
            for engine in engines[turn % len(engines) :] + engines[: turn % len(engines)]:
                turns = [(_closed, int(each)) for each in given.connections.split(",")]
                turns += [(_open, given.rate)] if given.rate else []
                rows += [
                    {"round": turn, **asyncio.run(way(engine, world, size, given.seconds))}
                    for way, size in turns
                ]
    told.append(measure_cedar(world, world.checks[:2_000]))
    stories = asyncio.run(_stories(given.rounds, given.seconds))
    results = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "cpus": os.cpu_count(), "allowed": share,
        "entitlement": _summed(rows), "chains": _summed(stories), "others": told, "rows": [*rows, *stories],
    }  # fmt: skip
    for title in ("entitlement", "chains", "others"):
        _table(title, results[title])  # type: ignore[arg-type]
    output = given.output or Path("bench-results") / f"peers-{results['at']}.json".replace(":", "")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(results, indent=2) + "\n")
    print(f"\nwritten to {output}")
    return 1 if any(row.get("wrong") for row in (*rows, *stories, *told)) else 0


async def _closed(engine: Running, world: World, connections: int, seconds: float) -> dict[str, Any]:
    messages = [engine.request(check) for check in world.checks]
    await closed_loop(engine.host, engine.port, messages[:200], engine.means, 4, 5.0)
    before = engine.cpu_s()
    # Further questions are the same ones again, unless a question can be asked only once.
    result = await closed_loop(
        engine.host, engine.port, [engine.request(check) for check in world.checks] if "decide" in engine.name else messages * 4,
        engine.means, connections, seconds,
    )  # fmt: skip
    return _told(engine, world, f"closed, {connections}", result, before)


async def _open(engine: Running, world: World, rate: int, seconds: float) -> dict[str, Any]:
    count = int(rate * seconds)
    checks = (world.checks * (count // len(world.checks) + 1))[:count]
    messages = [engine.request(check) for check in checks]
    before = engine.cpu_s()
    result = await open_loop(engine.host, engine.port, messages, engine.means, rate, seconds)
    return _told(engine, world, f"open, {rate}/s", result, before)


def _told(engine: Running, world: World, load: str, result: Any, before: float) -> dict[str, Any]:
    checks = world.checks
    wrong = sum(said is not checks[number % len(checks)].allowed for number, said in result.answers)
    return {
        "engine": engine.name, "load": load, **result.row(), "wrong": wrong,
        "cpu_us_each": round((engine.cpu_s() - before) / max(1, len(result.took_ns)) * 1e6, 1),
        "memory_mb": round(engine.memory_mb()),
    }  # fmt: skip


async def _stories(rounds: int, seconds: float) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    world = World()
    for turn in range(rounds):
        for name in ("graphsvc decide, SQLite durable", "OPA"):
            each = next(engine for engine in ENGINES if engine.name == name)
            if each.missing() is not None:
                continue
            with tempfile.TemporaryDirectory(prefix="graphsvc-peers-") as place:
                folder = Path(place)
                (folder / "pack.yaml").write_text(chain.PACK)
                world.identities = ["u1"]
                with each.start(world, folder) as engine:  # type: ignore[attr-defined]  # context managers
                    token = (folder / "token").read_text() if name != "OPA" else None
                    if token is None:
                        await _publish(engine)
                    told = chain.stories(40_000, seed=turn)
                    result, wrong = await chain.play(engine, told, 16, seconds, token)
                    rows.append(
                        {
                            "round": turn,
                            "engine": engine.name,
                            "load": "16 sessions",
                            **result.row(),
                            "wrong": wrong,
                        }
                    )
    return rows


async def _publish(engine: Running) -> None:
    from benchmarks.peers.client import Line
    from benchmarks.peers.engine import _http

    line = Line(*await asyncio.open_connection(engine.host, engine.port))
    message = _http("/v1/policies/flow", chain.REGO.encode(), engine.port)
    await line.ask(message.replace(b"POST ", b"PUT ", 1).replace(b"application/json", b"text/plain", 1))
    await line.ask(_http("/v1/data/sessions", b"{}", engine.port).replace(b"POST ", b"PUT ", 1))
    line.writer.close()


def _summed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    summed = []
    for engine, load in dict.fromkeys((row["engine"], row["load"]) for row in rows):
        of = [row for row in rows if (row["engine"], row["load"]) == (engine, load)]
        told: dict[str, Any] = {"engine": engine, "load": load}
        for name in ("per_s", "p50_ms", "p99_ms", "cpu_us_each", "memory_mb"):
            values = [row[name] for row in of if name in row]
            if values:
                told[name] = round(statistics.median(values), 3)
                told[f"{name} range"] = f"{min(values)}..{max(values)}"
        told["wrong"] = sum(row["wrong"] for row in of)
        summed.append(told)
    return summed


def _table(title: str, rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([str(row.get(name, "-")) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    print(f"\n{title}")
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
