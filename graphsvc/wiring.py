"""The only place that picks adapters: settings become a store, a service, an application."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from graphsvc.decide.follower import Bell
from graphsvc.decide.keeper import Keeper
from graphsvc.decide.ports import Notary, Store
from graphsvc.decide.retaining import Retaining
from graphsvc.decide.service import GraphsvcService
from graphsvc.decide.trying import PublishRules
from graphsvc.errors import SettingsError, StoreAbsent
from graphsvc.store.address import MemoryAddress, Neo4jAddress, SqliteAddress, absolute_hint, parse_store_url

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from graphsvc.api.auth import Authenticator
    from graphsvc.api.connection import Connections
    from graphsvc.api.hot.owner import Owners
    from graphsvc.api.login.route import Desk
    from graphsvc.api.persisted import PersistedDocuments
    from graphsvc.api.ssf.stream import Stream
    from graphsvc.config import Settings
    from graphsvc.store.drawer.process import ProcessPainter

__all__ = ["build_app", "new_id", "now_ms", "open_notary", "open_service", "open_store"]

SIGN_EVERY_S = 60.0
RETAIN_EVERY_S = 86_400.0


def now_ms() -> int:
    """The system's clock, Unix milliseconds UTC."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """A UUIDv7: unique, and later ones sort later."""
    import uuid_utils

    return str(uuid_utils.uuid7())


async def open_store(url: str, settings: Settings | None = None, *, create: bool = True) -> Store:
    """The store that a URL names, open. settings: for the password of Neo4j.

    create: whether a SQLite file that is not there is made; else StoreAbsent.
    Other errors: BadInput for the URL, those of the store's own `open_...` function.
    """
    address = parse_store_url(url)
    match address:
        case MemoryAddress():
            from graphsvc.store.memory import open_memory

            return await open_memory()
        case SqliteAddress(path=path):
            if not create and not path.exists():
                raise StoreAbsent(
                    f"store `{path}` does not exist; name another with --store, or fill it with `graphsvc import`"
                    f"{absolute_hint(path)}"
                )
            from graphsvc.store.sqlite import open_sqlite

            return await open_sqlite(path)
        case Neo4jAddress():
            try:
                from graphsvc.store.neo4j import open_neo4j
            except ImportError:
                raise SettingsError(
                    "the Neo4j driver is missing; run `pip install 'graphsvc[neo4j]'`"
                ) from None
            return await open_neo4j(address, _password(settings))


@asynccontextmanager
async def open_service(
    settings: Settings,
    *,
    url: str | None = None,
    create: bool = True,
    clock: Callable[[], int] = now_ms,
    lasting: bool = False,
) -> AsyncIterator[GraphsvcService]:
    """A service that has folded its store's log, from the newest snapshot on; closed with the block, the store too.

    url: another store than `settings.store`. lasting: it is there to decide, so its graph is drawn in a process of its own.
    """
    from graphsvc.events.bus import Bus

    address = url or settings.store
    store = await open_store(address, settings, create=create)
    is_shared = isinstance(parse_store_url(address), Neo4jAddress)
    painter = _painter(address, store, settings) if lasting else None
    try:
        if painter is not None and not is_shared:
            # Of several replicas one draws: its process is started when it is known which.
            await painter.start()
        keeper = Keeper(store)
        await keeper.restore()
        service = GraphsvcService(
            store,
            clock=clock,
            ids=new_id,
            bus=Bus(),
            keeper=keeper,
            notary=open_notary(address, settings),
            shared=is_shared,
            bell=_bell(address, store, settings),
            deadline_ms=settings.deadline_ms,
            rules=PublishRules(settings.publishing.second_person, settings.publishing.keys),
            chain_idle_s=settings.chain_idle_s,
            store_values=settings.store_values,
            painter=painter,
        )
        await service.start()
        beside = [asyncio.create_task(service.audit.keep_signing(SIGN_EVERY_S), name="audit")]
        if settings.retention.days is not None and settings.retention.archive is not None:
            retaining = Retaining(
                store,
                open_notary(address, settings),
                clock,
                settings.retention.days,
                settings.retention.archive,
            )
            beside.append(asyncio.create_task(retaining.keep(RETAIN_EVERY_S), name="retaining"))
        try:
            yield service
        finally:
            for task in beside:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            await service.close()
            if not service.swapped.is_set():
                await service.audit.sign()
    finally:
        if painter is not None:
            await painter.close()
        await store.close()


def _painter(url: str, store: Store, settings: Settings) -> ProcessPainter | None:
    from graphsvc.store.drawer.frame import Start
    from graphsvc.store.drawer.process import ProcessPainter

    address = parse_store_url(url)
    if isinstance(address, MemoryAddress):
        return None
    password = _password(settings) if isinstance(address, Neo4jAddress) else ""
    return ProcessPainter(Start(store=url, incarnation=store.incarnation, password=password))


def open_notary(url: str, settings: Settings) -> Notary:
    """Where the keys of a store's audit log lie."""
    from graphsvc.store.notary import FileNotary, MemoryNotary

    return MemoryNotary() if isinstance(parse_store_url(url), MemoryAddress) else FileNotary(settings.state)


def _bell(url: str, store: Store, settings: Settings) -> Bell | None:
    if settings.redis_url is None or not isinstance(parse_store_url(url), Neo4jAddress):
        return None
    try:
        from graphsvc.events.redis import RedisBell
    except ImportError:
        raise SettingsError("the Redis client is missing; run `pip install 'graphsvc[redis]'`") from None
    secret = settings.redis_password
    return RedisBell(
        settings.redis_url, store.incarnation, None if secret is None else secret.get_secret_value()
    )


