"""Static questions of a large estate and of a real account: seconds of CPU time and memory, each beside plain networkx.

Every side runs in a process of its own. networkx has the same nodes and edges and answers what comes nearest by its own algorithms:
`descendants` for a blast radius, sets of actions over `descendants` for combinations, `immediate_dominators` for choke points; a
smallest set of grants that hang together has no like there. It knows no conditions, denials, wildcards or variables of rules, and its answers carry no reasons.

python -m benchmarks.exploring ours|networkx PEOPLE
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.exploring_estate import edges, identities, nodes, pack

__all__ = ["measure"]

T = TypeVar("T")
_PATTERNS = 200
_ASKED = 50  # questions of which the mean is told
_BUDGET_S = 60.0
# What is asked for, in seconds; memory in MiB.
_TARGETS = {
    "import of the account": 5.0, "combinations of the account": 2.0, "load with index": 120.0, "blast radius": 1.0,
    "what-if, first": None, "what-if of one grant": 0.005, "combinations of all": 30.0, "choke points": 10.0, "cut": 10.0,
}  # fmt: skip
_MOST_MIB = 2_048


def measure(people: int) -> list[dict[str, Any]]:
    """Rows with `seconds`, `target`, `networkx` and `ratio`; None where a side does not answer it or its time was over."""
    sides = {side: _asked(side, people) for side in ("ours", "networkx")}
    rows = []
    for name, target in _TARGETS.items():
        mine, theirs = (sides[side].get(name) for side in ("ours", "networkx"))
        ratio = round(mine / theirs, 2) if mine and theirs else None
        rows.append({"question": name, "seconds": mine, "target": target, "networkx": theirs, "ratio": ratio})
    memory = [sides[side]["memory MiB"] for side in ("ours", "networkx")]
    rows.append(
        {"question": "memory, MiB", "seconds": memory[0], "target": _MOST_MIB, "networkx": memory[1],
         "ratio": round(memory[0] / memory[1], 2)}
    )  # fmt: skip
    for side, found in sides.items():
        print(f"{side}: {found['told']}", file=sys.stderr)
    return rows


def _asked(side: str, people: int) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.exploring", side, str(people)],
        check=True, stdout=subprocess.PIPE, text=True, timeout=1_500,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class _Clock:
    def __init__(self) -> None:
        self.found: dict[str, Any] = {"told": {}}

    def take(self, name: str, ask: Callable[[], T], many: int = 1) -> T:
        begun = time.process_time()
        answer = ask()
        self.found[name] = round((time.process_time() - begun) / many, 5)
        print(f"{name}: {self.found[name]} s", file=sys.stderr, flush=True)
        return answer

    def end(self) -> None:
        # Not `getrusage`: that peak is inherited from the process that started us.
        status = Path("/proc/self/status").read_text()
        self.found["memory MiB"] = int(status.partition("VmHWM:")[2].split()[0]) // 1024
        print(json.dumps(self.found))


def _account() -> Path | None:
    file = Path(os.environ.get("GRAPHSVC_REAL_DATA", "../shared/data")) / "aws" / "account-large.json"
    return file if file.exists() else None


def _ours(people: int) -> None:
    from graphsvc.cli.collector import set_aside, spare
    from graphsvc.core.graph import Edge
    from graphsvc.core.policy.load import load_policy
    from graphsvc.explore.choke import choke_points
    from graphsvc.explore.combination import combinations
    from graphsvc.explore.cut import cut
    from graphsvc.explore.estate_view import EstateView, view_of
    from graphsvc.explore.naming import wanted
    from graphsvc.explore.path import blast_radius
    from graphsvc.explore.way_graph import way_graph
    from graphsvc.explore.what_if import asked_of
    from graphsvc.importers import aws
    from graphsvc.packs import RIGHTS_PACKS, pack_file, pack_text

    clock, told = _Clock(), dict[str, Any]()
    clock.found["told"] = told
    if (file := _account()) is not None:
        shipped = [load_policy(pack_text(name), pack_file(name)) for name in RIGHTS_PACKS]
        data = file.read_bytes()
        imported = clock.take("import of the account", lambda: aws.read(data, file.name))
        account = view_of(imported.nodes, imported.edges, shipped)
        every = clock.take(
            "combinations of the account", lambda: list(combinations(account, account.identities()))
        )
        told["combinations of the account"] = len(every)
    policies = [load_policy(pack(_PATTERNS), "bench.yaml")]
    facts, links = list(nodes(people)), list(edges(people))
    told |= {"nodes": len(facts), "edges": len(links)}

    def load() -> EstateView:
        view = view_of(facts, links, policies)
        view.firings("identity:p0")
        blast_radius(view, "identity:p0", max_hops=1)
        return view

    # As the commands do.
    spare()
    set_aside()
    view = clock.take("load with index", load)
    set_aside()
    people_asked = [f"identity:p{number}" for number in range(1, 1 + _ASKED)]
    clock.take("blast radius", lambda: [blast_radius(view, each) for each in people_asked], _ASKED)
    grants = [Edge(type="GRANTED", start=each, end="permission:1") for each in people_asked]
    clock.take("what-if, first", lambda: asked_of(view, add=grants[:1]))
    clock.take(
        "what-if of one grant", lambda: [asked_of(view, add=[each]) for each in grants[1:]], _ASKED - 1
    )
    found = clock.take("combinations of all", lambda: sum(1 for _ in combinations(view, view.identities())))
    told["combinations"] = found
    jewels = wanted(view, "tier:crown-jewel")
    ends = time.process_time() + _BUDGET_S
    starts = identities(people)

    def choke() -> bool:
        graph = way_graph(view, starts, is_over=lambda: time.process_time() > ends)
        return choke_points(graph, starts, jewels).truncated and not graph.complete

    told["choke points ran out of time"] = clock.take("choke points", choke)
    ends = time.process_time() + _BUDGET_S
    answer = clock.take(
        "cut",
        lambda: cut(
            facts, links, policies, lambda _: starts, lambda each: wanted(each, "tier:crown-jewel"),
            is_over=lambda: time.process_time() > ends, view=view,
        ),
    )  # fmt: skip
    told["cut"] = {
        "grants": len(answer.removed or ()), "at least": answer.at_least, "ran out of time": answer.truncated,
    }  # fmt: skip
    clock.end()


def _networkx(people: int) -> None:
    import networkx as nx

    clock = _Clock()
    if (file := _account()) is not None:
        text = file.read_text()
        clock.take("import of the account", lambda: json.loads(text))
    facts, links = list(nodes(people)), list(edges(people))

    def load() -> Any:
        graph = nx.DiGraph()
        graph.add_nodes_from(
            (each.key, {"actions": each.fields.get("actions"), "tier": each.tier}) for each in facts
        )
        graph.add_edges_from((each.start, each.end) for each in links)
        return graph

    graph = clock.take("load with index", load)
    people_asked = [f"identity:p{number}" for number in range(1, 1 + _ASKED)]
    clock.take("blast radius", lambda: [nx.descendants(graph, each) for each in people_asked], _ASKED)
    rights = nx.DiGraph()
    kinds = ("MEMBER_OF", "HAS_ROLE", "GRANTED")
    rights.add_edges_from((each.start, each.end) for each in links if each.type in kinds)
    listed = {each.key: _texts(each.fields.get("actions")) for each in facts if each.kind == "permission"}
    rules = [frozenset(action) for action in _rules()]

    def combined(start: str) -> int:
        held = frozenset().union(*(listed[each] for each in nx.descendants(rights, start) if each in listed))
        return sum(rule <= held for rule in rules)

    def asked(start: str) -> int:
        before = combined(start)
        rights.add_edge(start, "permission:1")
        after = combined(start)
        rights.remove_edge(start, "permission:1")
        return after - before

    clock.take("what-if of one grant", lambda: [asked(each) for each in people_asked], _ASKED)
    clock.take("combinations of all", lambda: sum(map(combined, identities(people))))
    clock.found["told"] = {"combinations of two rights": sum(map(combined, people_asked))}
    back = graph.reverse()
    back.add_edges_from(("target", each.key) for each in facts if each.tier is not None)
    clock.take("choke points", lambda: nx.immediate_dominators(back, "target"))
    clock.end()


def _texts(value: object) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list) else frozenset()


def _rules() -> list[list[str]]:
    from graphsvc.core.policy.load import load_policy

    loaded = load_policy(pack(_PATTERNS), "bench.yaml")
    return [
        [right.right[0] for right in each.rights.all_of]
        for each in loaded.patterns
        if each.rights is not None
    ]


if __name__ == "__main__":
    {"ours": _ours, "networkx": _networkx}[sys.argv[1]](int(sys.argv[2]))
