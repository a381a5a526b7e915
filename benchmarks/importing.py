"""Imports: seconds and memory of bringing a graph into a store, each in a process of its own.

python -m benchmarks.importing FILE aws|jsonl STORE
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.workload import estate_lines

__all__ = ["measure"]


def measure(identities: int) -> list[dict[str, Any]]:
    """Rows with `seconds`, `mb` (peak, above the empty process), `nodes` and `edges`."""
    rows = []
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as folder:
        generated = Path(folder) / "estate.jsonl"
        generated.write_text("\n".join(estate_lines(identities)))
        files = [(f"{identities:,} identities", generated, "jsonl")]
        real = Path(os.environ.get("GRAPHSVC_REAL_DATA", "../shared/data")) / "aws" / "account-large.json"
        if real.exists():
            files.append(("AWS account", real, "aws"))
        for title, file, kind in files:
            for store in ("memory:", f"sqlite:///{folder}/{kind}.db"):
                done = subprocess.run(
                    [sys.executable, "-m", "benchmarks.importing", str(file), kind, store],
                    check=True, capture_output=True, text=True, timeout=300,
                )  # fmt: skip
                rows.append({"input": title, "store": store.partition(":")[0], **json.loads(done.stdout)})
    return rows


def _peak_mb() -> float:
    # Not `getrusage`: that peak is inherited from the process that started us.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def _run(file: str, kind: str, store: str) -> None:
    from graphsvc.cli.direct import OPERATOR
    from graphsvc.config import load_settings
    from graphsvc.importers import aws, graph_jsonl
    from graphsvc.wiring import open_service

    async with open_service(load_settings(store=store)) as service:
        empty_mb, started = _peak_mb(), time.perf_counter()
        data = await asyncio.to_thread(Path(file).read_bytes)
        imported = aws.read(data, file, strict=False) if kind == "aws" else graph_jsonl.read(data, file)
        read = time.perf_counter()
        await service.load_graph(OPERATOR, "bench", imported.nodes, imported.edges, replace=True)
        stored = time.perf_counter()
        await service.wait_drawn()
        drawn = time.perf_counter()
        print(
            json.dumps(
                {
                    "nodes": len(imported.nodes),
                    "edges": len(imported.edges),
                    "read_s": round(read - started, 3),
                    "stored_s": round(stored - read, 3),
                    "drawn_s": round(drawn - stored, 3),
                    "mb": round(_peak_mb() - empty_mb, 1),
                }
            )
        )


if __name__ == "__main__":
    asyncio.run(_run(*sys.argv[1:4]))
