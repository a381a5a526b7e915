"""The hot path answers byte for byte what the general executor answers, and answers what our own client sends."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLScalarType, get_named_type

from graphsvc.api.hot.path import HotPath
from graphsvc.api.schema.build import build_schema
from graphsvc.client import document
from graphsvc.core.verdict import Verdict
from tests.api.served import SEND, Served, request, served

pytestmark = pytest.mark.anyio
_SCHEMA = build_schema()._schema
_UNION = ("Decision", "InvalidRequest", "NotAllowed", "Conflict")


# Ways in which clients write JSON.
WRITERS: list[Callable[[Any], bytes]] = [
    orjson.dumps,
    lambda value: json.dumps(value).encode(),
    lambda value: json.dumps(value, indent=2, separators=(" ,", " : ")).encode(),
]


class Documents:
    """Random documents over `decide`: any selection, aliases, fragments of both kinds, `__typename`, repeats."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.fragments: list[str] = []

    def document(self, *, many: bool) -> str:
        self.fragments = []
        field, variable, kind = (
            ("decideMany", "inputs", "[DecideInput!]!") if many else ("decide", "input", "DecideInput!")
        )
        parts = [
            f"... on {name} {self.selection(name, 3)}"
            for name in self.rng.sample(_UNION, self.rng.randint(1, 4))
        ]
        if self.rng.random() < 0.5:
            parts.append("__typename")
        if self.rng.random() < 0.3:
            parts.append("... on Failure { code message }")
        if self.rng.random() < 0.2:
            parts.append("... on Node { id }")
        self.rng.shuffle(parts)
        alias = self.rng.choice(["", "r: ", "decision: "])
        name = self.rng.choice(["", " Ask", " "])
        body = f"mutation{name}($v: {kind}) {{ {alias}{field}({variable}: $v) {{ {' '.join(parts)} }} }}"
        return " ".join([body, *self.fragments] if self.rng.random() < 0.5 else [*self.fragments, body])

    def selection(self, kind: str, depth: int) -> str:
        found = _SCHEMA.type_map[kind]
        assert isinstance(found, GraphQLObjectType)
        parts: list[str] = []
        for name, field in found.fields.items():
            inner = get_named_type(field.type)
            if self.rng.random() < 0.5 or (kind, name) == ("Review", "decision"):
                continue
            # No plan can wait for it, so it is asked for seldom.
            if name == "counterfactuals" and self.rng.random() < 0.8:
                continue
            alias = self.rng.choice(["", "", f"x{name}: "])
            if isinstance(inner, GraphQLScalarType | GraphQLEnumType):
                parts += [f"{alias}{name}"] * self.rng.choice([1, 1, 2])
            elif depth:
                parts.append(f"{alias}{name} {self.selection(inner.name, depth - 1)}")
        if not parts or self.rng.random() < 0.2:
            parts.append(self.rng.choice(["__typename", "t: __typename"]))
        self.rng.shuffle(parts)
        text = f"{{ {' '.join(parts)} }}"
        if self.rng.random() < 0.2:
            text = f"{{ ... {text} }}"
        if self.rng.random() < 0.2:
            fragment = f"F{len(self.fragments)}"
            self.fragments.append(f"fragment {fragment} on {kind} {text}")
            text = f"{{ ...{fragment} }}"
        return text


