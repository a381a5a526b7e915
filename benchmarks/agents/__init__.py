"""The agent benchmark: AgentDojo's own task chains replayed through the real service and client, without a model.

make bench-agents                                     banking and slack, on which rules and client were developed
make bench-agents ARGS="--suites banking,slack,workspace,travel"
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["main"]

_SUITES = ("banking", "slack", "workspace", "travel")


def main(given: Sequence[str]) -> int:
    """Measure, print tables, write one JSON file."""
    asked = argparse.ArgumentParser(
        prog="python -m benchmarks agents",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    asked.add_argument("--suites", default="banking,slack", help=f"of {', '.join(_SUITES)}")
    asked.add_argument("--quick", action="store_true", help="the shipped rule alone, without the baselines")
    asked.add_argument("--parts", action="store_true", help="also leave out each part of provenance in turn")
    asked.add_argument(
        "--curve", action="store_true", help="also make the table laxer and stricter, step by step"
    )
    asked.add_argument("--picture", type=Path, default=None, help="where to draw the curve, as SVG")
    asked.add_argument("--output", type=Path, default=None, help="default: bench-results/agents-<time>.json")
    wanted = asked.parse_args(given)
    suites = wanted.suites.split(",")
    if unknown := set(suites) - set(_SUITES):
        asked.error(f"`{min(unknown)}` is none of {', '.join(_SUITES)}")
    try:
        from benchmarks.agents.run import measure
    except ModuleNotFoundError as error:
        sys.exit(f"error: {error.name} is not installed here; run `make bench-agents`")
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    from benchmarks.agents import cost

    found: dict[str, Any] = {"at": at, "python": platform.python_version(), "cost": cost.measure()}
    _print("cost, microseconds of CPU time", found["cost"])
    found |= measure(suites, quick=wanted.quick, parts=wanted.parts, curve=wanted.curve)
    for title, rows in _tables(found):
        _print(title, rows)
    output = wanted.output or Path("bench-results") / f"agents-{at.replace(':', '')}.json"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(found, indent=2) + "\n")
    print(f"\nwritten to {output}")
    if wanted.picture is not None and found["curve"]:
        wanted.picture.write_text(_picture(found))
        print(f"drawn to {wanted.picture}")
    return 0


def _picture(found: dict[str, Any]) -> str:
    from benchmarks.agents.curve import picture

    def point(figures: dict[str, Any]) -> tuple[float, float, float]:
        stopped = figures["benign denied"]["percent"] + figures["benign escalated"]["percent"]
        own = figures["attacks, own"]["percent"]
        return stopped, own, figures.get("attacks, everything", figures["attacks, own"])["percent"]

    rules = {name: each["all"] for name, each in found["rules"].items() if name != "provenance"}
    return picture(
        {name: point(each) for name, each in found["curve"].items()},
        {name: point(each) for name, each in rules.items()},
    )


def _tables(found: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    rules = [
        {"rule": rule, "suite": suite, **_plain(figures)}
        for rule, by_suite in found["rules"].items()
        for suite, figures in by_suite.items()
    ]
    parts = [{"without": part, **_plain(each)} for part, each in found["without"].items()]
    curve = [{"table": step, **_plain(each)} for step, each in found["curve"].items()]
    stopped = [
        {name: value for name, value in row.items() if name != "where"} for row in found["benign stopped"]
    ]
    return [
        ("percent (95 % interval), hits of all", rules),
        ("each part left out", parts),
        ("the table laxer and stricter", curve),
        ("what stopped the users' own calls", stopped),
        ("what stopped injected calls", found["attacks stopped"]),
    ]


def _plain(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: f"{value['percent']} ({value['low']}-{value['high']}), {value['hits']}/{value['of']}"
        if isinstance(value, dict)
        else value
        for name, value in figures.items()
    }


def _print(title: str, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    print(f"\n{title}")
    for row in rows:
        print("  " + "; ".join(f"{name}: {value}" for name, value in row.items()))
