"""What `graphsvc doctor` looks at in the store and around it: schema, policy, graph, signatures, clock, Redis."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from graphsvc.cli.checkup import Check, State, quantile
from graphsvc.errors import ClocksDiffer, GraphsvcError, StoreAbsent, StoreOwned
from graphsvc.store.address import MemoryAddress, Neo4jAddress, SqliteAddress, parse_store_url

if TYPE_CHECKING:
    from graphsvc.config import Settings
    from graphsvc.decide.service import GraphsvcService

__all__ = ["check_service", "check_store"]

_PINGS = 20
_SLOW_PING_MS = 5.0
_AHEAD_MS = 500
_WITHIN_S = 5.0
_DRAWN_WITHIN_S = 2.0


async def check_store(settings: Settings) -> list[Check]:
    """Everything about the store; its first check is in state `error` when it cannot be used."""
    from graphsvc.wiring import open_service

    before = _schema_before(settings)
    try:
        async with open_service(settings, create=False) as service:
            found = [Check("store", "ok", f"{settings.store} at revision {service.revision()}")]
            found += [each async for each in _of_service(settings, service, before)]
    except StoreOwned as error:
        fix = "ask that one: `graphsvc doctor --server URL`"
        found = [Check("store", "ok", f"{error.told}; it is what writes here", fix)]
    except StoreAbsent:
        fix = "start `graphsvc serve`, or fill it: `graphsvc import`, `graphsvc policy publish`"
        found = [Check("store", "error", f"{settings.store} does not exist", fix)]
    except ClocksDiffer as error:
        found = [Check("store", "error", str(error), "let both machines follow the same time server (NTP)")]
    except GraphsvcError as error:
        told, _, fix = str(error).partition("; ")
        found = [Check("store", "error", told, fix or "see docs/operations.md, Stores")]
    found.append(await _redis(settings))
    return found


async def check_service(url: str) -> list[Check]:
    """What a running service says of itself; the first is in state `error` when it does not answer."""
    import aiohttp

    try:
        timeout = aiohttp.ClientTimeout(total=_WITHIN_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            began = time.perf_counter()
            async with session.get(f"{url.rstrip('/')}/readyz") as response:
                told = await response.json()
            took_ms = (time.perf_counter() - began) * 1000
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        fix = "start it, or give the URL that `serve` logs as `listening`"
        return [Check("service", "error", f"{url}: {str(error) or type(error).__name__}", fix)]
    if not told.get("ready"):
        fix = "see docs/operations.md for what each message asks for"
        return [Check("service", "error", f"{url} is not ready: {told.get('message')}", fix)]
    is_whole = told.get("message") == "ready"
    state: State = "ok" if is_whole else "warning"
    return [Check("service", state, f"{url}: {told.get('message')}, answered in {took_ms:.0f} ms")]


async def _of_service(
    settings: Settings, service: GraphsvcService, before: int | None
) -> AsyncIterator[Check]:
    yield _schema(settings, before)
    snapshot = await service.store.snapshot_seq()
    fix = "one is saved as the log grows, and at the end of `serve`"
    yield Check("snapshot", "ok", str(snapshot)) if snapshot else Check("snapshot", "off", "none yet", fix)
    nodes, edges = service.facts()
    size = f"{len(nodes)} nodes, {len(edges)} edges"
    if nodes:
        yield Check("graph", "ok", size)
    else:
        yield Check("graph", "warning", size, "import who may do what: `graphsvc import --help`")
    yield await _drawing(service)
    for check in _policy(service):
        yield check
    yield _audit(service)
    yield await _clock(service)
    yield await _reach(service)


async def _drawing(service: GraphsvcService) -> Check:
    projector, newest = service.projector, service.world.seq
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DRAWN_WITHIN_S):
            await projector.wait_drawn(newest)
    if projector.problem is not None:
        told, _, fix = projector.problem.partition("; ")
        return Check(
            "drawn graph", "error", told, fix or "decisions go on without it; see docs/operations.md"
        )
    if projector.drawn < newest:
        fix = "`serve` draws the rest; until then lists of decisions end there"
        return Check("drawn graph", "warning", f"up to {projector.drawn} of {newest}", fix)
    return Check("drawn graph", "ok", f"up to {newest}")


def _policy(service: GraphsvcService) -> Iterator[Check]:
    from graphsvc.core.packs import load_packs
    from graphsvc.core.policy.lint import lint

    _, told = service.ready()
    packs = service.world.packs
    if not packs:
        yield Check(
            "policy", "warning", f"0 patterns; {told.partition('; ')[0]}", "`graphsvc policy publish FILE`"
        )
        return
    settings = service.world.ruleset.settings
    mode = ", observing only: nothing is stopped" if settings.observe else ""
    yield Check(
        "policy",
        "warning" if settings.observe else "ok",
        f"{len(service.patterns())} patterns of {', '.join(sorted(packs))}{mode}",
        "set `enforce: on` in the pack when what would be stopped is right" if settings.observe else "",
    )
    findings = [each for each in lint(load_packs(packs)) if each.severity == "warning"]
    if findings:
        first = findings[0]
        told = f"{len(findings)} findings; first: {first.file}:{first.line}: {first.message}"
        yield Check("policy lint", "warning", told, "`graphsvc policy lint FILE` shows all")
    else:
        yield Check("policy lint", "ok", "no findings")


def _audit(service: GraphsvcService) -> Check:
    if service.audit.problem is not None:
        told, _, fix = service.audit.problem.partition("; ")
        return Check("audit log", "error", told, fix or "restore the state folder from a backup")
    return Check("audit log", "ok", "its key is there")


async def _clock(service: GraphsvcService) -> Check:
    from graphsvc.core.codec import decode_records

    newest_ms = 0
    for entry in await service.store.read(after=max(0, service.world.seq - 1), limit=1):
        newest_ms = max(record.at_ms for record in decode_records(entry.body))
    ahead_ms = newest_ms - time.time_ns() // 1_000_000
    if ahead_ms > _AHEAD_MS:
        fix = "set this machine's clock (NTP); until then times stand still"
        return Check("clock", "error", f"the newest record is {ahead_ms} ms ahead of this machine", fix)
    return Check("clock", "ok", "not behind the newest record")


async def _reach(service: GraphsvcService) -> Check:
    times = []
    for _ in range(_PINGS):
        began = time.perf_counter()
        await service.store.ping()
        times.append((time.perf_counter() - began) * 1000)
    middle = quantile(times, 0.5)
    detail = f"the store answers in {middle:.2f} ms (p50), {max(times):.2f} ms at most"
    if middle > _SLOW_PING_MS:
        return Check(
            "store latency", "warning", detail, "run the service beside its store: each commit waits for it"
        )
    return Check("store latency", "ok", detail)


async def _redis(settings: Settings) -> Check:
    is_shared = isinstance(parse_store_url(settings.store), Neo4jAddress)
    if settings.redis_url is None:
        fix = "set GRAPHSVC_REDIS_URL so that replicas hear of each other at once" if is_shared else ""
        return Check("Redis", "off", "not set" if is_shared else "not needed: one process has the store", fix)
    try:
        from redis.asyncio import Redis
        from redis.exceptions import RedisError
    except ImportError:
        return Check("Redis", "error", "the client is missing", "`pip install 'graphsvc[redis]'`")
    secret = settings.redis_password
    client = Redis.from_url(
        settings.redis_url,
        password=secret.get_secret_value() if secret else None,
        socket_connect_timeout=_WITHIN_S,
    )
    try:
        async with asyncio.timeout(_WITHIN_S):
            await client.ping()
    except (RedisError, OSError, TimeoutError) as error:
        fix = "replicas work without it, up to 250 ms later; start it or unset GRAPHSVC_REDIS_URL"
        return Check("Redis", "warning", f"{settings.redis_url}: {str(error) or 'no answer'}", fix)
    finally:
        await client.aclose()
    return Check("Redis", "ok", settings.redis_url)


def _schema(settings: Settings, before: int | None) -> Check:
    match parse_store_url(settings.store):
        case MemoryAddress():
            return Check("schema", "ok", "none: nothing of this store outlives the process")
        case SqliteAddress():
            from graphsvc.store.sqlite.file import known_migrations

            newest = len(known_migrations())
        case Neo4jAddress():
            from graphsvc.store.neo4j.migration import known_migrations as known

            newest = len(known())
    was = f"; it was {before} until now" if before is not None and before < newest else ""
    return Check("schema", "ok", f"version {newest}, the newest{was}")


def _schema_before(settings: Settings) -> int | None:
    """The version that a SQLite file has before opening brings it to the newest; None where that cannot be seen."""
    address = parse_store_url(settings.store)
    if not isinstance(address, SqliteAddress) or not Path(address.path).exists():
        return None
    try:
        connection = sqlite3.connect(f"file:{address.path.resolve()}?mode=ro", uri=True)
        try:
            return int(connection.execute("PRAGMA user_version").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.DatabaseError:
        return None
