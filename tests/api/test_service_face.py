"""What operators see: readiness, figures, names, and settings that take effect."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from graphsvc.api.app import create_app
from graphsvc.api.auth import TokenVerifier
from graphsvc.api.host import LOOPBACK
from graphsvc.api.server import running
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Caller
from graphsvc.decide.ports import Accepted, Draft, Entry, Refused
from graphsvc.decide.service import GraphsvcService
from graphsvc.errors import StoreUnavailable
from graphsvc.store.memory import MemoryStore, open_memory
from tests.api.authzen_fixture import Door, asking
from tests.api.served import Served, request, served
from tests.service.harness import ADMIN, GATEWAY, PACK, Clock, Harness, serving

pytestmark = pytest.mark.anyio


class _Breakable(MemoryStore):
    """A store that can be cut off."""

    is_cut = False

    def _check(self) -> None:
        if self.is_cut:
            raise StoreUnavailable("connection refused")

    async def ping(self) -> None:
        self._check()
        await super().ping()

    async def append(self, draft: Draft, *, seen: int, reads: Any) -> Accepted | Refused:
        self._check()
        return await super().append(draft, seen=seen, reads=reads)

    async def read(self, *, after: int, limit: int) -> Sequence[Entry]:
        self._check()
        return await super().read(after=after, limit=limit)


@asynccontextmanager
async def _breakable() -> AsyncIterator[tuple[Served, _Breakable]]:
    store = _Breakable()
    async with served(store=store) as service:
        yield service, store


async def _ready(service: Served) -> tuple[int, dict[str, Any]]:
    # What a probe was told holds for a second.
    service.harness.service._freshness._pinged = None
    async with service.http.get(f"{service.url}/readyz") as response:
        return response.status, await response.json()


async def test_readiness_asks_the_store() -> None:
    """503 with the reason while the store is out of reach, 200 with its message before and after."""
    async with _breakable() as (service, store):
        assert await _ready(service) == (200, {"ready": True, "missing": None, "message": "ready"})
        store.is_cut = True
        status, body = await _ready(service)
        assert (status, body["ready"]) == (503, False)
        assert body["missing"] == body["message"] == "the store cannot be reached: connection refused"
        async with service.http.get(f"{service.url}/livez") as response:
            assert response.status == 200
        store.is_cut = False
        assert (await _ready(service))[0] == 200


async def test_readiness_says_that_no_policy_is_published() -> None:
    """An empty store is ready, and says what it lacks."""
    store = await open_memory()
    async with serving(store) as harness:
        app = create_app(harness.service, store, auth=TokenVerifier(Ed25519PrivateKey.generate()))
        async with (
            running(app) as url,
            aiohttp.ClientSession() as http,
            http.get(f"{url}/readyz") as response,
        ):
            body = await response.json()
            assert (response.status, body["missing"]) == (200, None)
            assert "no policy is published" in body["message"]


async def test_evaluation_is_false_while_the_log_cannot_be_read() -> None:
    """A right may have been taken away meanwhile: AuthZEN answers false and says so, a search is 503; later both are."""
    async with _breakable() as (service, store):
        door = Door(service)
        body = asking({"type": "human", "id": "alice"}, "crm:Read", {"type": "record", "id": "42"})
        assert await door.decide(body)
        store.is_cut = True
        service.harness.clock.now_ms += 10_000
        assert not await door.decide(body)
        told = await door.post("evaluation", {**body, "context": {"graphsvc": {"explain": True}}})
        reasons = told.body["context"]["graphsvc"]["reasons"]
        assert [(one["code"], one["retryable"]) for one in reasons] == [("store_unavailable", True)]
        search = await door.post("search/action", {"subject": body["subject"], "resource": body["resource"]})
        assert (search.status, search.body["error"]["code"]) == (503, "store_unavailable")
        service.harness.clock.now_ms += 60_000
        silent = await door.post("evaluation", body)
        assert (silent.status, silent.body["error"]["code"]) == (503, "store_unavailable")
        store.is_cut = False
        async with asyncio.timeout(10):
            # It is read again at the next look at the log.
            while (await door.post("evaluation", body)).status == 503:  # noqa: ASYNC110  # nobody tells this test
                await asyncio.sleep(0.05)
        assert await door.decide(body)


async def test_figures_of_the_writer_are_served() -> None:
    """`/metrics` shows what the service counts: commits, records, places in the log."""
    async with served() as service, service.client() as client:
        for chain in ("c1", "c2"):
            await client.decide(request(chain=chain))
        await service.drawn()
        headers = {"Authorization": f"Bearer {service.token('auditor')}"}
        async with service.http.get(f"{service.url}/metrics", headers=headers) as response:
            text = await response.text()
        lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
        figures = {line[0]: float(line[1]) for line in lines if len(line) == 2}
        own = service.harness.service.metrics()
        assert figures["graphsvc_records_committed_total"] == own["committed"] >= 3
        assert figures["graphsvc_commits_total"] == own["batches"] >= 3
        assert figures["graphsvc_log_number"] == figures["graphsvc_drawn_number"] == own["seq"]
        assert figures["graphsvc_ready"] == 1.0
        assert figures["graphsvc_commit_seconds_count"] == figures["graphsvc_batch_records_count"] >= 3
        assert figures["graphsvc_batch_records_sum"] == own["committed"]
        assert figures["graphsvc_decide_seconds_count"] == 2
        assert figures["graphsvc_queue_depth"] == figures["graphsvc_overloads_total"] == 0


async def test_another_host_is_refused() -> None:
    """On loopback only its own names and that of the public address are served, sockets included."""
    hosts = (*LOOPBACK, "127.0.0.1")
    async with served(hosts=hosts, public_url="https://pdp.example.com/x") as service:
        port = service.url.rpartition(":")[2]
        fine = [
            "localhost",
            f"localhost:{port}",
            f"127.0.0.1:{port}",
            "[::1]:8080",
            "PDP.Example.com",
            "localhost.",
        ]
        for host, status in (
            *((name, 200) for name in fine),
            *((name, 421) for name in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "")),
        ):
            async with service.http.get(f"{service.url}/livez", headers={"Host": host}) as response:
                assert response.status == status, host
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await service.http.ws_connect(
                f"{service.url}/graphql",
                protocols=("graphql-transport-ws",),
                headers={"Host": "evil.example"},
            )


@pytest.mark.parametrize("path", ["/graphql", "/access/v1/evaluation", "/access/v1/requests"])
async def test_every_post_refuses_what_is_no_json(path: str) -> None:
    """Too large, too deep, no JSON, no UTF-8, names twice: 4xx, never 5xx, and the service goes on."""
    async with served() as service:
        headers = {"Authorization": f"Bearer {service.token()}", "Content-Type": "application/json"}
        for raw in (
            b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"query":"\xff"}', b'{"query":"\\ud800"}', b"[" * 100_000,
            b'{"query":"{a}","variables":' + b'{"a":' * 900 + b"1" + b"}" * 901, b'{"query":1,"query":"{a}"}',
            b" " * (1 << 20) + b"{}",
        ):  # fmt: skip
            async with service.http.post(
                service.url + path, data=io.BytesIO(raw), headers=headers
            ) as response:
                assert 400 <= response.status < 500, (path, raw[:30])
        async with service.http.get(f"{service.url}/livez") as response:
            assert response.status == 200


@pytest.mark.parametrize(
    "query",
    [
        "{ node(id: " + "[" * 900 + "]" * 900 + ") { id } }",
        "{" + "a{" * 900 + "b" + "}" * 901,
        "query($v: " + "[" * 900 + "ID" + "]" * 900 + ") { node(id: $v) { id } }",
    ],
)
async def test_a_document_nested_too_deep_is_the_callers_mistake(
    query: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told what is wrong, and nothing is written to the log."""
    async with served() as service:
        headers = {
            "Authorization": f"Bearer {service.token('analyst')}",
            "Accept": "application/graphql-response+json",
        }
        async with service.http.post(
            f"{service.url}/graphql", json={"query": query}, headers=headers
        ) as response:
            assert response.status == 400
            (error,) = (await response.json())["errors"]
        assert error["message"] == "the document is nested too deep"
        assert error["extensions"] == {"code": "invalid_request"}
    assert "call_failed" not in caplog.text


