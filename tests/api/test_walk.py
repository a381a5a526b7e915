"""Every route and every GraphQL field, asked by every role: what the tables deny is denied."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)
from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute

from graphsvc.api.app import create_app
from graphsvc.api.role import FIELD_ROLES
from graphsvc.api.schema.build import build_schema
from tests.api.served import Served, request, served

pytestmark = pytest.mark.anyio
_ROLES = ("pep", "analyst", "approver", "auditor", "admin")
_ROOTS = ("Query", "Mutation", "Subscription")
_SCALARS: dict[str, object] = {
    "ID": "x",
    "String": "x",
    "Int": 1,
    "Float": 0.5,
    "Boolean": True,
    "JSON": {},
    "Date": "2099-01-01",
    "DateTime": "2099-01-01T00:00:00Z",
}
# How to come to a guarded field that is not at the root, and whom the root field lets in.
_WAYS = {
    "Chain": 'chain(id: "c1")',
    "Decision": 'decision(id: "DECISION")',
    "Review": "reviews { edges { node { FIELD } } }",
    "Identity": 'identity(id: "alice")',
}
_OPEN: frozenset[str] | None = None
_ASKING = frozenset({"pep", "analyst", "admin"})
_ENFORCING = frozenset({"pep", "admin"})
_ALL = frozenset(_ROLES)
# Method and path of every route, and the roles that may use it; None: it asks for no token.
_ROUTES: dict[tuple[str, str], frozenset[str] | None] = {
    ("POST", "/graphql"): _ALL,
    ("WS", "/graphql"): _ALL,
    ("GET", "/livez"): _OPEN,
    ("GET", "/readyz"): _OPEN,
    ("GET", "/metrics"): _ALL - {"pep"},
    ("GET", "/"): _OPEN,
    ("GET", "/static"): _OPEN,
    ("GET", "/static/ide"): _OPEN,
    ("GET", "/login/session"): _OPEN,
    ("GET", "/openapi.json"): _ALL,
    ("POST", "/access/v1/evaluation"): _ASKING,
    ("POST", "/access/v1/evaluations"): _ASKING,
    ("POST", "/access/v1/search/subject"): _ASKING,
    ("POST", "/access/v1/search/resource"): _ASKING,
    ("POST", "/access/v1/search/action"): _ASKING,
    ("POST", "/access/v1/requests"): _ENFORCING,
    ("GET", "/access/v1/requests/{task}"): _ALL,
    ("GET", "/.well-known/authzen-configuration"): _OPEN,
    ("GET", "/ext_authz"): _ENFORCING,
    ("GET", "/ext_authz/{original:path}"): _ENFORCING,
    # The signature of the event itself says who sent it.
    ("POST", "/ssf/events"): _OPEN,
    ("POST", "/mcp"): _ALL,
}


def _value(kind: Any) -> object:
    """Some value of an input type, as small as it may be."""
    if isinstance(kind, GraphQLNonNull):
        return _value(kind.of_type)
    if isinstance(kind, GraphQLList):
        return [_value(kind.of_type)]
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        return {
            name: _value(field.type) for name, field in kind.fields.items() if is_required_input_field(field)
        }
    assert isinstance(kind, GraphQLScalarType)
    return _SCALARS[kind.name]


def _document(root: str, name: str, field: GraphQLField) -> tuple[str, dict[str, object]]:
    """A document that asks for one root field with the arguments it needs."""
    needed = {each: arg for each, arg in field.args.items() if is_required_argument(arg)}
    declared = ", ".join(f"${each}: {arg.type}" for each, arg in needed.items())
    given = ", ".join(f"{each}: ${each}" for each in needed)
    selected = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    text = f"{root.lower()} W{f'({declared})' if needed else ''} {{ r: {name}{f'({given})' if needed else ''}{selected} }}"
    return text, {each: _value(arg.type) for each, arg in needed.items()}


def _is_role_refusal(answer: Any) -> bool:
    """Refused for want of a role, as data or as an error."""
    data = (answer.get("data") or {}).get("r")
    if isinstance(data, dict) and data.get("__typename") == "NotAllowed":
        return True
    return any(error.get("extensions", {}).get("code") == "not_allowed" for error in answer.get("errors", ()))


async def _ask(service: Served, text: str, variables: dict[str, object], role: str) -> Any:
    headers = {"Authorization": f"Bearer {service.token(role)}"}
    body = {"query": text, "variables": variables}
    async with service.http.post(f"{service.url}/graphql", json=body, headers=headers) as response:
        return await response.json(content_type=None)


async def test_every_root_field_is_denied_to_whom_the_table_leaves_out() -> None:
    """Documents made from the schema: a denied cell gives a refusal and no value, an allowed one no refusal of roles."""
    schema = build_schema()._schema
    cells = denied = 0
    async with served() as service:
        for root in ("Query", "Mutation"):
            kind: Any = schema.type_map[root]
            for name, field in kind.fields.items():
                text, variables = _document(root, name, field)
                for role in _ROLES:
                    answer = await _ask(service, text, variables, role)
                    cells += 1
                    if role not in FIELD_ROLES[f"{root}.{name}"]:
                        denied += 1
                        assert _is_role_refusal(answer), (root, name, role, answer)
                    else:
                        told = str(answer)
                        assert "needs a token with one of the roles" not in told, (root, name, role, answer)
    assert denied > 60
    assert cells > 200


async def test_every_subscription_is_denied_to_whom_the_table_leaves_out() -> None:
    """As an event stream: a denied role gets the refusal and the end, and no event."""
    kind: Any = build_schema()._schema.type_map["Subscription"]
    async with served() as service:
        for name, field in kind.fields.items():
            text, variables = _document("Subscription", name, field)
            for role in _ROLES:
                if role in FIELD_ROLES[f"Subscription.{name}"]:
                    continue
                headers = {"Authorization": f"Bearer {service.token(role)}", "Accept": "text/event-stream"}
                body = {"query": text, "variables": variables}
                async with service.http.post(
                    f"{service.url}/graphql", json=body, headers=headers
                ) as response:
                    assert "not_allowed" in await response.text(), (name, role)


async def test_every_guarded_field_below_the_root_is_denied_too() -> None:
    """A field that is guarded by itself is refused also to those whom the way to it lets in."""
    guarded = {path for path in FIELD_ROLES if path.partition(".")[0] not in _ROOTS}
    assert {path.partition(".")[0] for path in guarded} == set(_WAYS)
    types = build_schema()._schema.type_map
    async with served() as service:
        asked = {**request(), "idempotencyKey": "walk"}
        text = "mutation($i: DecideInput!) { r: decide(input: $i) { ... on Decision { id } } }"
        decision = (await service.post(text, "pep", variables={"i": asked}))["data"]["r"]["id"]
        await service.drawn()
        for path in sorted(guarded):
            type_name, _, name = path.partition(".")
            kind: Any = types[type_name]
            selected = " { __typename }" if is_composite_type(get_named_type(kind.fields[name].type)) else ""
            way = _WAYS[type_name].replace("DECISION", decision)
            way = way.replace("FIELD", name + selected) if "FIELD" in way else f"{way} {{ {name}{selected} }}"
            for role in _ROLES:
                if role in FIELD_ROLES[path]:
                    continue
                answer = await _ask(service, f"{{ r: {way} }}", {}, role)
                assert _is_role_refusal(answer), (path, role, answer)


def _routes(app: Any) -> list[Any]:
    while not isinstance(app, Starlette):
        app = app._app
    return list(app.routes)


async def test_every_route_asks_for_its_role() -> None:
    """The table holds every route; without a token only the open ones answer, and a role that is left out gets 403."""
    async with served(public_url="https://pdp.example") as service:
        harness = service.harness.service
        app = create_app(harness, harness.store, auth=None, public_url="https://pdp.example")  # type: ignore[arg-type]
        found: set[tuple[str, str]] = set()
        for route in _routes(app):
            if isinstance(route, WebSocketRoute):
                found.add(("WS", route.path))
            elif isinstance(route, Mount):
                found.add(("GET", route.path))
            else:
                assert isinstance(route, Route)
                methods = route.methods or {"POST"}
                found.add(("GET" if "GET" in methods else "POST", route.path))
        assert found == set(_ROUTES)
        for (method, path), roles in _ROUTES.items():
            if method == "WS":
                continue
            url = service.url + path.replace("{task}", "x").replace("{original:path}", "x")
            url += "/style.css" if path == "/static" else ""
            async with service.http.request(method, url, json={} if method == "POST" else None) as response:
                refused = response.status in {401, 403}
                assert refused is (roles is not None), (method, path, response.status)
            if roles is None:
                continue
            for role in _ROLES:
                headers = {"Authorization": f"Bearer {service.token(role, scopes=['search'])}"}
                async with service.http.request(
                    method, url, json={} if method == "POST" else None, headers=headers
                ) as response:
                    if role not in roles:
                        assert response.status == 403, (method, path, role)
                    elif path != "/ext_authz" and not path.startswith("/ext_authz/"):
                        assert response.status not in {401, 403}, (method, path, role)


async def test_every_answer_carries_the_headers_of_its_kind() -> None:
    """Pages, data and refusals alike tell a browser to load nothing, to frame nothing and to guess no type."""
    async with served(public_url="https://pdp.example") as service:
        for path in ("/", "/livez", "/graphql", "/metrics", "/nowhere", "/.well-known/authzen-configuration"):
            async with service.http.get(service.url + path) as response:
                headers = response.headers
                assert headers["X-Content-Type-Options"] == "nosniff", path
                assert headers["Referrer-Policy"] == "no-referrer", path
                assert "default-src 'none'" in headers["Content-Security-Policy"], path
                assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
                assert "unsafe" not in headers["Content-Security-Policy"], path
                assert headers["Strict-Transport-Security"].startswith("max-age="), path
                assert len(headers.getall("Content-Security-Policy")) == 1, path
