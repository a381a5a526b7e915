"""What an architect sees in Neo4j after a chain was stopped, by the documented example queries."""

from __future__ import annotations

from typing import Any

import pytest

import graphsvc
from graphsvc.core.verdict import Verdict
from graphsvc.store.neo4j import open_neo4j
from tests.service.harness import serving
from tests.store.conftest import neo4j_address
from tests.support.neo4j_server import Neo4jServer

pytestmark = [pytest.mark.anyio, pytest.mark.neo4j]


def _ask(server: Neo4jServer, example: str, **values: Any) -> list[dict[str, Any]]:
    text = (graphsvc.cypher_root() / "examples" / f"{example}.cypher").read_text(encoding="utf-8")
    with server.driver() as driver, driver.session(database=server.database) as session:
        return session.run(text, values).data()


async def test_architect_sees_chain_actions_decision_and_pattern(fresh_neo4j: Neo4jServer) -> None:
    """The chain's actions in order, the DENY that stopped it, and the completed pattern with its path."""
    store = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    async with serving(store) as harness:
        await harness.prepare()
        await harness.act("mail:Read", on_behalf_of=("alice",))
        await harness.act("crm:Read", "record:42", on_behalf_of=("alice",))
        last = await harness.act("mail:Send", on_behalf_of=("alice",), to="eve@example.org")
        assert last.verdict is Verdict.DENY
        await harness.service.wait_drawn()
    await store.close()

    story = _ask(fresh_neo4j, "chain_story", chain="c1")
    assert [row["verdict"] for row in story] == ["PERMIT", "PERMIT", "DENY"]
    completed = _ask(fresh_neo4j, "completed_paths", limit=50)
    assert [row["path"] for row in completed] == [["mail:Read", "crm:Read", "mail:Send"]]
    acted = _ask(fresh_neo4j, "acting_for", person="alice", limit=50)
    assert {row["agent"] for row in acted} == {"bot"}
    assert len(_ask(fresh_neo4j, "stopped_critical", severity="critical", limit=50)) == 1


async def test_restart_on_neo4j_is_identical(fresh_neo4j: Neo4jServer) -> None:
    """A service that folds Neo4j's log again stands exactly where the first one stood."""
    store = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    async with serving(store) as harness:
        await harness.prepare()
        await harness.act("mail:Read")
        before = harness.service.world
    await store.close()
    again = await open_neo4j(neo4j_address(fresh_neo4j), fresh_neo4j.password)
    async with serving(again, name="b") as harness:
        assert harness.service.world.cells == before.cells
        assert harness.service.revision().startswith(again.incarnation)
        assert harness.service.world.estate.version == before.estate.version
    await again.close()
