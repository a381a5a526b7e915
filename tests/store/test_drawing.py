"""Drawing and the history read from it behave the same on every store."""

from __future__ import annotations

import asyncio

import pytest

from graphsvc.decide.ports import ChainQuery, DecisionQuery, EdgeStroke, NodeStroke, Store, Strokes
from graphsvc.errors import BadInput
from tests.store.conftest import Opener
from tests.store.example import chain, decision, properties_drawn, two_actions, write

pytestmark = pytest.mark.anyio


async def test_strokes_become_nodes_and_edges(store: Store) -> None:
    """Drawing moves the cursor and makes the nodes and edges."""
    assert await store.drawn() == 0
    assert await store.draw(two_actions(), expected=0, drawn=2)
    assert await store.drawn() == 2
    assert await store.count() == {"Action": 2, "NEXT": 1}


async def test_drawing_twice_gives_the_same_graph(store: Store) -> None:
    """The same strokes again change nothing but the cursor."""
    await store.draw(two_actions(), expected=0, drawn=2)
    assert await store.draw(two_actions(), expected=2, drawn=2)
    assert await store.count() == {"Action": 2, "NEXT": 1}


async def test_a_slower_projector_draws_nothing(store: Store) -> None:
    """Strokes for a cursor that has moved on leave no trace."""
    await store.draw(Strokes(), expected=0, drawn=5)
    assert not await store.draw(two_actions(), expected=0, drawn=2)
    assert (await store.drawn(), await store.count()) == (5, {})


async def test_one_of_racing_projectors_wins(store: Store) -> None:
    """Of six projectors that draw the same step at once exactly one does, each round."""
    for step in range(5):
        won = await asyncio.gather(
            *(store.draw(two_actions(), expected=step, drawn=step + 1) for _ in range(6))
        )
        assert won.count(True) == 1
    assert await store.count() == {"Action": 2, "NEXT": 1}


async def test_a_stroke_that_cannot_be_drawn_draws_nothing(store: Store) -> None:
    """A reserved label, a nested value or NaN is BadInput; neither graph nor cursor changes."""
    for bad in (
        NodeStroke("Log", "x", {}),
        NodeStroke("Entity", "x", {}),
        NodeStroke("Not a label", "x", {}),
        NodeStroke("Action", "x", {"key": "y"}),
        NodeStroke("Action", "x", {"risk": float("nan")}),
        NodeStroke("Action", "x", {"much": 2**63}),
    ):
        strokes = Strokes(nodes=[*two_actions().nodes, bad])
        with pytest.raises(BadInput):
            await store.draw(strokes, expected=0, drawn=1)
    assert (await store.drawn(), await store.count()) == (0, {})


async def test_an_edge_without_both_ends_is_skipped(store: Store) -> None:
    """An edge to a node that is not drawn is left out; the rest is drawn."""
    strokes = two_actions()
    strokes.edges.append(EdgeStroke("BY", "action:a1", "identity:nobody"))
    assert await store.draw(strokes, expected=0, drawn=1)
    assert await store.count() == {"Action": 2, "NEXT": 1}


async def test_edges_and_nodes_go_away(store: Store) -> None:
    """A removed edge leaves its ends; a removed node takes its edges with it; what is not there is no error."""
    await store.draw(two_actions(), expected=0, drawn=1)
    removed = ("NEXT", "action:a1", "action:a2")
    await store.draw(Strokes(removed_edges=[removed, removed]), expected=1, drawn=2)
    assert await store.count() == {"Action": 2}
    await store.draw(two_actions(), expected=2, drawn=3)
    await store.draw(Strokes(removed_nodes=["action:a2", "action:none"]), expected=3, drawn=4)
    assert await store.count() == {"Action": 1}


async def test_edges_of_different_types_stand_beside_each_other(store: Store) -> None:
    """Two nodes may be joined by several types, in both directions, each drawn once."""
    strokes = two_actions()
    strokes.edges += [
        EdgeStroke("FED", "action:a1", "action:a2"),
        EdgeStroke("FED", "action:a2", "action:a1"),
    ] * 2
    await store.draw(strokes, expected=0, drawn=1)
    assert await store.count() == {"Action": 2, "NEXT": 1, "FED": 2}


async def test_none_removes_a_property(store: Store) -> None:
    """A later stroke sets what it names, removes what is None and leaves the rest."""
    await store.draw(Strokes(nodes=[chain(1, parent="c0")]), expected=0, drawn=1)
    update = NodeStroke("Chain", "chain:c1", {"parent": None, "length": 9})
    await store.draw(Strokes(nodes=[update]), expected=1, drawn=2)
    row = await store.chain("c1")
    assert row is not None
    assert (row.parent, row.length, row.session) == (None, 9, "s1")


@pytest.mark.parametrize("together", [False, True])
async def test_a_whole_stroke_takes_away_what_it_does_not_name(store: Store, together: bool) -> None:
    """What an import no longer says goes, in one step or two; a suspension, which is not the import's, stays."""
    first = Strokes(
        nodes=[
            NodeStroke("Identity", "identity:a", {"id": "a", "mfa": True, "team": "red"}, whole=True),
            NodeStroke("Identity", "identity:a", {"suspended": True, "suspended_reason": "lost"}),
            NodeStroke("Group", "group:g", {"id": "g"}, whole=True),
        ],
        edges=[EdgeStroke("MEMBER_OF", "identity:a", "group:g", {"since": "May", "by": "hr"}, whole=True)],
    )
    again = Strokes(
        nodes=[NodeStroke("Identity", "identity:a", {"id": "a", "team": "blue"}, whole=True)],
        edges=[EdgeStroke("MEMBER_OF", "identity:a", "group:g", {"by": "it"}, whole=True)],
    )
    if together:
        both = Strokes(nodes=first.nodes + again.nodes, edges=first.edges + again.edges)
        await store.draw(both, expected=0, drawn=2)
    else:
        await store.draw(first, expected=0, drawn=1)
        await store.draw(again, expected=1, drawn=2)
    left = await properties_drawn(store, "identity:a")
    assert left["suspended"] is True
    assert left == {
        "id": "a", "team": "blue", "suspended": True, "suspended_reason": "lost",
    }  # fmt: skip
    assert await properties_drawn(store, "identity:a", "MEMBER_OF", "group:g") == {"by": "it"}


