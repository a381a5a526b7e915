"""What an import would change: laws of the difference."""

from __future__ import annotations

from hypothesis import given

from graphsvc.core.estate import Estate
from graphsvc.core.graph import Edge, Node
from graphsvc.importers.difference import difference
from tests.importers.sample import graphs

Graph = tuple[list[Node], list[Edge]]


@given(graphs())
def test_a_graph_differs_from_itself_in_nothing(graph: Graph) -> None:
    """The same facts in another order are no change."""
    turned = list(reversed(graph[0])), list(reversed(graph[1]))
    found = difference(graph, turned, replace=True)
    assert {*found.nodes.added, *found.nodes.changed, *found.nodes.removed} == set()
    assert {*found.edges.added, *found.edges.changed, *found.edges.removed} == set()


@given(graphs(), graphs())
def test_the_difference_is_what_the_store_does(before: Graph, after: Graph) -> None:
    """Added, changed and removed are exactly what differs between the source before and after a load."""
    for replace in (True, False):
        estate = Estate()
        estate.load("s", *before, replace=True)
        old = dict(estate.facts()["s"][0])
        estate.load("s", *after, replace=replace)
        new = dict(estate.facts()["s"][0])
        found = difference(before, after, replace=replace).nodes
        assert set(found.added) == new.keys() - old.keys()
        assert set(found.removed) == old.keys() - new.keys()
        assert set(found.changed) == {key for key in new.keys() & old.keys() if new[key] != old[key]}
