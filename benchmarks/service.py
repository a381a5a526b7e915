"""Decisions over HTTP: throughput, latency and commits for each store and number of connections."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["measure", "process", "served"]


def measure(
    name: str,
    store: str,
    connections: int,
    *,
    patterns: int,
    count: int,
    seconds: float,
    environment: dict[str, str],
) -> dict[str, Any]:
    """One row: `per_s`, `p50_ms`, `p99_ms`; with a store also `ms_per_commit` and `batch` (mean size)."""
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder:
        url = store.replace("FOLDER", folder)
        with process(url, Path(folder), patterns, environment) as (server, facts):
            load = subprocess.run(
                [
                    sys.executable, "-m", "benchmarks.load", facts["url"], facts["token"], str(connections),
                    str(count), str(seconds), f"{os.getpid()}-{name}-{connections}",
                ],
                check=False, capture_output=True, text=True, timeout=seconds + 120,
            )  # fmt: skip
            if load.returncode:
                raise RuntimeError(f"{name}: the load failed: {load.stderr.strip()[-400:]}")
            row: dict[str, Any] = {"store": name, **json.loads(load.stdout)}
            out, err = server.communicate("", timeout=60)
        if server.returncode:
            raise RuntimeError(f"{name}: the server failed: {err.strip()[-400:]}")
        metrics = json.loads(out.splitlines()[-1])["metrics"]
    if metrics:
        row["drawn_p99_ms"] = metrics["drawn_p99_ms"]
    if metrics and metrics["batches"]:
        row["ms_per_commit"] = round(metrics["commit_seconds"] / metrics["batches"] * 1000, 3)
        row["batch"] = round(metrics["committed"] / metrics["batches"], 1)
    return row


@contextmanager
def served(store: str, folder: Path, patterns: int, *, uds: Path) -> Iterator[dict[str, str]]:
    """A service in another process, at a port and at a Unix socket: its `url` and a `token`."""
    with process(store, folder, patterns, {}, str(uds)) as (server, facts):
        yield facts
        server.communicate("", timeout=60)


@contextmanager
def process(
    store: str, folder: Path, patterns: int, environment: dict[str, str], *more: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A service in another process, and its `url` and a `token`."""
    server = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server", store, str(folder), str(patterns), *more],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, **environment},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line:
            raise RuntimeError(f"the server did not start: {server.communicate()[1].strip()[-400:]}")
        yield server, json.loads(line)
    finally:
        if server.poll() is None:
            server.kill()
            server.wait()