async def test_a_large_step_is_one_step(store: Store) -> None:
    """Twelve thousand strokes are drawn together with the cursor."""
    nodes = [NodeStroke("Resource", f"resource:file:{number}", {"tier": "low"}) for number in range(6_000)]
    edges = [EdgeStroke("CONTAINS", nodes[0].key, node.key) for node in nodes[1:]]
    assert await store.draw(Strokes(nodes=nodes, edges=edges), expected=0, drawn=1)
    assert await store.count() == {"Resource": 6_000, "CONTAINS": 5_999}


async def test_the_drawing_is_kept(reopen: Opener) -> None:
    """A store that is opened again has its graph and its cursor."""
    store = await reopen()
    await write(store, "a", "s:1", count=2)
    await store.draw(two_actions(), expected=0, drawn=2)
    await store.close()
    again = await reopen()
    try:
        assert (await again.drawn(), await again.count()) == (2, {"Action": 2, "NEXT": 1})
    finally:
        await again.close()


async def test_a_decision_is_found_by_id(store: Store) -> None:
    """A drawn decision comes back with its number and its record; an unknown id is None."""
    await store.draw(Strokes(nodes=[decision(3, body='{"é":1}')]), expected=0, drawn=3)
    row = await store.decision("d3")
    assert row is not None
    assert (row.seq, row.body) == (3, '{"é":1}'.encode())
    assert await store.decision("d4") is None


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (DecisionQuery(), [8, 7, 6, 5, 4, 3, 2, 1]),
        (DecisionQuery(ascending=True, limit=3), [1, 2, 3]),
        (DecisionQuery(before=6, limit=2), [5, 4]),
        (DecisionQuery(after=6), [8, 7]),
        (DecisionQuery(after=2, before=5, ascending=True), [3, 4]),
        (DecisionQuery(subject="bob"), [6, 3]),
        (DecisionQuery(subject="bob", ascending=True), [3, 6]),
        (DecisionQuery(verdict="DENY"), [8, 4]),
        (DecisionQuery(verdict="DENY", ascending=True, after=4), [8]),
        (DecisionQuery(pattern="leak"), [8, 5]),
        (DecisionQuery(pattern="leak", verdict="DENY"), [8]),
        (DecisionQuery(chain="c2"), [7, 2]),
        (DecisionQuery(chain="c2", ascending=True), [2, 7]),
        (DecisionQuery(chain="c2", subject="bob"), []),
        (DecisionQuery(from_ms=3_000, to_ms=5_000), [4, 3]),
        (DecisionQuery(subject="nobody"), []),
        (DecisionQuery(subject="alice", chain="c1", verdict="PERMIT", from_ms=2_000, limit=1), [5]),
    ],
)
async def test_decisions_are_paged_and_filtered(
    store: Store, query: DecisionQuery, expected: list[int]
) -> None:
    """Every filter given holds, the order is that of the log, from_ms is inclusive and to_ms exclusive."""
    strokes = Strokes(
        nodes=[
            decision(1),
            decision(2, chain="c2"),
            decision(3, subject="bob"),
            decision(4, verdict="DENY"),
            decision(5, patterns=["leak", "other"]),
            decision(6, subject="bob", patterns=["other"]),
            decision(7, chain="c2"),
            decision(8, verdict="DENY", patterns=["leak"]),
        ]
    )
    await store.draw(strokes, expected=0, drawn=8)
    assert [row.seq for row in await store.decisions(query)] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (ChainQuery(), [4, 3, 2, 1]),
        (ChainQuery(limit=2), [4, 3]),
        (ChainQuery(before=3), [2, 1]),
        (ChainQuery(after=2), [4, 3]),
        (ChainQuery(ascending=True, limit=2), [1, 2]),
        (ChainQuery(after=1, before=4, ascending=True), [2, 3]),
        (ChainQuery(session="s1", ascending=True), [1, 3, 4]),
        (ChainQuery(status="open", ascending=True, after=1), [2, 4]),
        (ChainQuery(owner="gateway", ascending=True, limit=1), [1]),
        (ChainQuery(session="s2"), [2]),
        (ChainQuery(status="closed"), [3]),
        (ChainQuery(owner="other"), [4]),
        (ChainQuery(owner="gateway", session="s1", status="open"), [1]),
    ],
)
async def test_chains_are_paged_and_filtered(store: Store, query: ChainQuery, expected: list[int]) -> None:
    """Every filter given holds; the newest chain comes first."""
    nodes = [chain(1), chain(2, session="s2"), chain(3, status="closed"), chain(4, owner="other")]
    await store.draw(Strokes(nodes=nodes), expected=0, drawn=4)
    assert [row.seq for row in await store.chains(query)] == expected


async def test_a_pattern_taken_back_is_not_found(store: Store) -> None:
    """A decision is found by the patterns that it names now."""
    await store.draw(Strokes(nodes=[decision(1, patterns=["leak"])]), expected=0, drawn=1)
    await store.draw(Strokes(nodes=[decision(1, patterns=["other"])]), expected=1, drawn=2)
    assert not await store.decisions(DecisionQuery(pattern="leak"))
    assert len(await store.decisions(DecisionQuery(pattern="other"))) == 1
