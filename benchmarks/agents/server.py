"""The service for the agent benchmark, as a process of its own: prints its URL and tokens, stops when standard input ends.

python -m benchmarks.agents.server FOLDER     with graph.jsonl and *.yaml in it
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from graphsvc.api.auth import issue_token, local_key
from graphsvc.api.server import running
from graphsvc.cli.direct import OPERATOR
from graphsvc.config import load_settings
from graphsvc.importers import graph_jsonl
from graphsvc.wiring import build_app, open_service


async def main(folder: Path) -> None:
    """Serve until standard input ends."""
    settings = load_settings(store="memory:", state_dir=folder / "state")
    key = local_key(settings.state)
    tokens = {
        "pep": issue_token(key, subject="gateway", roles=["pep"]),
        "approver": issue_token(key, subject="reviewer", roles=["approver"]),
    }
    async with open_service(settings, lasting=True) as service:
        estate = graph_jsonl.read((folder / "graph.jsonl").read_text(), "graph.jsonl")
        await service.load_graph(OPERATOR, "bench", estate.nodes, estate.edges, replace=True)
        texts = [(path.read_text(), path.name) for path in sorted(folder.glob("*.yaml"))]  # noqa: ASYNC240  at the start
        await service.publish_policy(OPERATOR, texts, "agent benchmark")
        async with running(build_app(service, settings)) as url:
            print(json.dumps({"url": url, **tokens}), flush=True)
            await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
