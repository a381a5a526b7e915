"""Choke points and cuts against definitions by brute force, and on a real account."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.explore.choke import choke_points
from graphsvc.explore.cut import Cut, cut
from graphsvc.explore.estate_view import view_of
from graphsvc.explore.hop_graph import hop_graph
from graphsvc.explore.naming import wanted
from graphsvc.explore.path import paths
from graphsvc.explore.way_graph import way_graph
from tests.cli.command import graphsvc
from tests.support.requirement import real_data_folder

TARGET = "tier:crown-jewel"
POLICY = load_policy(
    """
graphsvc: 1
pack: {id: rights, version: "1"}
patterns:
  - id: two-halves
    severity: high
    on_match: monitor
    rights:
      all_of: [{right: "half:One"}, {right: "half:Two", on: "$who"}]
      gives: {assume: "$who"}
""",
    "rights.yaml",
)
DENIED = Node(key="permission:no", fields={"actions": ["vault:*"], "resources": ["*"], "effect": "deny"})
PEOPLE = [f"identity:{name}" for name in "abcd"]
GROUPS = ["group:g", "group:h", "role:r"]
PERMISSIONS = [
    Node(key="permission:open", fields={"actions": ["vault:Open"], "resources": ["vault:*"]}),
    Node(key="permission:one", fields={"actions": ["half:One"], "resources": ["*"]}),
    Node(key="permission:two", fields={"actions": ["half:Two"], "resources": ["identity:d"]}),
    Node(key="permission:all", fields={"actions": ["*"], "resources": ["*"]}),
]
NODES = [
    *(Node(key=key, fields={"kind": "service"}) for key in PEOPLE),
    *(Node(key=key) for key in GROUPS),
    *PERMISSIONS,
    Node(key="resource:vault:v", tier="crown-jewel"),
    Node(key="resource:disk:x", tier="low"),
]
Triple = tuple[str, str, str]


@st.composite
def _edges(draw: st.DrawFn) -> list[Edge]:
    holders = st.sampled_from([*PEOPLE, *GROUPS])
    edge = st.one_of(
        st.tuples(st.just("GRANTED"), holders, st.sampled_from([each.key for each in PERMISSIONS])),
        st.tuples(st.just("MEMBER_OF"), st.sampled_from(PEOPLE), st.sampled_from(GROUPS[:2])),
        st.tuples(st.just("HAS_ROLE"), st.sampled_from([*PEOPLE, *GROUPS[:2]]), st.just("role:r")),
        st.tuples(
            st.just("CAN_ASSUME"), st.sampled_from([*PEOPLE, *GROUPS, "identity:*"]), st.sampled_from(PEOPLE)
        ),
    )
    found = draw(st.lists(edge, min_size=1, max_size=9, unique=True))
    return [Edge(type=kind, start=start, end=end) for kind, start, end in found]


def _triples(edges: Iterable[Edge]) -> list[Triple]:
    return [(edge.type, edge.start, edge.end) for edge in edges]


def _reaching(edges: Iterable[Edge]) -> set[str]:
    """Who has a way, by the command's own definition of one."""
    view = view_of(NODES, edges, [POLICY])
    return {who for who in PEOPLE if paths(view, who, wanted(view, TARGET))[0]}


def _cut(edges: list[Edge], **options: Any) -> Cut:
    return cut(
        NODES, edges, [POLICY], lambda view: view.identities(), lambda view: wanted(view, TARGET), **options
    )


def _without(edges: list[Edge], gone: Iterable[Triple]) -> list[Edge]:
    out = set(gone)
    return [edge for edge in edges if (edge.type, edge.start, edge.end) not in out]


@settings(max_examples=120, deadline=None)
@given(_edges())
def test_a_cut_closes_every_way_and_none_is_smaller(edges: list[Edge]) -> None:
    """Every subset with one edge fewer leaves somebody a way; the bound and the proof say the same."""
    found = _cut(edges)
    assert found.removed is not None
    assert found.sources == len(_reaching(edges))
    assert _reaching(_without(edges, found.removed)) == set()
    size = len(found.removed)
    assert (found.proven, found.at_least, found.truncated) == (True, size, False)
    for fewer in combinations(_triples(edges), size - 1) if size else ():
        assert _reaching(_without(edges, fewer))