def build_app(
    service: GraphsvcService,
    settings: Settings,
    *,
    listening: str | None = None,
    jobs: list[Coroutine[None, None, None]] | None = None,
    owners: Owners | None = None,
    connections: Connections | None = None,
) -> ASGIApp:
    """The HTTP application of a service. listening: the URL of its own port, for want of `public_url`.

    owners: the processes that chains are shared out to. jobs: gets what has to run beside it as long as it serves: keys are fetched, streams polled.
    connections: those of the server, for metrics.
    """
    from graphsvc.api.app import create_app
    from graphsvc.api.rate import Rate
    from graphsvc.api.ssf.effect import Receiver
    from graphsvc.api.ssf.poll import keep_polling
    from graphsvc.outlets import events_key, outlet_jobs

    wanted = jobs if jobs is not None else []
    streams, receiver = _streams(settings), Receiver(service)
    wanted += [stream.keys.keep_fresh() for stream in streams if stream.keys.uri is not None]
    wanted += [keep_polling(stream, receiver) for stream in streams if stream.endpoint is not None]
    if settings.reviews.webhook is not None:
        wanted.append(_notices(service, settings, listening))
    auth, desk = _door(settings, listening, wanted)
    public_url = settings.public_url
    if public_url is None and settings.on_loopback:
        # Nobody but this machine reads it, and for this machine it is true.
        public_url = listening
    key = events_key(settings)
    wanted += outlet_jobs(service, settings, key, public_url)
    return create_app(
        service,
        service.store,
        auth=auth,
        development=settings.development,
        public_url=public_url,
        hosts=_hosts(settings),
        streams=streams,
        receiver=receiver,
        documents=_documents(settings),
        rate=Rate(settings.rate_per_s),
        owners=owners,
        events_key=None if key is None else key.public,
        connections=connections,
        desk=desk,
    )


def _door(
    settings: Settings, listening: str | None, jobs: list[Coroutine[None, None, None]]
) -> tuple[Authenticator, Desk | None]:
    """Who may come in, and where people log in; `jobs` gets what keeps the issuer's keys fresh."""
    from graphsvc.api.auth import OpenDoor, TokenVerifier, local_key
    from graphsvc.api.token_register import TokenRegister

    if settings.auth == "off":
        return OpenDoor(), None
    if settings.oidc is None:
        return TokenVerifier(local_key(settings.state), TokenRegister(settings.state)), None
    from graphsvc.api.jwks import KeySet
    from graphsvc.api.oidc import IssuerVerifier

    keys = KeySet(uri=settings.oidc.jwks_uri, file=settings.oidc.jwks_file)
    jobs.append(keys.keep_fresh())
    auth = IssuerVerifier(settings.oidc.issuer, settings.oidc.audience, keys, settings.oidc.algorithms)
    url = settings.public_url or listening
    # At a Unix socket there is no address to come back to.
    if settings.oidc.login is None or url is None or not url.startswith("http"):
        return auth, None
    from graphsvc.api.login.provider import Provider
    from graphsvc.api.login.route import open_desk

    login = settings.oidc.login
    provider = Provider(
        settings.oidc.issuer, login.client_id, keys, redirect_uri=f"{url.rstrip('/')}/login/callback",
        secret_file=login.secret_file, scopes=login.scopes, algorithms=settings.oidc.algorithms,
    )  # fmt: skip
    desk = open_desk(auth, settings.state, provider, session_s=login.session_s, url=url)
    return desk.sessions, desk


def _documents(settings: Settings) -> PersistedDocuments:
    from graphsvc.api.persisted import PersistedDocuments, own_documents, read_documents
    from graphsvc.client.sent import SENT

    given = {} if settings.documents is None else read_documents(settings.documents)
    return PersistedDocuments({**own_documents(SENT), **given}, only=settings.documents_only)


def _notices(
    service: GraphsvcService, settings: Settings, listening: str | None
) -> Coroutine[None, None, None]:
    from graphsvc.events.webhook import Webhook, keep_notifying

    reviews = settings.reviews
    assert reviews.webhook is not None
    link = settings.public_url or (listening if settings.on_loopback else None)
    webhook = Webhook(
        reviews.webhook, reviews.token_file, link.rstrip("/") if link else None, reviews.attempts
    )
    return keep_notifying(webhook, lambda: service.events(after=None), service.review, service.decided)


def _streams(settings: Settings) -> tuple[Stream, ...]:
    from graphsvc.api.jwks import KeySet
    from graphsvc.api.ssf.stream import Stream

    return tuple(
        Stream(
            name=each.name,
            issuer=each.issuer,
            audience=each.audience,
            keys=KeySet(uri=each.jwks_uri, file=each.jwks_file),
            endpoint=each.endpoint,
            token_file=each.token_file,
            push_token_file=each.push_token_file,
        )
        for each in settings.ssf.streams
    )


def _hosts(settings: Settings) -> tuple[str, ...] | None:
    from graphsvc.api.host import LOOPBACK

    if settings.on_loopback or settings.allowed_hosts:
        return (*LOOPBACK, settings.host, *settings.allowed_hosts)
    return None


def _password(settings: Settings | None) -> str:
    secret = settings.neo4j_password if settings is not None else None
    if secret is None:
        raise SettingsError(
            "no password for Neo4j: set GRAPHSVC_NEO4J_PASSWORD or write it to /run/secrets/graphsvc_neo4j_password"
        )
    return secret.get_secret_value()
