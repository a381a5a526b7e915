"""Rates by cost: decisions cost one, documents what they may give out, and every way in is charged."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from graphsvc.api.rate import Rate, RateLimited
from graphsvc.api.schema.cost import document_cost
from tests.api.served import PROTOCOL, request, served

pytestmark = pytest.mark.anyio


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_empties_and_fills() -> None:
    """What was not used for a while is there at once, up to the burst; each caller has its own."""
    clock = _Clock()
    rate = Rate(10, burst_s=2, clock=clock)
    for _ in range(20):
        rate.charge("a")
    with pytest.raises(RateLimited) as refused:
        rate.charge("a")
    assert refused.value.retry_after_s == pytest.approx(0.1)
    rate.charge("b", 20)
    clock.now = 0.5
    rate.charge("a", 5)
    with pytest.raises(RateLimited):
        rate.charge("a")
    clock.now = 1_000
    rate.charge("a", 10**9)
    with pytest.raises(RateLimited):
        rate.charge("a")


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 30)), max_size=60))
def test_nobody_gets_more_than_the_rate(calls: list[tuple[float, float]]) -> None:
    """Over any time: never more cost than the burst and what came back."""
    clock = _Clock()
    rate, granted = Rate(10, burst_s=2, clock=clock), 0.0
    for pause, cost in calls:
        clock.now += pause
        try:
            rate.charge("a", cost)
        except RateLimited:
            continue
        granted += min(cost, 20)
        assert granted <= 20 + 10 * clock.now + 1e-6


@pytest.mark.parametrize(
    ("text", "variables", "cost"),
    [
        ("{ revision }", {}, 1),
        ("{ decisions(first: 200) { edges { node { id verdict action } } } }", {}, 200 * 0.5 + 0.1),
        ("query($n: Int) { decisions(first: $n) { edges { node { id } } } }", {"n": 100}, 100 * 0.3 + 0.1),
        ("{ decisions { edges { node { id } } } }", {}, 50 * 0.3 + 0.1),
        ('{ nodes(ids: ["a", "b"]) { id } }', {}, 1),
        ("{ combinations { truncated } }", {}, 500.2),
        ("{ ...A } fragment A on Query { decisions(first: 100) { edges { ...E } } } fragment E on X { node { id } }", {}, 30.1),
    ],
)  # fmt: skip
def test_documents_cost_what_they_may_give_out(text: str, variables: dict[str, Any], cost: float) -> None:
    """Fields times entries, fragments opened, and what takes long besides."""
    assert document_cost(parse(text), None, variables) == pytest.approx(cost)


def test_fragments_that_double_cost_no_time() -> None:
    """Sixty of them are counted in linear time; the sum is beyond any bucket."""
    parts = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60)]
    text = " ".join(["{ ...F0 }", *parts, "fragment F60 on Query { revision }"])
    assert document_cost(parse(text), None, {}) > 1e15


async def test_every_way_in_is_charged() -> None:
    """decide, AuthZEN, documents over POST, events and sockets: the same bucket, and the answer says when to come again."""
    for way in ("decide", "evaluation", "query", "stream", "socket"):
        clock = _Clock()
        rate = Rate(1, burst_s=4, clock=clock)
        async with served(rate=rate) as service:
            headers = {"Authorization": f"Bearer {service.token('admin', scopes=('search',))}"}
            told: list[str] = []
            for number in range(6):
                if way == "evaluation":
                    body: Any = {name: request()[name] for name in ("subject", "action", "resource")}
                    async with service.http.post(
                        f"{service.url}/access/v1/evaluation", json=body, headers=headers
                    ) as answer:
                        told.append(str(answer.status))
                        if answer.status == 429:
                            assert int(answer.headers["Retry-After"]) >= 1
                    continue
                query, variables = "{ patterns { id } }", {}
                if way == "decide":
                    query = "mutation($v: DecideInput!) { decide(input: $v) { ... on Decision { verdict } } }"
                    variables = {"v": {**request(), "idempotencyKey": f"k{number}"}}
                if way == "socket":
                    async with service.http.ws_connect(f"{service.url}/graphql", protocols=(PROTOCOL,)) as ws:
                        await ws.send_json(
                            {
                                "type": "connection_init",
                                "payload": {"authorization": headers["Authorization"]},
                            }
                        )
                        await ws.receive_json(timeout=5)
                        await ws.send_json({"id": "1", "type": "subscribe", "payload": {"query": query}})
                        told.append(await ws.receive_str(timeout=5))
                    continue
                more = {"Accept": "text/event-stream"} if way == "stream" else {}
                async with service.http.post(
                    f"{service.url}/graphql",
                    json={"query": query, "variables": variables},
                    headers={**headers, **more},
                ) as answer:
                    told.append(await answer.text())
            mark = "429" if way == "evaluation" else "rate_limited"
            assert [mark in each for each in told] == [False] * 4 + [True] * 2, (way, told)
            clock.now += 1
            async with service.http.get(f"{service.url}/readyz") as response:
                assert response.status == 200
