"""A service to measure, as a process of its own: prints its URL and token, then its counters at the end.

    python -m benchmarks.server memory: | sqlite:///x.db | neo4j://... | echo | WAY+URL  FOLDER PATTERNS [SOCKET]

WAY: `constant` answers every decision with the same one, `defaults` by Strawberry's own view, `undrawn` draws no graph.

It stops when standard input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from benchmarks.baseline import answer_constantly, strawberry_defaults
from benchmarks.workload import estate_lines, policy_text
from graphsvc.api.auth import issue_token, local_key
from graphsvc.api.server import running
from graphsvc.cli.direct import OPERATOR
from graphsvc.cli.serve import settle_memory
from graphsvc.config import load_settings
from graphsvc.decide.service import GraphsvcService
from graphsvc.importers import graph_jsonl
from graphsvc.wiring import build_app, open_service

_ANSWER = b'{"data":{"decide":{"verdict":"PERMIT"}}}'


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    """The baseline: reads the request, answers a constant."""
    del scope
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(_ANSWER)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _ANSWER})


async def _until_told() -> None:
    await asyncio.to_thread(sys.stdin.read)


def _say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


async def main(store: str, folder: Path, patterns: int, uds: Path | None = None) -> None:
    """Serve until standard input ends."""
    if store == "echo":
        async with running(_echo) as url:
            _say(url=url, token="")
            await _until_told()
        _say(metrics={})
        return
    way, _, store = store.rpartition("+")
    settings = load_settings(store=store, state_dir=folder / "state")
    token = issue_token(local_key(settings.state), subject="bench", roles=["pep"], scopes=["chain:any"])
    async with open_service(settings, lasting=True) as service:
        estate = graph_jsonl.read("\n".join(estate_lines(100)), "estate")
        await service.load_graph(OPERATOR, "bench", estate.nodes, estate.edges, replace=True)
        await service.publish_policy(OPERATOR, [(policy_text(patterns), "bench.yaml")], "bench")
        if way == "undrawn":
            await service.projector.close()
        else:
            # What is measured is drawing while decisions are made, not the start of the process that draws.
            await service.wait_drawn()
        if way == "constant":
            await answer_constantly(service)
        before = _counters(service)
        app = strawberry_defaults(service, settings) if way == "defaults" else build_app(service, settings)
        # As `graphsvc serve` does.
        settle_memory(settings)
        async with running(app) as url, running(app, uds=uds) if uds else nullcontext():
            _say(url=url, token=token)
            lags: list[float] = []
            watching = asyncio.create_task(_watch(service, lags))
            await _until_told()
            watching.cancel()
            after = _counters(service)
        metrics = {name: after[name] - before[name] for name in after}
        # Of the time that was not idle: most samples of a service that is asked nothing are 0.
        drawn = sorted(lag for lag in lags if lag) or [0.0]
        metrics["drawn_p99_ms"] = round(drawn[int(0.99 * (len(drawn) - 1))] * 1000, 1)
        metrics["drawn_max_ms"] = round(drawn[-1] * 1000, 1)
        _say(metrics=metrics)


async def _watch(service: GraphsvcService, lags: list[float]) -> None:
    """How far the drawing is behind, many times a second."""
    while True:
        await asyncio.sleep(0.02)
        lags.append(service.projector.lag_seconds())


def _counters(service: GraphsvcService) -> dict[str, float]:
    own = service.metrics()
    seconds = service.distributions()["commit_seconds"].total
    return {"batches": own["batches"], "committed": own["committed"], "commit_seconds": seconds}


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), *map(Path, sys.argv[4:5])))
