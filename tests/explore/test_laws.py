"""Laws of static questions, on estates at random without denials, caps and conditions."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphsvc.core.graph import Edge, Node
from graphsvc.errors import BadInput
from graphsvc.explore.combination import combinations
from graphsvc.explore.cut import cut
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.naming import identity_named
from graphsvc.explore.path import blast_radius
from graphsvc.explore.what_if import asked_of, what_if
from tests.explore.generated import PACK, estate, grant

seeds = st.integers(0, 2**32)


def _view(nodes: list[Node], edges: list[Edge]) -> EstateView:
    return view_of(nodes, edges, [PACK])


def _reached(view: EstateView) -> set[tuple[str, str]]:
    return {(start, end) for start in view.identities() for end in blast_radius(view, start).came}


def _combined(view: EstateView) -> set[tuple[str, str]]:
    every = combinations(view, view.identities(), everything=True)
    return {(each.identity, each.pattern) for each in every}


@given(seeds, seeds)
@settings(max_examples=20, deadline=None)
def test_adding_a_grant_never_removes_a_path(seed: int, more: int) -> None:
    """Nor a combination: without denials rights only add up."""
    nodes, edges = estate(seed)
    before, after = _view(nodes, edges), _view(nodes, [*edges, grant(more)])
    assert _reached(before) <= _reached(after)
    assert _combined(before) <= _combined(after)


@given(seeds)
@settings(max_examples=8, deadline=None)
def test_removing_every_grant_of_a_cut_removes_every_path(seed: int) -> None:
    """And one grant fewer leaves a way: no smaller part of the cut is a cut."""
    nodes, edges = estate(seed)

    def jewels(view: EstateView) -> set[str]:
        return {node.key for node in view.estate.nodes() if node.tier == "crown-jewel"}

    def ways(gone: set[tuple[str, str, str]]) -> list[str]:
        left = [each for each in edges if (each.type, each.start, each.end) not in gone]
        view = _view(nodes, left)
        wanted = jewels(view)
        return [start for start in view.identities() if wanted & blast_radius(view, start).came.keys()]

    found = cut(nodes, edges, [PACK], EstateView.identities, lambda view: jewels(view).__contains__)
    assert found.removed is not None
    assert found.proven
    assert ways(set(found.removed)) == []
    for kept in found.removed:
        assert ways(set(found.removed) - {kept})


@given(seeds)
@settings(max_examples=12, deadline=None)
def test_each_minimal_combination_is_minimal(seed: int) -> None:
    """Without any one of the rights that it lists, whoever gives it, the same identity no longer has it."""
    nodes, edges = estate(seed)
    for found in combinations(_view(nodes, edges), [f"identity:p{number}" for number in range(6)]):
        for held in found.permissions:
            view = _view([_without(node, held.right) for node in nodes], edges)
            assert (found.identity, found.pattern) not in _combined(view)


@given(seeds)
@settings(max_examples=12, deadline=None)
def test_what_a_counterfactual_grant_would_undo_is_undone(seed: int) -> None:
    """A grant that `what_if` says a combination vanishes with is one without which it is not found."""
    nodes, edges = estate(seed)
    grants = [each for each in edges if each.type == "GRANTED"]
    taken = random.Random(seed).choice(grants)
    told = what_if(nodes, edges, [PACK], remove=[taken])
    before, after = _view(nodes, edges), _view(nodes, [each for each in edges if each is not taken])
    gone = {(each.identity, each.pattern) for each in told.vanishes}
    assert _combined(before) - _combined(after) <= gone
    assert not told.appears


@given(seeds, seeds)
@settings(max_examples=20, deadline=None)
def test_a_question_of_change_is_answered_as_by_two_estates(seed: int, more: int) -> None:
    """One edge more and one fewer of any kind, asked of one view twice: the same answer, and the view is as it was."""
    nodes, edges = estate(seed)
    view, added = _view(nodes, edges), grant(more)
    taken = random.Random(more).choice(edges)
    before = _combined(view)
    first, again = (asked_of(view, add=[added], remove=[taken]) for _ in range(2))
    assert first == again
    assert _combined(view) == before
    after = _combined(_view(nodes, [*(each for each in edges if each is not taken), added]))
    assert {(each.identity, each.pattern) for each in first.appears} >= after - before
    assert {(each.identity, each.pattern) for each in first.vanishes} >= before - after
    named = {(each.identity, each.pattern) for each in (*first.appears, *first.vanishes)}
    assert named <= before | after


@given(seeds, st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_shuffled_facts_give_the_same_answers(seed: int, shuffler: random.Random) -> None:
    nodes, edges = estate(seed)
    mixed_nodes, mixed_edges = list(nodes), list(edges)
    shuffler.shuffle(mixed_nodes)
    shuffler.shuffle(mixed_edges)
    before, after = _view(nodes, edges), _view(mixed_nodes, mixed_edges)
    assert _reached(before) == _reached(after)
    assert _combined(before) == _combined(after)


def test_an_edge_to_nothing_is_no_question() -> None:
    """What would a permission give that nobody wrote? The error names what may have been meant."""
    nodes, edges = estate(1)
    wrong = Edge(type="GRANTED", start="identity:p1", end="permission:x")
    with pytest.raises(
        BadInput, match=r"no node `permission:x` in the graph; did you mean `permission:x0` or"
    ):
        what_if(nodes, edges, [PACK], add=[wrong])


def test_a_part_of_a_name_is_told_whom_it_may_mean() -> None:
    view = _view(*estate(1))
    with pytest.raises(BadInput, match=r"did you mean `p0` or `p1` or `p2`\?"):
        identity_named(view, "user/P")


def _without(node: Node, action: str) -> Node:
    if node.kind != "permission":
        return node
    listed = node.fields["actions"]
    left = [each for each in listed if each != action] if isinstance(listed, list) else []
    return Node(key=node.key, fields={**node.fields, "actions": left})