async def test_which_of_several_operations_must_be_named() -> None:
    """The first one is not meant by default: what would be decided is said by the caller."""
    query = "query A { revision } query B { patterns { id } }"
    async with served() as service:
        answer = await service.post(query, "analyst")
        assert "data" not in answer
        assert "operationName" in answer["errors"][0]["message"]
        assert answer["errors"][0]["extensions"] == {"code": "invalid_request"}
        headers = {"Authorization": f"Bearer {service.token('analyst')}"}
        body = {"query": query, "operationName": "A"}
        async with service.http.post(f"{service.url}/graphql", json=body, headers=headers) as response:
            assert set((await response.json())["data"]) == {"revision"}


async def test_every_object_with_an_id_is_fetched_by_it() -> None:
    """What implements Node is found by `node` and `nodes`, whatever it is."""
    async with served() as service, service.client() as pep:
        made = await pep.decide(request())
        await service.drawn()
        ids = [made.id, "chain:c1", "identity:bot", "resource:record:42"]
        query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
        answer = await service.post(query, "analyst", variables={"ids": ids})
        assert "errors" not in answer
        found = answer["data"]["nodes"]
        assert [each["id"] for each in found] == ids
        kinds = await service.post('{ __type(name: "Node") { possibleTypes { name } } }', "analyst")
        named = {each["name"] for each in kinds["data"]["__type"]["possibleTypes"]}
        assert {each["__typename"] for each in found} == named