def inputs(rng: random.Random, number: int) -> dict[str, Any]:
    """Good requests and bad ones, each with a key of its own."""
    given: dict[str, Any] = {**request(chain=f"c{number % 7}"), "idempotencyKey": f"k{number}"}
    match rng.randrange(14):
        case 0:
            given["action"] = SEND
        case 1:
            given.update(
                action={"name": "crm:Read"}, resource={"type": "record", "id": "1"}, labels=["sensitive"]
            )
        case 2:
            given["idempotencyKey"] = ""
        case 3:
            given["deadlineMs"] = rng.choice([0, 5_000, 2**31, "5"])
        case 4:
            del given["chain"]
        case 5:
            given["unknown"] = 1
        case 6:
            given["subject"] = rng.choice([None, {"type": "agent"}, {"type": "agent", "id": 7}, "bot"])
        case 7:
            given.update(
                labels=rng.choice([None, [], "a", ["a", None], [1]]),
                joins=rng.choice([None, [], "c1", ["c1"]]),
            )
        case 8:
            given["context"] = rng.choice([None, {}, {"a": {"b": [1, 2.5, None, "x:y"]}}, [1], "x"])
        case 9:
            given["intent"] = rng.choice(
                [
                    {"actions": ["crm:*"]},
                    {"effects": ["fly"]},
                    {"text": "x"},
                    {"more": 1},
                    {"destinations": ["*"], "amount": {"max": 5, "currency": "EUR"}},
                    {"amount": {"currency": "EUR"}},
                    {"amount": {"max": True}},
                    {"template": "none", "lasts": "1h"},
                    {"ends": "2030-01-01T00:00:00Z", "begins": "x"},
                    {"amount": None, "lasts": 3},
                ]
            )
        case 10:
            given["arguments"] = [{"name": "to", "fact": "clean", "tokens": ["t"], "designation": 1}]
        case 11:
            given["review"] = "review:nobody"
        case 12:
            given["resource"] = {"type": "a:b", "id": "x"}
        case _:
            pass
    return given


async def _post(service: Served, body: bytes, token: str, *, hot: bool) -> tuple[int, str, bytes]:
    url = f"{service.url}/graphql" if hot else f"{service.url}/graphql?general"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with service.http.post(url, data=body, headers=headers) as response:
        return response.status, response.headers["Content-Type"], await response.read()


async def test_plans_answer_what_the_general_executor_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random documents and inputs, invalid ones too: the same status, type and bytes; most by plan."""
    rng, by_plan = random.Random(20261124), Counter[bool]()
    kinds = Counter[str]()
    original = HotPath.answer

    async def watched(self: HotPath, body: bytes, *rest: Any, **more: Any) -> bytes | None:
        answer = await original(self, body, *rest, **more)
        by_plan[answer is not None] += 1
        return answer

    monkeypatch.setattr(HotPath, "answer", watched)
    async with served() as service:
        tokens = [service.token(role) for role in ("pep", "pep", "pep", "pep", "admin", "analyst")]
        documents = Documents(rng)
        for number in range(420):
            many = rng.random() < 0.25
            given = (
                [inputs(rng, 1_000 * part + number) for part in range(rng.randint(0, 3))]
                if many
                else inputs(rng, number)
            )
            variables: dict[str, Any] = {"v": given}
            envelope: dict[str, Any] = {"query": documents.document(many=many), "variables": variables}
            if rng.random() < 0.05:
                variables["more"] = 1
            if rng.random() < 0.05:
                envelope["operationName"] = rng.choice([None, "Ask", "Other"])
            body, token = rng.choice(WRITERS)(envelope), rng.choice(tokens)
            # Recorded first: whatever is asked again is a replay, on either way.
            await _post(service, body, token, hot=False)
            general = await _post(service, body, token, hot=False)
            assert await _post(service, body, token, hot=True) == general, envelope
            kinds["error" if b'"errors"' in general[2] else "data"] += 1
    assert by_plan[True] > 170
    assert kinds["error"] > 40
    assert kinds["data"] > 200


async def test_our_client_is_answered_by_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Single and many decisions, and an escalated one with its review."""
    answers: list[bool] = []
    original = HotPath.answer

    async def watched(self: HotPath, body: bytes, *rest: Any, **more: Any) -> bytes | None:
        answer = await original(self, body, *rest, **more)
        if document.DECIDE[:20].encode() in body or b"decideMany" in body:
            answers.append(answer is not None)
        return answer

    monkeypatch.setattr(HotPath, "answer", watched)
    async with served() as service, service.client() as client:
        assert (await client.decide(request())).permitted
        many = await client.decide_many([request(), request("crm:Read", "record:1")])
        assert len(many) == 2
        held = await client.decide({**request("crm:Read", "record:1", chain="c8"), "intent": {"actions": []}})
        assert held.verdict is Verdict.ESCALATE
        assert held.review is not None
    assert answers == [True] * 3


