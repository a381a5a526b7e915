"""`graphsvc serve`: the service, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphsvc.cli.option import ConfigOption, StoreOption
from graphsvc.store.address import Neo4jAddress, parse_store_url

if TYPE_CHECKING:
    import structlog

    from graphsvc.api.hot.owner import Owners
    from graphsvc.cli.workers import Place
    from graphsvc.config import Settings

__all__ = ["register"]

# Beside connections: the store, keys, logs, the pool of the Neo4j driver, sockets of other workers.
_OTHER_FILES = 256


class LogFormat(StrEnum):
    """How log lines look."""

    auto = "auto"
    json = "json"
    text = "text"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    *,
    store: StoreOption = None,
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen at; default 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", min=0, max=65535, help="Default 8080; 0 = any free one.")
    ] = None,
    uds: Annotated[
        Path | None, typer.Option("--uds", metavar="PATH", help="Listen at a Unix socket instead of a port.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            max=64,
            metavar="N",
            help="Processes over one Neo4j, on consecutive ports or sockets (PATH.0, PATH.1, ...).",
        ),
    ] = None,
    policy: Annotated[
        list[Path] | None,
        typer.Option(
            "--policy", metavar="FILE", help="Publish these policy files at the start (development)."
        ),
    ] = None,
    log_format: Annotated[
        LogFormat | None,
        typer.Option("--log-format", help="One JSON object a line, or text; auto = text at a terminal only."),
    ] = None,
    config: ConfigOption = None,
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="More policy files.")] = None,
) -> None:
    """Run the service; an empty store denies everything and says so.

    \b
    Examples:
      graphsvc serve
      graphsvc serve --store sqlite:////var/lib/graphsvc/graphsvc.db --port 8081
      GRAPHSVC_NEO4J_PASSWORD=... graphsvc serve --workers 2 --store neo4j://neo4j@localhost:7687/neo4j
      graphsvc serve --policy packs/agents.yaml
    """
    from graphsvc.cli.file import read_texts
    from graphsvc.cli.workers import check_workers, supervise
    from graphsvc.config import load_settings
    from graphsvc.core.policy.load import load_policies

    settings = load_settings(
        config, store=store, host=host, port=port, uds=uds, workers=workers, log_format=log_format
    )
    _set_up_logging(settings)
    files = [*settings.policy, *(policy or []), *(more or [])]
    if settings.workers == 1:
        _work(settings, files)
        return
    check_workers(settings)
    load_policies(read_texts(files))  # told once, before anything is started
    raise typer.Exit(supervise(_work_in_place, settings, files))


def _set_up_logging(settings: Settings) -> None:
    from graphsvc.telemetry import set_up_logging

    is_plain = sys.stderr.isatty() if settings.log_format == "auto" else settings.log_format == "text"
    set_up_logging(settings.log_level, plain=is_plain)


def _log() -> structlog.stdlib.BoundLogger:
    import structlog

    log: structlog.stdlib.BoundLogger = structlog.get_logger("graphsvc.serve")
    return log


def _work(settings: Settings, files: list[Path], place: Place | None = None) -> None:
    """One process of the service, to its end."""
    from graphsvc.cli.session import run

    run(_serve(settings, files, place), fast=True)


def _work_in_place(settings: Settings, files: list[Path], place: Place) -> None:
    """One of several processes; errors end it with the code that they have on the command line."""
    from graphsvc.errors import GraphsvcError

    _set_up_logging(settings)
    try:
        _work(settings, files, place)
    except GraphsvcError as error:
        _log().error("worker_failed", worker=place.number, code=error.code, message=str(error))
        sys.exit(error.exit_code)


async def _serve(settings: Settings, files: list[Path], place: Place | None) -> None:
    from graphsvc.api.hot.owner import Owners, socket_of
    from graphsvc.api.server import listening
    from graphsvc.cli.file import read_texts
    from graphsvc.core.policy.load import load_policies

    texts = read_texts(files)
    load_policies(texts)  # refused before anything is opened
    allow_files(settings.max_connections + _OTHER_FILES)
    # A port in use is told before a store is made or changed. Who connects meanwhile waits until the log is read.
    with ExitStack() as stack:
        listener = stack.enter_context(listening(settings.host, settings.port, settings.uds))
        also: list[socket.socket] = []
        owners = None
        if place is not None:
            owners = Owners(place.number, place.of, place.folder)
            also.append(stack.enter_context(listening("", 0, socket_of(place.folder, place.number))))
        # A store that was restored or swapped is opened anew; what was known of the other is forgotten.
        while await _serve_store(settings, texts, listener, also, owners, place):
            _log().warning("store_swapped", store=settings.store)
    _log().info("stopped")


async def _serve_store(
    settings: Settings,
    texts: list[tuple[str, str]],
    listener: socket.socket,
    also: list[socket.socket],
    owners: Owners | None,
    place: Place | None,
) -> bool:
    """Serve one life of the store; True when it was replaced by another."""
    from graphsvc.api.connection import Connections
    from graphsvc.api.server import serve as listen
    from graphsvc.api.server import url_of
    from graphsvc.cli.direct import OPERATOR
    from graphsvc.wiring import build_app, open_service

    async with open_service(settings, lasting=True) as service:
        if texts:
            await service.publish_policy(OPERATOR, texts, "published by `graphsvc serve --policy`")
        is_ready, state = service.ready()
        where = url_of(listener)
        jobs: list[Coroutine[None, None, None]] = []
        limits = Connections(settings.max_connections, settings.request_timeout_s)
        app = build_app(service, settings, listening=where, jobs=jobs, owners=owners, connections=limits)
        settle_memory(settings)
        _log().info(
            "listening",
            url=where,
            store=settings.store,
            revision=service.revision(),
            ready=is_ready,
            state=state,
        )
        if place is not None:
            place.came_up()
        with _outliving_signals():
            async with beside(jobs):
                return await listen(app, listener, also, until=service.swapped, connections=limits)


def allow_files(wanted: int) -> None:
    """Raise the limit of open files of this process towards `wanted`, as far as the system lets it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def settle_memory(settings: Settings) -> None:
    """What was loaded stays: the collector need not look at it again, and looks less often at the rest.

    A full collection over a large graph stops everything for a good part of a second, one of the middle generation as long as
    it holds many objects: it is looked at after five of the young ones. The driver of Neo4j makes cycles of its own, which
    must not pile up for as long.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000 if isinstance(parse_store_url(settings.store), Neo4jAddress) else 10_000, 5, 1_000)


@asynccontextmanager
async def beside(jobs: Iterable[Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Run jobs that have no end as long as the block lasts."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def _outliving_signals() -> Iterator[None]:
    """The server raises the signal that stopped it once more when it is done; we still have to close the store."""
    held = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in held.items():
            signal.signal(number, handler)
