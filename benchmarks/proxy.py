"""What the MCP proxy adds to a tool call: a real client over stdio, to the server itself and through the proxy, in wall time."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from mcp import Client as McpClient
from mcp import StdioServerParameters

from graphsvc.client import Client
from graphsvc.core.value import Json
from tests.support.requirement import REPOSITORY
from tests.support.service_process import ServiceProcess

__all__ = ["measure"]

_PROXY = "from graphsvc.cli.main import app; app()"


def measure(count: int = 1_000) -> list[dict[str, Json]]:
    """Rows of milliseconds; calls alternate between both ways, so that what else runs hits them alike."""
    with tempfile.TemporaryDirectory(prefix="graphsvc-bench-") as name:
        folder = Path(name)
        service = ServiceProcess(folder / "service", "memory:")
        service.launch()
        try:
            service.wait_ready()
            (folder / "token").write_text(service.token("pep"))
            return asyncio.run(_measured(service, folder, count))
        finally:
            service.stop()


async def _measured(service: ServiceProcess, folder: Path, count: int) -> list[dict[str, Json]]:
    async with Client(service.url, service.token("admin")) as admin:
        await admin.publish_policy((REPOSITORY / "examples" / "policy.yaml").read_text(encoding="utf-8"))
    server = [sys.executable, "-m", "tests.pep.desk_server", str(folder / "done")]
    proxy = [
        "-c", _PROXY, "mcp-proxy", "--service", service.url, "--token-file", str(folder / "token"), "--", *server,
    ]  # fmt: skip
    ways = {
        "the server itself": StdioServerParameters(command=server[0], args=server[1:]),
        "through the proxy": StdioServerParameters(command=sys.executable, args=proxy),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    async with (
        McpClient(ways["the server itself"]) as direct,
        McpClient(ways["through the proxy"]) as proxied,
    ):
        clients = {"the server itself": direct, "through the proxy": proxied}
        for number in range(-50, count):
            for name, client in clients.items():
                began = time.perf_counter()
                result = await client.call_tool("lookup", {"number": str(number)})
                if result.is_error:
                    raise RuntimeError(f"{name}: {result.content}")
                if number >= 0:
                    times[name].append((time.perf_counter() - began) * 1_000)
    rows = {name: sorted(each) for name, each in times.items()}
    found: list[dict[str, Json]] = [
        {"call": name, "p50 ms": round(each[count // 2], 2), "p99 ms": round(each[int(count * 0.99)], 2)}
        for name, each in rows.items()
    ]
    direct_ms, proxied_ms = rows.values()
    found.append(
        {
            "call": "the proxy adds",
            "p50 ms": round(proxied_ms[count // 2] - direct_ms[count // 2], 2),
            "p99 ms": None,
        }
    )
    return found