async def test_two_tokens_are_none() -> None:
    """Whose request it is must be plain: readers of headers differ in which of two they take."""
    async with served() as service:
        for path, body in (
            ("/graphql", {"query": "{ revision }"}),
            ("/graphql", {"query": "mutation($v: DecideInput!) { decide(input: $v) { __typename } }"}),
            ("/access/v1/evaluation", {}),
        ):
            headers = [("Authorization", f"Bearer {service.token(role)}") for role in ("pep", "analyst")]
            async with service.http.post(service.url + path, json=body, headers=headers) as response:
                assert response.status == 401, path
                assert "twice" in (await response.json())["error"]["message"]


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("chain", {"chain": "c" * 4001}),
        ("session", {"session": "s" * 4001}),
        ("parentChain", {"parentChain": "c" * 4001}),
        ("joins.1", {"joins": ["c0", "c" * 4001]}),
        ("parents.0", {"parents": ["d" * 4001]}),
        ("action.name", {"action": {"name": "a" * 4001}}),
        ("subject.id", {"subject": {"type": "agent", "id": "b" * 4001}}),
        ("resource.type", {"resource": {"type": "m" * 4001, "id": "b"}}),
        ("resource.id", {"resource": {"type": "mailbox", "id": "m" * 4001}}),
        ("onBehalfOf.0.id", {"onBehalfOf": [{"type": "human", "id": "h" * 4001}]}),
        ("chain", {"chain": "x" + "\N{GRINNING FACE}" * 1000}),
    ],
)
async def test_an_id_that_no_store_can_find_by_is_refused(field: str, given: dict[str, Any]) -> None:
    """Ids are keys of indexes, whose entries are bounded: one that is too long would stop the drawing for ever."""
    query = "mutation($v: DecideInput!) { decide(input: $v) { __typename ... on Failure { message } } }"
    async with served() as service:
        asked = {"idempotencyKey": "k", **request(), **given}
        answer = (await service.post(query, "pep", variables={"v": asked}))["data"]["decide"]
        assert answer == {
            "__typename": "InvalidRequest",
            "message": f"{field}: 4001 bytes; at most 4000",
        }


