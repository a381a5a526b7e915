"""What receivers of our security events look up: who sends them, and the keys they are signed with."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

__all__ = ["JWKS_PATH", "discovery_routes"]

JWKS_PATH = "/.well-known/ssf-jwks.json"


def discovery_routes(issuer: str, public_key: dict[str, Any]) -> list[BaseRoute]:
    """`/.well-known/ssf-configuration` (OpenID SSF 1.0, section 7) and the JWK set. issuer: without a slash at its end."""
    configuration = {
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": f"{issuer}{JWKS_PATH}",
        "delivery_methods_supported": ["urn:ietf:rfc:8935"],
        "default_subjects": "ALL",
    }

    async def configured(_: Request) -> Response:
        return JSONResponse(configuration)

    async def keys(_: Request) -> Response:
        return JSONResponse({"keys": [public_key]}, headers={"Cache-Control": "public, max-age=300"})

    return [
        Route("/.well-known/ssf-configuration", configured, methods=["GET"]),
        Route(JWKS_PATH, keys, methods=["GET"]),
    ]
