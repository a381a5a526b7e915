"""Three replicas on one real Neo4j, each by a way of its own that can be cut, and a real Redis."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from graphsvc.core.graph import Edge, Node
from graphsvc.core.record import Decided
from graphsvc.core.verdict import Verdict
from graphsvc.decide.ports import Store
from graphsvc.store.neo4j import open_neo4j
from tests.race.story import told_again
from tests.replica.asker import Asker
from tests.replica.estate import PACK, STEPS, final, permits_by_key, step
from tests.service.harness import ADMIN, Clock, serving
from tests.store.conftest import neo4j_address
from tests.support.neo4j_server import Neo4jServer, own_server
from tests.support.redis_server import RedisServer, own_redis
from tests.support.service_process import ServiceProcess
from tests.support.tcp_proxy import TcpProxy, proxied

__all__ = ["PERSONS", "Cluster", "cluster", "prepare"]

PERSONS = 40


@dataclass
class Cluster:
    """replicas: as processes. ways: from each to the store. most_sessions: as of a `ServiceProcess`."""

    neo4j: Neo4jServer
    redis: RedisServer
    folder: Path
    replicas: list[ServiceProcess]
    ways: list[TcpProxy]
    most_sessions: int | None = None
    names: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def urls(self) -> list[str]:
        """Where the replicas listen."""
        return [replica.url for replica in self.replicas]

    def replica(self, port: int, *, skew_ms: int | None = None, redis: bool = True) -> ServiceProcess:
        """Another replica, by the way at `port`, not started."""
        environment = {"GRAPHSVC_NEO4J_PASSWORD": self.neo4j.password}
        if redis:
            environment["GRAPHSVC_REDIS_URL"] = self.redis.url
        store = f"bolt://{self.neo4j.user}@127.0.0.1:{port}/{self.neo4j.database}"
        return ServiceProcess(
            self.folder, store, environment, skew_ms=skew_ms, most_sessions=self.most_sessions
        )

    def asker(self) -> Asker:
        """Clients of all replicas."""
        return Asker(self.urls, self.replicas[0].token())

    async def race(self, asker: Asker, rounds: int, *, clients: int = 64, within_s: float = 600) -> list[str]:
        """Ask three steps for each of `rounds` new vendors, by many clients at once; the vendors.

        within_s: how long one step may take until it is recorded.
        """
        run = next(self.names)
        vendors = [f"v{run}-{number}" for number in range(rounds)]
        # The three steps of a vendor are asked one beside the other, in any order.
        order = random.Random(run)
        asked = [
            step(vendor, action, subject=f"p{number % PERSONS}")
            for number, vendor in enumerate(vendors)
            for action in order.sample(STEPS, len(STEPS))
        ]
        left = iter(asked)
        async with await asker.session() as http:

            async def client() -> None:
                for each in left:
                    await asker.ask(http, each, within_s=within_s)

            await asyncio.gather(*(client() for _ in range(clients)))
        return vendors

    async def store(self) -> Store:
        """The store itself, opened beside the replicas; the caller closes it."""
        return await open_neo4j(neo4j_address(self.neo4j), self.neo4j.password)

    async def history(self) -> tuple[list[Decided], set[str]]:
        """Every stored decision and the cancelled ones, having replayed the log serially."""
        store = await self.store()
        try:
            return await told_again(store)
        finally:
            await store.close()

    async def check(self, asker: Asker, vendors: list[str], *, exactly: bool) -> None:
        """Nobody was told two things, nothing acknowledged is missing, and no third step was permitted.

        exactly: two of three were; with late cancels it may be fewer.
        """
        stored, cancelled = await self.history()
        by_id = {record.request.id: record for record in stored}
        assert not asker.differing()
        for told in asker.told.values():
            assert final(by_id[told[0].id], cancelled) == told[0].verdict, (told, by_id[told[0].id])
        wanted = set(vendors)
        permitted = [
            (record.request.resource.id, record.request.action)
            for record in stored
            if record.answered is Verdict.PERMIT and record.request.id not in cancelled
        ]
        in_history = permits_by_key([each for each in permitted if each[0] in wanted])
        said = permits_by_key(
            [
                (by_id[told[0].id].request.resource.id, by_id[told[0].id].request.action)
                for told in asker.told.values()
                if told[0].verdict == "PERMIT"
            ]
        )
        for vendor in vendors:
            assert len(said.get(vendor, ())) <= 2, vendor
            assert len(in_history.get(vendor, ())) <= 2, vendor
            # Whoever was told PERMIT acts, so it must be in the history that later decisions are judged on.
            assert said.get(vendor, set()) <= in_history.get(vendor, set()), vendor
            if exactly:
                assert len(said[vendor]) == 2, vendor


async def prepare(store: Store, persons: int = PERSONS) -> None:
    """Put the pack in force and make so many people known; closes the store."""
    try:
        async with serving(store, name="setup", clock=Clock(time.time_ns() // 1_000_000)) as harness:
            await harness.service.publish_policy(ADMIN, [(PACK, "procurement.yaml")], "")
            people = [f"identity:p{number}" for number in range(persons)]
            nodes = [
                Node(key="permission:all", fields={"actions": ["*"], "resources": ["*"], "effect": "allow"}),
                *(Node(key=person, fields={"kind": "human"}) for person in people),
            ]
            edges = [Edge(type="GRANTED", start=person, end="permission:all") for person in people]
            await harness.service.load_graph(ADMIN, "test", nodes, edges, replace=True)
    finally:
        await store.close()


@contextmanager
def cluster(
    folder: Path, replicas: int = 3, *, most_sessions: int | None = None, persons: int = PERSONS
) -> Iterator[Cluster]:
    """A running cluster with the pack in force and its people known, `p0` to one less than `persons`."""
    with ExitStack() as stack:
        redis = stack.enter_context(own_redis(folder / "redis"))
        neo4j = stack.enter_context(own_server(folder / "neo4j"))

        async def fill() -> None:
            await prepare(await open_neo4j(neo4j_address(neo4j), neo4j.password), persons)

        asyncio.run(fill())
        port = urlsplit(neo4j.url).port
        assert port is not None
        made = Cluster(neo4j, redis, folder / "service", [], [], most_sessions)
        for _ in range(replicas):
            way = stack.enter_context(proxied(port))
            replica = made.replica(way.port)
            made.ways.append(way)
            made.replicas.append(replica)
            stack.callback(replica.stop)
            replica.launch()
        for replica in made.replicas:
            replica.wait_ready()
        yield made
