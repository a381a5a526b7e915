"""Routes for those who run the service: whether it lives, whether it is ready, its figures, its description."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from graphsvc.api.auth import Unauthenticated, authorization_of
from graphsvc.api.connection import Connections
from graphsvc.api.context import Parts
from graphsvc.api.failure import failure
from graphsvc.api.graphql import unauthenticated
from graphsvc.api.openapi import openapi

__all__ = ["operation_routes"]


def operation_routes(parts: Parts, connections: Connections | None) -> list[BaseRoute]:
    """The routes. connections: those of the server, for the figures."""

    async def ready(_: Request) -> Response:
        ok, told = await parts.service.check_ready()
        body = {"ready": ok, "missing": None if ok else told, "message": told}
        return JSONResponse(body, status_code=200 if ok else 503, headers={"Cache-Control": "no-store"})

    async def metrics_page(request: Request) -> Response:
        try:
            caller = parts.auth.login(authorization_of(request.headers)).caller
        except Unauthenticated as error:
            return unauthenticated(error)
        if not caller.roles - {"pep"}:
            return failure(403, "not_allowed", "`/metrics` needs a token with a role other than pep")
        ok, _ = await parts.service.check_ready()
        parts.metrics.ready.set(1 if ok else 0)
        figures = dict(parts.service.metrics())
        if parts.owners is not None:
            figures |= {"forwarded": parts.owners.forwarded, "unreachable": parts.owners.unreachable}
        if connections is not None:
            figures |= {"refused_connections": connections.refused, "late_requests": connections.late}
        return Response(
            parts.metrics.text(figures, parts.service.distributions()),
            media_type="text/plain; version=0.0.4; charset=utf-8",
        )

    async def openapi_page(request: Request) -> Response:
        try:
            parts.auth.login(authorization_of(request.headers))
        except Unauthenticated as error:
            return unauthenticated(error)
        return JSONResponse(openapi())

    return [
        Route("/livez", _live),
        Route("/readyz", ready),
        Route("/metrics", metrics_page),
        Route("/openapi.json", openapi_page),
    ]


async def _live(_: Request) -> Response:
    return JSONResponse({"live": True})
