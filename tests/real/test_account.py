"""Real AWS accounts into every durable store: every fact drawn, and the export gives the same graph back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from graphsvc.core.graph import to_records
from graphsvc.decide.command import Caller
from graphsvc.importers import aws, graph_jsonl
from graphsvc.store.memory import open_memory
from tests.real.playing import whole_service
from tests.store.conftest import Opener

pytestmark = [pytest.mark.anyio, pytest.mark.real_data]

_ADMIN = Caller(subject="admin", roles=frozenset({"admin"}))
_LABELS = {"identity": "Identity", "group": "Group", "permission": "Permission", "resource": "Resource"}


@pytest.mark.parametrize("name", ["account-small.json", "account-large.json"])
async def test_account_is_drawn_and_comes_back(
    reopen: Opener, name: str, real_data: Path, tmp_path: Path
) -> None:
    """What is drawn has as many nodes and edges of each kind as the import; export and import are inverse."""
    estate = aws.read((real_data / "aws" / name).read_bytes(), name)
    records = to_records(estate.nodes, estate.edges)
    async with whole_service(await reopen(), tmp_path / "state") as played:
        await played.admin.upsert_graph("aws", records, replace=True)
        await played.service.wait_drawn()
        drawn = await played.store.count()
        exported = list(graph_jsonl.write(*played.service.facts()))
    nodes = Counter(_LABELS[node.kind] for node in estate.nodes)
    edges = Counter(edge.type for edge in estate.edges)
    assert {label: drawn.get(label, 0) for label in nodes} == nodes
    assert {kind: drawn.get(kind, 0) for kind in edges} == edges
    again = graph_jsonl.read(exported, "export.jsonl")
    async with whole_service(await open_memory(), tmp_path / "state") as played:
        await played.service.load_graph(_ADMIN, "again", again.nodes, again.edges, replace=True)
        assert list(graph_jsonl.write(*played.service.facts())) == exported
