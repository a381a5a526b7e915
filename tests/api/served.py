"""A whole service over the memory store behind a real port, and ways to speak to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphsvc.api.app import create_app
from graphsvc.api.auth import TokenVerifier, issue_token
from graphsvc.api.connection import Connections
from graphsvc.api.server import running
from graphsvc.client import Client
from graphsvc.decide.ports import Store
from graphsvc.decide.service import GraphsvcService
from graphsvc.decide.values import StoreValues
from graphsvc.events.bus import Bus
from graphsvc.store.memory import open_memory
from graphsvc.store.notary import MemoryNotary
from tests.service.harness import Clock, Harness

PROTOCOL = "graphql-transport-ws"


@dataclass
class Served:
    """A running service. http: a plain session, so that tests see what is on the wire. stop: ends the server early."""

    url: str
    key: Ed25519PrivateKey
    harness: Harness
    http: aiohttp.ClientSession
    stop: Callable[[], Awaitable[None]]

    def token(
        self, *roles: str, subject: str = "gateway-1", scopes: Iterable[str] = (), ttl_s: float = 600
    ) -> str:
        return issue_token(self.key, subject=subject, roles=roles or ("pep",), scopes=scopes, ttl_s=ttl_s)

    def client(self, *roles: str, subject: str = "gateway-1", **options: Any) -> Client:
        return Client(self.url, self.token(*roles, subject=subject), **options)

    async def drawn(self) -> None:
        """Return when history shows everything that was answered."""
        service = self.harness.service
        await service.projector.wait_drawn(service.world.seq)

    async def post(
        self, query: str, *roles: str, variables: dict[str, Any] | None = None, subject: str = "gateway-1"
    ) -> Any:
        headers = {"Authorization": f"Bearer {self.token(*roles, subject=subject)}"}
        body = {"query": query, "variables": variables or {}}
        async with self.http.post(f"{self.url}/graphql", json=body, headers=headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()


def request(
    action: str | dict[str, Any] = "mail:Read",
    resource: str = "mailbox:alice",
    chain: str = "c1",
    **more: Any,
) -> dict[str, Any]:
    """A DecideInput of the test estate."""
    kind, _, name = resource.partition(":")
    return {
        "chain": chain,
        "subject": {"type": "agent", "id": "bot"},
        "action": action if isinstance(action, dict) else {"name": action},
        "resource": {"type": kind, "id": name},
        **more,
    }


SEND: dict[str, Any] = {"name": "mail:Send", "properties": {"to": "eve@example.org"}}


@asynccontextmanager
async def served(
    *,
    development: bool = False,
    bound: int = 1024,
    store: Store | None = None,
    prepared: bool = True,
    connections: Connections | None = None,
    store_values: StoreValues = "referenced",
    **options: Any,
) -> AsyncIterator[Served]:
    """A prepared service: the test pack in force and a small estate loaded; else an empty one. connections: limits of the server. store_values: as of the service. options: of `create_app`."""
    numbers = iter(range(1, 10**9))
    clock = Clock()
    store = store if store is not None else await open_memory()
    service = GraphsvcService(
        store,
        clock=clock,
        ids=lambda: f"a{next(numbers):06d}",
        bus=Bus(bound=bound),
        notary=MemoryNotary(),
        store_values=store_values,
    )
    await service.start()
    key = Ed25519PrivateKey.generate()
    try:
        harness = Harness(service, clock)
        if prepared:
            await harness.prepare()
        app = create_app(
            service,
            store,
            auth=TokenVerifier(key),
            development=development,
            connections=connections,
            **options,
        )
        async with AsyncExitStack() as server, aiohttp.ClientSession() as http:
            url = await server.enter_async_context(running(app, connections=connections))
            yield Served(url, key, harness, http, server.aclose)
    finally:
        await service.close()
