"""Every field asks for a role, and a token without it gets nothing."""

from typing import Any

import pytest
import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType

from graphsvc.api.role import FIELD_ROLES, OPEN_TYPES
from graphsvc.api.schema.build import build_schema
from tests.api.served import request, served

pytestmark = pytest.mark.anyio
_ROOTS = ("Query", "Mutation", "Subscription")


def _types(schema: strawberry.Schema) -> dict[str, GraphQLObjectType]:
    known = schema._schema.type_map
    return {
        name: kind
        for name, kind in known.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
    }


def test_every_root_field_has_roles() -> None:
    """A root field that is not in the table would be for nobody; the table names no field that is not there."""
    types = _types(build_schema())
    fields = {f"{name}.{field}" for name, kind in types.items() for field in kind.fields}
    roots = {path for path in fields if path.partition(".")[0] in _ROOTS}
    assert roots - set(FIELD_ROLES) == set()
    assert set(FIELD_ROLES) - fields == set()


def test_every_type_is_guarded_or_said_to_be_open() -> None:
    """Each object type is either open on purpose or has all its fields in the table."""
    types = _types(build_schema())
    unsaid = {
        f"{name}.{field}"
        for name, kind in types.items()
        if name not in OPEN_TYPES and name not in _ROOTS
        for field in kind.fields
        if f"{name}.{field}" not in FIELD_ROLES
    }
    assert unsaid == set()
    assert set(types) >= OPEN_TYPES


def test_interfaces_are_few() -> None:
    """An interface is a way around the fields of a type, so each is known."""
    known = build_schema()._schema.type_map.items()
    assert {name for name, kind in known if isinstance(kind, GraphQLInterfaceType)} == {
        "Failure",
        "Finding",
        "Node",
    }


_MUTATION_CALLS = {
    "decide": (
        "mutation($v: DecideInput!) { r: decide(input: $v) { __typename } }",
        {"v": {**request(), "idempotencyKey": "k"}},
    ),
    "closeChain": ('mutation { r: closeChain(id: "c1") { __typename } }', {}),
    "suspend": (
        'mutation { r: suspend(input: {kind: identity, id: "bot", reason: "x"}) { __typename } }',
        {},
    ),
    "approveReview": ('mutation { r: approveReview(id: "d", reason: "x") { __typename } }', {}),
    "rejectReview": ('mutation { r: rejectReview(id: "d", reason: "x") { __typename } }', {}),
    "sendSignal": (
        "mutation($v: SignalInput!) { r: sendSignal(input: $v) { __typename } }",
        {"v": {"identity": "bot", "weight": 0.5, "halfLife": "1h", "cause": "x"}},
    ),
    "reinstate": ('mutation { r: reinstate(id: "bot") { __typename } }', {}),
    "revokeGrant": ('mutation { r: revokeGrant(id: "g", reason: "x") { __typename } }', {}),
    "publishPolicy": ('mutation { r: publishPolicy(input: {yaml: "x"}) { __typename } }', {}),
    "removeSource": ('mutation { r: removeSource(source: "nowhere") { __typename } }', {}),
}


async def test_mutations_ask_for_their_role() -> None:
    """Each mutation answers NotAllowed, as data, exactly to the roles that the table leaves out."""
    async with served() as service:
        for name, (query, variables) in _MUTATION_CALLS.items():
            for role in ("pep", "analyst", "approver", "auditor", "admin"):
                if role in FIELD_ROLES[f"Mutation.{name}"]:
                    continue
                answer = await service.post(query, role, variables=variables)
                assert answer["data"]["r"]["__typename"] == "NotAllowed", (name, role)


async def test_queries_ask_for_their_role() -> None:
    """A query without its role is an error with a code; `node` opens no other way."""
    queries = {
        "identity": '{ r: identity(id: "alice") { id } }',
        "identities": "{ r: identities { edges { node { id } } } }",
        "patterns": "{ r: patterns { id } }",
    }
    async with served() as service:
        for name, query in queries.items():
            for role in ("pep", "analyst", "approver", "auditor", "admin"):
                answer: Any = await service.post(query, role)
                allowed = role in FIELD_ROLES[f"Query.{name}"]
                assert ("errors" not in answer) is allowed, (name, role)
                if not allowed:
                    assert answer["errors"][0]["extensions"]["code"] == "not_allowed"
        hidden = await service.post('{ node(id: "identity:alice") { id } }', "pep")
        assert hidden["errors"][0]["extensions"]["code"] == "not_allowed"
        shown = await service.post('{ node(id: "identity:alice") { id __typename } }', "admin")
        assert shown["data"]["node"] == {"id": "identity:alice", "__typename": "Identity"}
        partly = await service.post('{ identity(id: "alice") { kind properties } }', "auditor")
        assert partly["errors"][0]["extensions"]["code"] == "not_allowed"


async def test_introspection_is_for_analyst_and_admin() -> None:
    """Others cannot ask for the schema, also not after somebody who may has asked the same."""
    query = "{ __schema { queryType { name } } }"
    async with served() as service:
        assert (await service.post(query, "analyst"))["data"]
        for role in ("pep", "auditor", "approver"):
            answer = await service.post(query, role)
            assert not answer.get("data")
            assert answer["errors"][0]["extensions"]["code"] == "not_allowed"
        assert (await service.post(query, "admin"))["data"]
    async with served(development=True) as service:
        assert (await service.post(query, "pep"))["data"]
