"""A whole service over a store: HTTP server, tokens, client; and traces played through it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graphsvc.api.app import create_app
from graphsvc.api.auth import TokenVerifier, issue_token, local_key
from graphsvc.api.server import running
from graphsvc.client import Client
from graphsvc.decide.ports import Store
from graphsvc.decide.service import GraphsvcService
from graphsvc.events.bus import Bus
from graphsvc.wiring import new_id, now_ms

Record = dict[str, Any]


@dataclass
class Played:
    """A running service with a client of an administrator and one of an enforcement point."""

    service: GraphsvcService
    store: Store
    admin: Client
    gateway: Client

    async def play(self, trace: Sequence[Record]) -> list[tuple[str, list[str]]]:
        """(verdict, completed patterns) of each action, asked one by one over HTTP."""
        answers = []
        for record in trace:
            decision = await self.gateway.decide(request_of(record))
            patterns = sorted(completion.pattern.id for completion in decision.completions)
            answers.append((str(decision.verdict), patterns))
        return answers


@asynccontextmanager
async def whole_service(store: Store, state: Path) -> AsyncIterator[Played]:
    """Serve an open store over HTTP; the store is closed at the end."""
    key = local_key(state)
    service = GraphsvcService(store, clock=now_ms, ids=new_id, bus=Bus())
    await service.start()
    app = create_app(service, store, auth=TokenVerifier(key), development=False)
    admin = issue_token(key, subject="admin", roles=["admin", "approver"])
    pep = issue_token(key, subject="gateway", roles=["pep"])
    try:
        async with running(app) as url, Client(url, admin) as first, Client(url, pep) as second:
            yield Played(service, store, first, second)
    finally:
        await service.close()
        await store.close()


def request_of(record: Record) -> Record:
    """A trace record as the input of `decide`; its id becomes the idempotency key."""
    wanted = {
        "idempotencyKey": record["id"],
        "chain": record["chain"],
        "session": record.get("session"),
        "parentChain": record.get("parent_chain"),
        "subject": record["subject"],
        "action": record["action"],
        "resource": record["resource"],
        "context": record.get("context"),
        "labels": record.get("labels"),
    }
    return {name: value for name, value in wanted.items() if value is not None}
