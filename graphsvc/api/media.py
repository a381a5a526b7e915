"""Which media type an answer has: `application/graphql-response+json` for callers that ask for it, else JSON.

Source: GraphQL over HTTP, https://graphql.github.io/graphql-over-http/draft/, 6.4: with the former a request that was not
executed is answered with 400 and no `data`; with the latter 200 is kept, for clients that look no further.
"""

from __future__ import annotations

__all__ = ["GRAPHQL_RESPONSE", "JSON", "media_type"]

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"


def media_type(accept: str | None) -> str:
    """The media type for an Accept value; the newer one only where it is named and not liked less."""
    if accept is None or GRAPHQL_RESPONSE not in accept.lower():
        return JSON
    liked = {JSON: 0.0, GRAPHQL_RESPONSE: 0.0}
    for part in accept.lower().split(","):
        name, *parameters = (each.strip() for each in part.split(";"))
        if name in liked:
            liked[name] = _quality(parameters)
    return GRAPHQL_RESPONSE if 0 < liked[GRAPHQL_RESPONSE] >= liked[JSON] else JSON


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
