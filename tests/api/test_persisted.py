"""Persisted documents: asked for by name, and where only listed ones are answered, all others are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from graphql import parse, validate

from graphsvc.api.persisted import PersistedDocuments, document_id, own_documents, read_documents
from graphsvc.api.schema.build import build_schema
from graphsvc.client.sent import SENT
from graphsvc.errors import SettingsError
from tests.api.served import PROTOCOL, Served, request, served

pytestmark = pytest.mark.anyio
PATTERNS = "{ patterns { id } }"
DECIDE = "mutation($v: DecideInput!) { decide(input: $v) { ... on Decision { verdict } } }"


async def _ask(service: Served, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {service.token('admin')}"}
    async with service.http.post(f"{service.url}/graphql", json=body, headers=headers) as response:
        assert response.status == 200
        return await response.json()


def _code(answer: Any) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


async def test_a_document_is_asked_for_by_name() -> None:
    """By its given name or its hash, planned or not; an unknown name and two different documents are refused."""
    documents = PersistedDocuments({"all-patterns": PATTERNS, "decide": DECIDE})
    async with served(documents=documents) as service:
        for name in ("all-patterns", document_id(PATTERNS)):
            assert (await _ask(service, documentId=name))["data"]["patterns"]
        for number in range(2):
            asked = {"v": {**request(), "idempotencyKey": f"k{number}"}}
            answer = await _ask(service, documentId="decide", variables=asked)
            assert answer == {"data": {"decide": {"verdict": "PERMIT"}}}
        assert _code(await _ask(service, documentId="nobody")) == "document_unknown"
        assert _code(await _ask(service, documentId="nobody", variables={"v": 1})) == "document_unknown"
        assert _code(await _ask(service, documentId="decide", query=PATTERNS)) == "invalid_request"
        assert (await _ask(service, query=PATTERNS))["data"]["patterns"]


async def test_only_listed_documents_are_answered() -> None:
    """Whatever the way: over POST, by the hot path, as events, over a socket."""
    async with served(documents=PersistedDocuments({"p": PATTERNS}, only=True)) as service:
        assert (await _ask(service, query=PATTERNS))["data"]["patterns"]
        assert _code(await _ask(service, query=PATTERNS + " ")) == "document_not_listed"
        asked = {"v": {**request(), "idempotencyKey": "k"}}
        assert _code(await _ask(service, query=DECIDE, variables=asked)) == "document_not_listed"
        token = service.token("admin")
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        body = {"query": "subscription { decisions { __typename } }"}
        async with service.http.post(f"{service.url}/graphql", json=body, headers=headers) as response:
            assert "document_not_listed" in await response.text()
        async with service.http.ws_connect(f"{service.url}/graphql", protocols=(PROTOCOL,)) as ws:
            await ws.send_json({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
            await ws.receive_json(timeout=5)
            await ws.send_json({"id": "1", "type": "subscribe", "payload": body})
            message = await ws.receive_json(timeout=5)
            assert message["payload"][0]["extensions"]["code"] == "document_not_listed"
            await ws.send_json({"id": "2", "type": "subscribe", "payload": {"documentId": "p"}})
            assert (await ws.receive_json(timeout=5))["payload"]["data"]["patterns"]


async def test_our_own_clients_are_listed() -> None:
    """What the client and the dashboard send is valid, and answered where nothing else is."""
    own = own_documents(SENT)
    schema = build_schema()._schema
    texts = set(own.values())
    assert len(own) > 80
    assert {"policyTrials", "suspensions", "findingRegister"} <= {
        text.split()[1] for text in texts if text.startswith("{")
    }
    for text in own.values():
        assert validate(schema, parse(text)) == [], text
    async with served(documents=PersistedDocuments(own, only=True)) as service, service.client() as client:
        assert (await client.decide(request())).permitted
        async with service.client("approver", subject="dana") as dana:
            assert await dana.suspensions() == []
            assert await dana.finding_register() == []


def test_files_of_documents(tmp_path: Path) -> None:
    """An object of texts by id; anything else says what is wrong."""
    file = tmp_path / "documents.json"
    file.write_text(json.dumps({"a": PATTERNS}))
    assert read_documents(file) == {"a": PATTERNS}
    for text in ("[", "[]", '{"a": 1}'):
        file.write_text(text)
        with pytest.raises(SettingsError, match="documents"):
            read_documents(file)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_documents(tmp_path / "nowhere.json")
