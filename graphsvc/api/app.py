"""The service's routes as one ASGI application."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import strawberry
from starlette.applications import Starlette
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from graphsvc.api.auth import Authenticator
from graphsvc.api.authzen.route import authzen_routes, guarded
from graphsvc.api.connection import Connections
from graphsvc.api.context import Parts
from graphsvc.api.dashboard import dashboard_routes
from graphsvc.api.ext_authz import ext_authz_routes
from graphsvc.api.failure import failure
from graphsvc.api.graphql import GraphqlEndpoint
from graphsvc.api.header import SecurityHeaders
from graphsvc.api.host import HostCheck, host_names
from graphsvc.api.hot.front import HotFront
from graphsvc.api.hot.owner import Owners
from graphsvc.api.hot.path import HotPath
from graphsvc.api.limit import BodyLimit
from graphsvc.api.live.hub import Hub
from graphsvc.api.login.route import Desk, login_routes
from graphsvc.api.login.session import SessionDoor
from graphsvc.api.metric import Metrics
from graphsvc.api.operation import operation_routes
from graphsvc.api.persisted import PersistedDocuments
from graphsvc.api.rate import Rate
from graphsvc.api.request_id import RequestId
from graphsvc.api.schema.build import build_schema
from graphsvc.api.ssf.discovery import discovery_routes
from graphsvc.api.ssf.effect import Receiver
from graphsvc.api.ssf.push import push_routes
from graphsvc.api.ssf.stream import Stream
from graphsvc.api.tracing import traced
from graphsvc.decide.ports import History
from graphsvc.decide.service import GraphsvcService

__all__ = ["create_app"]


def create_app(
    service: GraphsvcService,
    history: History,
    *,
    auth: Authenticator,
    development: bool = False,
    metrics: Metrics | None = None,
    public_url: str | None = None,
    hosts: Iterable[str] | None = None,
    streams: tuple[Stream, ...] = (),
    receiver: Receiver | None = None,
    documents: PersistedDocuments | None = None,
    rate: Rate | None = None,
    owners: Owners | None = None,
    events_key: dict[str, Any] | None = None,
    connections: Connections | None = None,
    desk: Desk | None = None,
) -> ASGIApp:
    """The application. auth: a TokenVerifier, or OpenDoor on a loopback address.

    development: IDE at GET /graphql, suggestions, and introspection for everybody. public_url: where callers reach
    it; every URL in an answer is built from it. hosts: names it may be called by besides, None = any.
    streams, receiver: of security events that are pushed. documents: GraphQL documents that are known by name.
    rate: how much each caller may ask. owners: the other processes that chains are shared out to.
    events_key: the public key (JWK) of security events that we send. connections: those of the server, for metrics.
    desk: where people log in at a provider.
    """
    parts = Parts(
        service=service,
        history=history,
        auth=auth,
        metrics=metrics if metrics is not None else Metrics(),
        development=development,
        public_url=None if public_url is None else public_url.rstrip("/"),
        documents=documents if documents is not None else PersistedDocuments(),
        rate=rate if rate is not None else Rate(),
        owners=owners,
    )
    schema = build_schema(development=development)
    hub = Hub(schema._schema, parts)  # noqa: SLF001  Strawberry hides graphql-core's schema
    graphql = GraphqlEndpoint(schema, parts, hub)

    app: ASGIApp = Starlette(
        routes=[
            # An ASGI application and not a function: it takes requests and sockets alike.
            Route("/graphql", graphql, methods=None),
            WebSocketRoute("/graphql", graphql),
            *operation_routes(parts, connections),
            *dashboard_routes(development=development),
            *login_routes(desk),
            *authzen_routes(parts),
            *ext_authz_routes(parts, guarded),
            *push_routes(streams, receiver if receiver is not None else Receiver(service)),
            *(discovery_routes(parts.public_url, events_key) if parts.public_url and events_key else ()),
            Route("/mcp", _mcp_face(schema, parts), methods=None),
        ],
    )
    app = BodyLimit(app)
    app = SecurityHeaders(app, secure=(parts.public_url or "").startswith("https://"))
    names = None if hosts is None else host_names(hosts, parts.public_url)
    if names is not None:
        app = HostCheck(app, names)
    app = RequestId(app)
    if desk is not None:
        app = SessionDoor(app, desk.cookies)
    # Before the others, which cost more than a planned decision.
    return traced(HotFront(app, parts, HotPath(schema._schema, parts), names))  # noqa: SLF001  Strawberry hides graphql-core's schema


def _mcp_face(schema: strawberry.Schema, parts: Parts) -> ASGIApp:
    """The MCP server, or what to install for it."""
    try:
        from graphsvc.api.mcp import McpFace
    except ImportError:
        return failure(501, "not_supported", "install `graphsvc[mcp]` to answer at /mcp")
    return McpFace(schema, parts)
