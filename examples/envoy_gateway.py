"""Envoy: a gateway that asks before every request, in front of a service that knows nothing of it. Its settings: envoy_gateway.yaml."""

import asyncio
import os
import socket
import tempfile
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import aiohttp
import envoy
from aiohttp import web
from story import Desk, where

from graphsvc.client import Client

BINARY = Path(str(envoy.__file__)).parent / "_bin" / "envoy"
MAIL = {"to": "eve@example.org", "text": "the record"}


def service(desk: Desk) -> web.Application:
    """What lies behind: it does whatever reaches it."""

    async def lookup(request: web.Request) -> web.Response:
        return web.Response(text=desk.lookup(request.match_info["number"]))

    async def wipe(request: web.Request) -> web.Response:
        return web.Response(text=desk.wipe(request.query["path"]))

    async def send(request: web.Request) -> web.Response:
        return web.Response(text=desk.send(request.query["to"], request.query["text"]))

    app = web.Application()
    app.add_routes([web.get("/lookup/{number}", lookup), web.delete("/wipe", wipe), web.post("/send", send)])
    return app


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def gateway(desk: Desk, folder: Path) -> AsyncIterator[str]:
    """The address of Envoy in front of the desk."""
    listen, behind, pdp = free_port(), free_port(), urlsplit(where())
    runner = web.AppRunner(service(desk))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", behind).start()
    filled = Template(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")).substitute(
        LISTEN=listen, DESK=behind, PDP=pdp.netloc, HOST=pdp.hostname, PORT=pdp.port or 80,
        TOKEN=os.environ["TOKEN"], CHAIN=f"ticket-{uuid.uuid4()}",
    )  # fmt: skip
    settings = folder / "envoy.yaml"
    settings.write_text(filled, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        str(BINARY), "-c", str(settings), "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"
    )
    try:
        while not await is_up(listen):
            if process.returncode is not None:
                raise RuntimeError("Envoy ended before it listened")
            await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{listen}"
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
        await runner.cleanup()


async def is_up(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def main() -> None:
    desk = Desk(guard=None)  # type: ignore[arg-type]  # the gateway stands in its place
    with tempfile.TemporaryDirectory() as folder:
        async with gateway(desk, Path(folder)) as url, aiohttp.ClientSession(url) as http:

            async def call(
                method: str, to: str, query: dict[str, str], review: str = ""
            ) -> aiohttp.ClientResponse:
                # Whoever claims to be somebody else is not believed.
                headers = {"x-graphsvc-subject": "human:root", "x-graphsvc-action": "http:GET"}
                headers |= {"x-graphsvc-review": review} if review else {}
                async with http.request(method, to, params=query, headers=headers) as answer:
                    desk.told.append(await answer.text())
                    return answer

            answers = [await call("GET", "/lookup/42", {}), await call("DELETE", "/wipe", {"path": "/"})]
            answers.append(await call("POST", "/send", MAIL))
            review = answers[-1].headers["x-graphsvc-review"]
            async with Client(where(), os.environ["APPROVER"]) as approver:
                await approver.approve_review(review, "the customer asked for it")
            answers.append(await call("POST", "/send", MAIL, review))
    desk.told.insert(0, " ".join(str(answer.status) for answer in answers))
    desk.finish()


asyncio.run(main())
