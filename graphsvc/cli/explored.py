"""What `graphsvc explore` asks and prints: the estate with its packs, and answers as records and rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from graphsvc.cli.budget import Budget
from graphsvc.cli.collector import set_aside
from graphsvc.cli.option import Place
from graphsvc.cli.output import warn
from graphsvc.cli.session import Admin, run_admin
from graphsvc.core.governing import FindingRegistered
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.document import Policy
from graphsvc.core.policy.load import load_policy
from graphsvc.core.value import Json
from graphsvc.explore.combination import Combination
from graphsvc.explore.estate_view import EstateView, view_of
from graphsvc.explore.path import Hop, Reached
from graphsvc.explore.path import Path as Way
from graphsvc.packs import RIGHTS_PACKS, pack_file, pack_text

__all__ = [
    "blast_rows", "combination_record", "combination_rows", "indexed", "look", "look_agreed", "path_record", "read_estate", "told",
]  # fmt: skip

_READING = "reading the graph"
# Nodes, edges, packs, and the revision of the graph.
Estate: TypeAlias = tuple[list[Node], list[Edge], Sequence[Policy], str]


def look(policies: Sequence[Path] | None, at: Place, budget: Budget) -> tuple[EstateView, str]:
    """The estate of a store with packs from files, else those in force and the shipped ones about rights."""
    nodes, edges, chosen, revision = read_estate(policies, at, budget)
    return indexed(nodes, edges, chosen, budget), revision


def look_agreed(
    policies: Sequence[Path] | None, at: Place, budget: Budget
) -> tuple[EstateView, str, list[FindingRegistered]]:
    """The same, and what is agreed about findings there, newest first."""

    async def read(admin: Admin) -> tuple[Estate, list[FindingRegistered]]:
        return await _estate(policies, admin), await admin.register()

    with budget.holds(_READING):
        (nodes, edges, chosen, revision), agreed = run_admin(read, at, create=False)
    return indexed(nodes, edges, chosen, budget), revision, agreed


def read_estate(policies: Sequence[Path] | None, at: Place, budget: Budget) -> Estate:
    """The same, not indexed: nodes, edges, packs and the revision of the graph."""
    with budget.holds(_READING):
        estate = run_admin(lambda admin: _estate(policies, admin), at, create=False)
    set_aside()
    return estate


def indexed(
    nodes: Sequence[Node], edges: Sequence[Edge], policies: Sequence[Policy], budget: Budget
) -> EstateView:
    """The index of an estate that was read."""
    with budget.holds("indexing the graph"):
        view = view_of(nodes, edges, policies)
    set_aside()
    return view


async def _estate(policies: Sequence[Path] | None, admin: Admin) -> Estate:
    nodes, edges = await admin.facts()
    if not nodes:
        warn("the graph is empty, so nothing can be found in it; `graphsvc import` brings an estate")
    texts, revision = await admin.packs()
    if policies:
        from graphsvc.cli.file import read_policies

        return nodes, edges, read_policies(policies), revision
    chosen = [load_policy(text, file) for text, file in texts]
    known = {policy.pack.id for policy in chosen}
    shipped = [load_policy(pack_text(name), pack_file(name)) for name in RIGHTS_PACKS]
    return nodes, edges, [*chosen, *(policy for policy in shipped if policy.pack.id not in known)], revision


def combination_record(found: Combination) -> dict[str, Json]:
    """The JSON of one combination."""
    record: dict[str, Json] = {
        "identity": found.identity,
        "pattern": found.pattern,
        "title": found.title,
        "severity": found.severity,
        "certainty": found.certainty,
        "permissions": [
            {
                "right": held.right,
                "on": held.on.partition(":")[2] if held.on is not None else None,
                "permission": held.permission,
                "via": [{"type": kind, "from": start, "to": end} for kind, start, end in held.via],
                "conditions": list(held.conditions),
            }
            for held in found.permissions
        ],
    }
    if found.gives is not None:
        record["gives"] = {found.gives: list(found.values) or True}
    return record


def combination_rows(found: Sequence[Combination]) -> list[dict[str, Json]]:
    """Rows for people: identities that hold the same are one row."""
    groups: dict[tuple[str, str, str, str], list[str]] = {}
    titles = {each.pattern: each.title for each in found}
    for each in found:
        gives = each.gives or ""
        if each.values:
            gives += f" {each.values[0]}" if len(each.values) == 1 else f" {len(each.values)} identities"
        groups.setdefault((each.severity, each.pattern, gives, each.certainty), []).append(each.identity)
    return [
        {
            "severity": severity,
            "pattern": pattern,
            "gives": gives,
            "certainty": certainty,
            "identities": len(identities),
            "such as": identities[0],
            "what": titles[pattern],
        }
        for (severity, pattern, gives, certainty), identities in sorted(
            groups.items(),
            key=lambda item: (_rank(item[0][0]), item[0][3] != "yes", -len(item[1]), item[0][1]),
        )
    ]


def path_record(path: Way) -> dict[str, Json]:
    """The JSON of one path."""
    return {"from": _name(path.start), "to": _name(path.end), "hops": [_hop_record(hop) for hop in path.hops]}


def told(path: Way) -> str:
    """A path as people read it."""
    text = _name(path.start)
    for hop in path.hops:
        why = hop.how if hop.pattern is None else f"{hop.pattern}: {' + '.join(hop.rights)}"
        doubt = f", if {'; '.join(hop.conditions)}" if hop.conditions else ""
        text += f"\n     -> {_name(hop.end)}  ({why}{doubt})"
    return text


def blast_rows(view: EstateView, reached: Reached, start: str) -> list[dict[str, Json]]:
    """What is reached, nearest first."""
    rows: list[dict[str, Json]] = []
    for node in reached.came:
        if node == start:
            continue
        path = reached.path_to(node)
        found = view.estate.node(node)
        kinds = Counter(hop.certainty for hop in path.hops)
        rows.append(
            {
                "node": _name(node),
                "kind": node.partition(":")[0],
                "tier": found.tier if found is not None else None,
                "hops": len(path.hops),
                "how": path.hops[-1].how,
                "certainty": "unknown" if kinds["unknown"] else "yes",
            }
        )
    return sorted(rows, key=lambda row: (int(str(row["hops"])), str(row["node"])))


def _hop_record(hop: Hop) -> dict[str, Json]:
    record: dict[str, Json] = {"from": _name(hop.start), "to": _name(hop.end), "how": hop.how}
    if hop.pattern is not None:
        record["pattern"] = hop.pattern
    record["rights"] = list(hop.rights)
    record["conditions"] = list(hop.conditions)
    record["certainty"] = hop.certainty
    return record


def _rank(severity: str) -> int:
    return ("critical", "high", "medium", "low").index(severity)


def _name(key: str) -> str:
    return key.removeprefix("identity:")
