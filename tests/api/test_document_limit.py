"""Documents that ask for too much are refused, and quickly, however they are written."""

import time

import pytest
from graphql import get_introspection_query

from graphsvc.api.schema.document_limit import MAX_ALIASES, MAX_DEPTH, MAX_FIELDS
from tests.api.served import request, served

pytestmark = pytest.mark.anyio
FRAGMENTS = 40


def doubling(start: str, last: str, kind: str = "Decision") -> str:
    """Fragments that each spread the next one twice: 2^40 fields in two kilobytes."""
    parts = [start]
    parts += [f"fragment F{n} on {kind} {{ ...F{n + 1} ...F{n + 1} }}" for n in range(FRAGMENTS)]
    return " ".join([*parts, f"fragment F{FRAGMENTS} on {kind} {{ {last} }}"])


NESTED = " ".join(
    ['query { decision(id: "x") { ...F0 } }']
    + [
        f"fragment F{n} on Decision {{ a{n}: review {{ decision {{ ...F{n + 1} }} }} b{n}: review {{ decision {{ ...F{n + 1} }} }} }}"
        for n in range(FRAGMENTS)
    ]
    + [f"fragment F{FRAGMENTS} on Decision {{ id }}"]
)
DECIDE = "mutation($v: DecideInput!) { decide(input: $v) { ...F0 } }"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        (doubling(DECIDE, "id"), "fields with its fragments opened"),
        (doubling('query { decision(id: "x") { ...F0 } }', "a: id"), "aliases with its fragments opened"),
        (NESTED, f"levels deep with its fragments opened; at most {MAX_DEPTH}"),
    ],
)
async def test_fragments_that_double_are_refused_at_once(query: str, told: str) -> None:
    """On the hot path and beside it; a walk into each spread would not end."""
    async with served() as service:
        started = time.monotonic()
        variables = {"v": {**request(), "idempotencyKey": "k"}} if "$v" in query else None
        answer = await service.post(query, variables=variables)
        assert told in str([error["message"] for error in answer["errors"]])
        # Not a measure of speed: without the rule this takes longer than anybody waits.
        assert time.monotonic() - started < 30


async def test_limits_are_exact() -> None:
    """One more than allowed is refused, what is allowed is answered."""
    async with served() as service:
        for count, fine in ((MAX_ALIASES, True), (MAX_ALIASES + 1, False)):
            query = "{ patterns { " + " ".join(f"a{n}: id" for n in range(count)) + " } }"
            assert ("errors" not in await service.post(query, "analyst")) is fine
        for count, fine in ((MAX_FIELDS // 3, True), (MAX_FIELDS // 3 + 1, False)):
            query = "{ patterns { " + "...F " * count + "} } fragment F on Pattern { id title severity }"
            assert ("errors" not in await service.post(query, "analyst")) is fine
        inner = "review { decision { " * 5 + "id" + " } }" * 5
        for query, fine in (
            (f'{{ decision(id: "x") {{ {inner} }} }}', True),
            (f'{{ decision(id: "x") {{ review {{ decision {{ {inner} }} }} }} }}', False),
        ):
            assert ("errors" not in await service.post(query, "analyst")) is fine


async def test_fragments_in_a_circle_are_refused() -> None:
    """By GraphQL's own rule; counting them ends."""
    query = '{ decision(id: "x") { ...A } } fragment A on Decision { ...B } fragment B on Decision { ...A }'
    async with served() as service:
        answer = await service.post(query, "analyst")
        assert "Cannot spread fragment" in answer["errors"][0]["message"]


async def test_the_schema_can_be_asked_for_in_whole() -> None:
    """The standard introspection query of GraphQL clients, though it names types deeper than data may be asked."""
    async with served() as service:
        answer = await service.post(get_introspection_query(input_value_deprecation=True), "analyst")
        assert "errors" not in answer
        types = "ofType { " * 20 + "name" + " }" * 20
        answer = await service.post(f"{{ __schema {{ types {{ {types} }} }} }}", "analyst")
        assert "levels deep" in answer["errors"][0]["message"]