@settings(max_examples=100, deadline=None)
@given(_edges(), st.data())
def test_with_denials_a_cut_holds_and_the_bound_is_none_too_high(
    edges: list[Edge], data: st.DataObject
) -> None:
    """Taking out a membership may take out a denial; whatever is told then, no set with fewer edges than the bound is a cut."""
    holders = st.sampled_from([*PEOPLE, *GROUPS])
    denials = [
        Edge(type="GRANTED", start=each, end=DENIED.key)
        for each in data.draw(st.lists(holders, min_size=1, max_size=3, unique=True))
    ]
    nodes, every = [*NODES, DENIED], [*edges, *denials]

    def reaching(left: list[Edge]) -> bool:
        view = view_of(nodes, left, [POLICY])
        return any(paths(view, who, wanted(view, TARGET))[0] for who in PEOPLE)

    found = cut(nodes, every, [POLICY], lambda view: view.identities(), lambda view: wanted(view, TARGET))
    assert found.removed is not None
    assert not reaching(_without(every, found.removed))
    assert found.proven == (len(found.removed) <= found.at_least)
    for fewer in combinations(_triples(every), found.at_least - 1) if found.at_least else ():
        assert reaching(_without(every, fewer))


@settings(max_examples=60, deadline=None)
@given(_edges(), st.data())
def test_what_is_pinned_stays(edges: list[Edge], data: st.DataObject) -> None:
    """A cut without the pinned ones, the smallest such; or a way that stands on pinned ones alone."""
    pinned = data.draw(st.lists(st.sampled_from(_triples(edges)), unique=True, max_size=4))
    found = _cut(edges, pinned=pinned)
    free = [each for each in _triples(edges) if each not in pinned]
    sizes = [
        size for size in range(len(free) + 1)
        if any(not _reaching(_without(edges, gone)) for gone in combinations(free, size))
    ]  # fmt: skip
    if found.removed is None:
        assert sizes == []
        assert found.uncut is not None
        return
    assert not set(found.removed) & set(pinned)
    assert sizes
    assert sizes[0] == len(found.removed) == found.at_least


@settings(max_examples=120, deadline=None)
@given(_edges())
def test_choke_points_are_what_nobody_gets_around(edges: list[Edge]) -> None:
    """Counted again by taking each node and each hop out of the graph of hops."""
    view = view_of(NODES, edges, [POLICY])
    graph = hop_graph(view, PEOPLE)
    to = wanted(view, TARGET)

    def reaching(node: str | None, hop: tuple[str, str] | None) -> set[str]:
        found = set()
        for start in PEOPLE:
            seen, queue = {start}, [start]
            for at in queue:
                for each in graph.hops.get(at, ()):
                    blocked = node in (each.end, at) or (at, each.end) == hop
                    if not blocked and each.end not in seen:
                        seen.add(each.end)
                        queue.append(each.end)
            if any(to(each) for each in seen):
                found.add(start)
        return found

    every = reaching(None, None)
    found = choke_points(way_graph(view, PEOPLE), PEOPLE, to, limit=1_000)
    assert found.sources == len(every)
    told = {(each.node, each.start, each.end): each.cuts_off for each in found.points}
    nodes = {node for node in graph.hops if not to(node)}
    lost: dict[tuple[str | None, str | None, str | None], set[str]] = {}
    for node in nodes:
        lost[node, None, None] = every - reaching(node, None) - {node}
    for start, hops in graph.hops.items():
        for hop in hops:
            lost[None, start, hop.end] = every - reaching(None, (start, hop.end))
    assert told == {point: len(gone) for point, gone in lost.items() if gone}
    # How the points hang together: whom one cuts off, the next behind it cuts off too, and everybody is counted once.
    names = [(each.node, each.start, each.end) for each in found.points]
    for point, name in zip(found.points, names, strict=True):
        if point.behind is not None:
            behind = found.points[point.behind]
            assert lost[name] <= lost[names[point.behind]] | {behind.node or ""}
        assert set(point.first_of) <= lost[name] or point.first == 0
    drawn = {each.node or each.start for each in found.points} & every
    assert sum(each.first for each in found.points) + found.around + len(drawn) == len(every)
    least = choke_points(way_graph(view, PEOPLE), PEOPLE, to, least=2)
    assert [each.cuts_off for each in least.points] == [
        each.cuts_off for each in found.points if each.cuts_off > 1
    ]


@settings(max_examples=120, deadline=None)
@given(_edges(), st.data())
def test_a_cut_by_flow_closes_every_way_and_tells_how_small_one_can_be(
    edges: list[Edge], data: st.DataObject
) -> None:
    """Beside the smallest found way by way: never fewer, the bound never above it, and where both meet the same size."""
    pinned = data.draw(st.lists(st.sampled_from(_triples(edges)), unique=True, max_size=2))
    found, smallest = _cut(edges, pinned=pinned, many=0), _cut(edges, pinned=pinned)
    assert (found.removed is None) == (smallest.removed is None)
    assert found.sources == smallest.sources
    if found.removed is None or smallest.removed is None:
        assert found.uncut is not None
        return
    assert _reaching(_without(edges, found.removed)) == set()
    assert not set(found.removed) & set(pinned)
    assert found.at_least <= len(smallest.removed) <= len(found.removed)
    assert found.proven == (found.at_least == len(found.removed))
    assert {way.start for way in found.ways} == {way.start for way in smallest.ways}