@pytest.mark.parametrize(
    "text",
    [
        b'{"query": "{ __typename }", "query": "mutation { x }"}',
        b'{"query" : "{ __typename }", "variables":{}, "variables":{}}',
        b'{"a\\\\":1, "variables":{"v":{}}, "variables":{}}',
    ],
)
async def test_repeated_names_are_refused_however_they_are_written(text: bytes) -> None:
    """Blanks before colons and names that end with a backslash hide nothing."""
    async with served() as service:
        for hot in (True, False):
            status, _, body = await _post(service, text, service.token("pep"), hot=hot)
            assert status == 400, body


_INPUT = b'{"idempotencyKey":"k1","chain":"c1","subject":{"type":"agent","id":"bot"},"action":{"name":"mail:Read"%s},'
_FRAME = b'{"query":"mutation($v: DecideInput!) { decide(input: $v) { __typename ... on Decision { verdict } } }",%s}'


def _written(variables: bytes, properties: bytes = b"") -> bytes:
    rest = b'"resource":{"type":"mailbox","id":"alice"}%s}'
    return _FRAME % (b'"variables":{"v":' + _INPUT % properties + rest % variables + b"}")


@pytest.mark.parametrize(
    "body",
    [
        _written(b',"chain":"c2"'),
        _written(b',"chain" : "c2"'),
        _written(b',"\\u0063hain":"c2"'),
        _written(b"", b',"properties":{"to":"x","to":"y"}'),
        _written(b'},"v":{}'),
        _written(b',"context":{"a\\"":1,"a\\"":2}'),
        _written(b',"context":' + b'{"a":' * 64 + b"1" + b"}" * 64),
        _written(b',"labels":["\xff"]'),
        _written(b"") + b"x",
        _written(b"").replace(b'"variables"', b'"variables":{},"variables"'),
    ],
)
async def test_what_is_no_proper_json_is_refused_behind_a_known_document(body: bytes) -> None:
    """Repeated names, too deep, no UTF-8: also when everything around the variables is known to be in order."""
    async with served() as service:
        token = service.token("pep")
        status, _, answer = await _post(service, _written(b""), token, hot=True)
        assert (status, b'"verdict":"PERMIT"' in answer) == (200, True)
        assert (await _post(service, body, token, hot=True))[0] == 400
        assert (await _post(service, body, token, hot=True))[0] == 400


async def test_evaluations_are_answered_as_the_route_answers() -> None:
    """Bare evaluations, good and bad, however they are written: the same status and the same bytes."""
    rng = random.Random(7)
    members: dict[str, list[Any]] = {
        "subject": [{"type": "agent", "id": "bot"}, {"type": "agent", "id": "identity:bot"}, {"id": "bot"}, 1],
        "action": [{"name": "mail:Read"}, {"name": "mail:Read", "properties": {"a": {"b": [1]}}}, {"name": ""}, SEND],
        "resource": [{"type": "mailbox", "id": "alice"}, {"type": "a:b", "id": "x"}, {"type": "record", "id": "1", "x": 1}],
        "context": [None, {}, {"a": 1}, {"graphsvc": {"explain": True}}, {"graphsvc": {"labels": ["sensitive"]}}, [1]],
    }  # fmt: skip
    fast: Counter[bool] = Counter()
    async with served() as service:
        for _ in range(300):
            body = {name: rng.choice(values) for name, values in members.items() if rng.random() < 0.95}
            text = rng.choice(WRITERS)(body)
            url = f"{service.url}/access/v1/evaluation"
            headers = {
                "Authorization": f"Bearer {service.token(rng.choice(['pep', 'analyst', 'approver']))}",
                "Content-Type": "application/json",
                "X-Request-ID": "r1",
            }
            answers = []
            for query in ("?general", ""):
                async with service.http.post(url + query, data=text, headers=headers) as response:
                    assert response.headers["X-Request-ID"] == "r1"
                    answers.append((response.status, response.content_type, await response.read()))
            assert answers[0] == answers[1], text
            fast[answers[0][0] == 200] += 1
    assert fast[True] > 30
    assert fast[False] > 30
