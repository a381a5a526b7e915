"""`/.well-known/authzen-configuration`: where everything is, by the setting `public_url` alone.

Never by the Host header: whoever can choose that would choose where enforcement points send their questions.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from graphsvc.api.authzen.access_request import PATH as REQUESTS
from graphsvc.api.failure import failure

__all__ = ["WELL_KNOWN", "metadata", "metadata_routes"]

WELL_KNOWN = "/.well-known/authzen-configuration"
_KEPT_S = 3600


def metadata(public_url: str) -> dict[str, object]:
    """The document. public_url: without a slash at the end."""
    access = f"{public_url}/access/v1"
    return {
        "policy_decision_point": public_url,
        "access_evaluation_endpoint": f"{access}/evaluation",
        "access_evaluations_endpoint": f"{access}/evaluations",
        "search_subject_endpoint": f"{access}/search/subject",
        "search_resource_endpoint": f"{access}/search/resource",
        "search_action_endpoint": f"{access}/search/action",
        "access_request_endpoint": f"{public_url}{REQUESTS}",
        "capabilities": ["urn:openid:authzen:capability:access-request"],
    }


def metadata_routes(public_url: str | None) -> list[BaseRoute]:
    """The route; with a path in `public_url` the document lies behind that path, as RFC 8615 has it."""
    path = "" if public_url is None else urlsplit(public_url).path.rstrip("/")

    async def answer(_: Request) -> Response:
        if public_url is None:
            told = "no public address is set; set GRAPHSVC_PUBLIC_URL, or use the paths of the specification"
            return failure(404, "not_configured", told)
        return JSONResponse(metadata(public_url), headers={"Cache-Control": f"public, max-age={_KEPT_S}"})

    return [Route(f"{WELL_KNOWN}{path}", answer, methods=["GET"])]
