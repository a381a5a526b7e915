"""The service with a world, in a process of its own: python -m benchmarks.peers.serve STORE FOLDER PORT."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from graphsvc.api.auth import issue_token, local_key
from graphsvc.api.server import running
from graphsvc.cli.direct import OPERATOR
from graphsvc.cli.serve import settle_memory
from graphsvc.config import load_settings
from graphsvc.importers import graph_jsonl
from graphsvc.wiring import build_app, open_service

_PACK = """
graphsvc: 1
pack: {id: peers, version: "1"}
settings: {entitlement: required}
"""


async def main(store: str, folder: Path, port: int) -> None:
    """Load, say where the token is, serve until killed."""
    settings = load_settings(store=store, state_dir=folder / "state")
    token = issue_token(
        local_key(settings.state), subject="bench", roles=["pep"], scopes=["chain:any"], ttl_s=86_400
    )
    async with open_service(settings, lasting=True) as service:
        facts = graph_jsonl.read((folder / "world.jsonl").read_text(), "world")
        await service.load_graph(OPERATOR, "world", facts.nodes, facts.edges, replace=True)
        pack = folder / "pack.yaml"
        text = pack.read_text() if pack.exists() else _PACK
        await service.publish_policy(OPERATOR, [(text, "peers.yaml")], "peers")
        (folder / "token").write_text(token)
        app = build_app(service, settings)
        # As `graphsvc serve` does.
        settle_memory(settings)
        async with running(app, port=port):
            await asyncio.Event().wait()


if __name__ == "__main__":
    import uvloop

    uvloop.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
