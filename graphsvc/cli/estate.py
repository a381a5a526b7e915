"""A permission graph from files, a store or a service, for commands that look at one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphsvc.cli.file import read_bytes
from graphsvc.cli.option import Place
from graphsvc.core.estate import Estate
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.lint import Finding
from graphsvc.importers import graph_jsonl

__all__ = ["lint_estate", "read_graphs"]


def read_graphs(paths: Iterable[str]) -> tuple[list[Node], list[Edge]]:
    """The facts of graph files; BadInput names what is wrong."""
    nodes: list[Node] = []
    edges: list[Edge] = []
    for path in paths:
        imported = graph_jsonl.read(read_bytes(path), path, known=lambda _key: True)
        nodes += imported.nodes
        edges += imported.edges
    return nodes, edges


def lint_estate(
    policies: Sequence[Policy],
    graphs: Iterable[str],
    at: Place,
) -> list[Finding]:
    """Steps that nobody may do by the graph of these files, and of a store or service where one is named."""
    from graphsvc.cli.session import run_admin
    from graphsvc.core.policy.feasible import impossible_steps
    from graphsvc.core.rights import Rights

    nodes, edges = read_graphs(graphs)
    if at.store is not None or at.server is not None:
        more_nodes, more_edges = run_admin(lambda admin: admin.facts(), at)
        nodes += more_nodes
        edges += more_edges
    estate = Estate()
    estate.load("graph", nodes, edges, replace=True)
    return impossible_steps(policies, estate, Rights(estate))