@pytest.mark.parametrize("asked", [1, 2, 3])
def test_a_cut_by_flow_that_runs_out_of_time_is_no_cut(asked: int) -> None:
    """However far it came: while ways are collected, before steps are priced, before the flow."""
    edges = [Edge(type="GRANTED", start=key, end="permission:open") for key in PEOPLE[:2]]
    left = iter([False] * (asked - 1))
    found = _cut(edges, many=0, is_over=lambda: next(left, True))
    assert (found.truncated, found.proven, found.removed) == (True, False, ())


def test_a_denial_that_comes_by_a_group_stays() -> None:
    """Taking out a membership would open a way: the cut leaves it, and the ways that there are prove it the smallest."""
    nodes = [*NODES, DENIED]
    edges = [
        Edge(type="GRANTED", start="identity:a", end="permission:open"),
        Edge(type="MEMBER_OF", start="identity:b", end="group:g"),
        Edge(type="GRANTED", start="group:g", end="permission:no"),
        Edge(type="GRANTED", start="identity:b", end="permission:open"),
    ]
    found = cut(nodes, edges, [POLICY], lambda view: view.identities(), lambda view: wanted(view, TARGET))
    assert found.removed == (("GRANTED", "identity:a", "permission:open"),)
    assert (found.proven, found.at_least) == (True, 1)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with the real account."""
    folder = real_data_folder() / "aws"
    store = f"sqlite:///{tmp_path_factory.mktemp('cut') / 'g.db'}"
    managed = str(folder / "managed-policies.jsonl.gz")
    ended = graphsvc(
        "import", "aws", folder / "account-large.json", "--source", "aws", "--managed-policies", managed,
        "--store", store,
    )  # fmt: skip
    assert ended.code == 0
    return store


def test_the_cut_of_a_real_account_is_proven_and_holds(account: str, tmp_path: Path) -> None:
    """25 grants close the ways of 59 identities to everything; taken out of the export, nobody gets there."""
    found = graphsvc("explore", "cut", "--to", "admin", "--format", "json", "--store", account).json()
    assert (found["size"], found["lower_bound"], found["proven"], found["sources"]) == (25, 25, True, 59)
    assert found["truncated"] is False
    assert found["packs"]["aws-escalation"] == "1.2.0"
    gone = {(each["type"], each["from"], each["to"]) for each in found["cut"]}
    graphsvc("export", "jsonl", "-o", tmp_path / "all.jsonl", "--store", account)
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    left = [
        line for line in lines
        if "edge" not in line or (line["edge"]["type"], line["edge"]["from"], line["edge"]["to"]) not in gone
    ]  # fmt: skip
    assert len(lines) - len(left) == 25
    (tmp_path / "less.jsonl").write_text("".join(json.dumps(line) + "\n" for line in left))
    less = f"sqlite:///{tmp_path / 'less.db'}"
    graphsvc("import", "jsonl", tmp_path / "less.jsonl", "--source", "aws", "--store", less)
    nobody = graphsvc("explore", "choke-points", "--to", "admin", "--store", less)
    assert (nobody.code, nobody.out) == (1, "nobody gets there\n")
    over = graphsvc("explore", "cut", "--to", "admin", "--budget", "24", "--store", account)
    assert over.code == 1
    assert "more than the budget of 24" in over.out


def test_one_role_of_a_real_account_is_where_most_ways_meet(account: str) -> None:
    """The role that services run as in that account."""
    found = graphsvc("explore", "choke-points", "--format", "json", "--limit", "3", "--store", account).json()
    first = found["choke_points"][0]
    assert first["point"] == "arn:aws:iam::200611803367:role/privesc-high-priv-service-role"
    assert (first["kind"], first["cuts_off"], found["sources"], found["truncated"]) == (
        "identity",
        20,
        59,
        True,
    )
    wrong = graphsvc("explore", "choke-points", "--to", "tier:none", "--store", account)
    assert (wrong.code, "no resource has the tier" in wrong.error) == (2, True)
    missing = graphsvc("explore", "cut", "--pin", "identity:x -GRANTED-> permission:y", "--store", account)
    assert (missing.code, "there is no edge" in missing.error) == (2, True)


def test_a_real_account_is_drawn(account: str) -> None:
    """Choke points and a blast radius are pictures; where there is none, the error says who has one."""
    drawn = graphsvc("explore", "choke-points", "--format", "svg", "--store", account).out
    assert "20 identities, such as role" in drawn
    assert "35 identities pass none of these points" in drawn
    start = "arn:aws:iam::200611803367:role/privesc-AssumeRole-starting-role"
    radius = graphsvc("explore", "blast-radius", "--from", start, "--format", "dot", "--store", account).out
    assert radius.startswith('digraph "What role privesc-AssumeRole-starting-role can become or touch')
    plain = graphsvc("explore", "unused", "--format", "svg", "--store", account)
    assert (plain.code, "there is no picture of this" in plain.err) == (2, True)