async def test_a_key_that_no_store_can_find_by_is_refused_with_all_of_its_graph() -> None:
    """The same of graphs: nothing of one is kept, and an id as long as any ARN is no trouble."""
    query = """
    mutation($i: UpsertGraphInput!) { upsertGraph(input: $i) { __typename ... on Failure { code field message } } }
    """
    async with served() as service:

        async def upsert(length: int) -> Any:
            records = [
                {"node": {"type": "identity", "id": "zoe", "kind": "human"}},
                {"node": {"type": "resource", "resource_type": "bucket", "id": "b" * length}},
            ]
            given = {"source": f"s{length}", "records": records}
            return (await service.post(query, "admin", variables={"i": given}))["data"]["upsertGraph"]

        assert await upsert(2_048) == {"__typename": "Ack"}
        world = service.harness.service.world
        known = world.estate.sources
        assert await upsert(8_000) == {
            "__typename": "InvalidRequest",
            "code": "invalid_request",
            "field": "nodes",
            "message": f"nodes: the key `resource:bucket:{'b' * 44}...` has 8016 bytes; at most 8000: give it a shorter id",
        }
        assert (world.estate.sources, world.staged) == (known, {})


async def test_the_default_deadline_is_a_setting() -> None:
    """A decision whose caller names no deadline gets the configured one."""

    class Slow(MemoryStore):
        async def append(self, draft: Draft, *, seen: int, reads: Any) -> Accepted | Refused:
            await asyncio.sleep(0.3 if self.is_slow else 0)
            return await super().append(draft, seen=seen, reads=reads)

        is_slow = False

    store, clock = Slow(), Clock()
    numbers = iter(range(1, 1000))
    service = GraphsvcService(store, clock=clock, ids=lambda: f"a{next(numbers)}", deadline_ms=50)
    await service.start()
    try:
        harness = Harness(service, clock)
        await harness.prepare()
        store.is_slow = True
        late = await harness.act("mail:Read")
        assert (late.verdict, late.decision.reasons[0].code) == (Verdict.DENY, "deadline_exceeded")
        in_time = await harness.act("mail:Read", deadline_ms=10_000)
        assert in_time.verdict is Verdict.PERMIT
    finally:
        await service.close()


async def test_evaluate_answers_what_decide_would() -> None:
    """A token that may not speak for the subject is DENY; while observing the answer is PERMIT with what would be."""

    def wanted(who: str) -> AccessRequest:
        return AccessRequest(
            id="",
            chain="x",
            subject=Entity("agent", who),
            action="mail:Read",
            resource=Entity("mailbox", "alice"),
        )

    async with serving(await open_memory()) as harness:
        await harness.prepare()
        service = harness.service
        narrow = Caller(subject="gateway", roles=frozenset({"pep"}), subjects=("mail-*",))
        judged = await service.evaluate(narrow, wanted("bot"))
        assert (judged.verdict, [one.code for one in judged.reasons]) == (
            Verdict.DENY,
            ["caller_not_allowed"],
        )
        assert (await service.evaluate(GATEWAY, wanted("mallory"))).verdict is Verdict.DENY
        observing = PACK.replace("entitlement: required", "entitlement: required, enforce: observe")
        await service.publish_policy(ADMIN, [(observing, "test.yaml")], "")
        judged = await service.evaluate(GATEWAY, wanted("mallory"))
        decided = await harness.act("mail:Read", subject="mallory", chain="x")
        assert judged.verdict is decided.verdict is Verdict.PERMIT
        assert [one.code for one in judged.reasons] == [one.code for one in decided.decision.reasons]
