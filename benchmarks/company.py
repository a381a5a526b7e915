"""A generated company: 10,000 identities in nested groups, 100,000 permission edges, a labelled tree of resources."""

from __future__ import annotations

import random
from dataclasses import dataclass

from graphsvc.core.graph import Edge, Node

__all__ = ["ACTIONS", "COMMON_LABELS", "EFFECTS", "KINDS", "RARE_LABELS", "Company", "Job", "build_company"]

ACTIONS = tuple(f"app{number // 10}:Do{number}" for number in range(200))
EFFECTS = ("read", "write", "send", "execute")  # of an action: its number modulo 4
KINDS = ("doc", "mailbox", "database", "host")
COMMON_LABELS = tuple(f"common{number}" for number in range(12))
RARE_LABELS = tuple(f"rare{number}" for number in range(40))

_HUMANS, _AGENTS, _GROUPS = 7_500, 2_500, 1_500
_RESOURCES, _PERMISSION_EDGES = 20_000, 100_000
_FOLDERS = 2_000


@dataclass(frozen=True, slots=True)
class Job:
    """What a team does: names of actions, and (type, id) of resources."""

    actions: tuple[str, ...]
    resources: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Company:
    """The graph, and what traffic needs to know of it.

    humans: ids. agents: ids; each may act for anybody. job_of: the job of each human, by its team.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    humans: tuple[str, ...]
    agents: tuple[str, ...]
    job_of: dict[str, Job]


def build_company(seed: int = 11) -> Company:
    """The same seed gives the same company.

    Groups: 10 divisions, 100 departments, 1,390 teams. Every team may do its job on the folders it
    works with; divisions hold further rights that nobody asks for, as in life: together they are as many
    permission edges (memberships and grants) as promised.
    """
    return _Builder(random.Random(seed)).built()


class _Builder:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.nodes: list[Node] = []
        self.edges: list[Edge] = []
        self.permission_edges = 0

    def built(self) -> Company:
        folders = self._resources()
        teams = self._groups()
        jobs = [self._job(team, folders) for team in teams]
        humans = tuple(f"h{number}" for number in range(_HUMANS))
        agents = tuple(f"a{number}" for number in range(_AGENTS))
        job_of: dict[str, Job] = {}
        for number, human in enumerate(humans):
            self._identity(human, "human")
            place = number % len(teams)
            job_of[human] = jobs[place]
            self._grant("MEMBER_OF", f"identity:{human}", teams[place])
        self._agents(agents)
        self._unused_rights(teams, humans)
        return Company(tuple(self.nodes), tuple(self.edges), humans, agents, job_of)

    def _resources(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Folders with the resources in them; folders lie in folders, five deep."""
        rng = self.rng
        folders: list[tuple[str, list[tuple[str, str]]]] = []
        for number in range(_FOLDERS):
            key = f"resource:folder:f{number}"
            self.nodes.append(Node(key=key))
            folders.append((key, []))
            if number:
                # Ever smaller numbers lead to the root: the fifth part, again and again.
                self._edge("CONTAINS", f"resource:folder:f{number // 5}", key)
        for number in range(_RESOURCES - _FOLDERS):
            kind = KINDS[number % len(KINDS)]
            labels = [label for label in COMMON_LABELS if rng.random() < 0.1]
            if rng.random() < 0.15:
                labels.append(rng.choice(RARE_LABELS))
            key = f"resource:{kind}:r{number}"
            self.nodes.append(Node(key=key, labels=tuple(labels), tier=rng.choice(("low", "medium", "high"))))
            folder, inside = folders[number % _FOLDERS]
            self._edge("CONTAINS", folder, key)
            inside.append((kind, f"r{number}"))
        return folders

    def _groups(self) -> list[str]:
        names = [f"group:g{number}" for number in range(_GROUPS)]
        self.nodes += [Node(key=name) for name in names]
        for number, name in enumerate(names[10:], 10):
            above = number % 10 if number < 110 else 10 + number % 100
            self._grant("MEMBER_OF", name, names[above])
        return names[110:]

    def _job(self, team: str, folders: list[tuple[str, list[tuple[str, str]]]]) -> Job:
        rng = self.rng
        actions = tuple(rng.sample(ACTIONS, 20))
        chosen = rng.sample(folders, 6)
        for number in range(2):
            allowed: list[object] = [*actions[number * 10 : number * 10 + 10]]
            key = self._permission(f"{team.removeprefix('group:')}-{number}", allowed)
            for folder, _ in chosen:
                self._edge("ON", key, folder)
            self._grant("GRANTED", team, key)
        return Job(actions, tuple(resource for _, inside in chosen for resource in inside))

    def _agents(self, agents: tuple[str, ...]) -> None:
        self.nodes.append(Node(key="group:agents"))
        self.nodes.append(Node(key="group:everybody"))
        key = self._permission("agents", ["app*"], ["*"])
        self._grant("GRANTED", "group:agents", key)
        for division in range(10):
            self._grant("MEMBER_OF", f"group:g{division}", "group:everybody")
        self._edge("ACTS_FOR", "group:agents", "group:everybody")
        for agent in agents:
            self._identity(agent, "agent")
            self._grant("MEMBER_OF", f"identity:{agent}", "group:agents")

    def _unused_rights(self, teams: list[str], humans: tuple[str, ...]) -> None:
        rng = self.rng
        spare = []
        for number in range(4_000):
            key = self._permission(f"spare{number}", [rng.choice(ACTIONS)])
            self._edge("ON", key, f"resource:folder:f{rng.randrange(_FOLDERS // 2, _FOLDERS)}")
            spare.append(key)
        granted: set[tuple[str, str]] = set()
        while self.permission_edges < _PERMISSION_EDGES:
            holder = rng.choice(teams) if rng.random() < 0.3 else f"identity:{rng.choice(humans)}"
            pair = (holder, rng.choice(spare))
            if pair not in granted:
                granted.add(pair)
                self._grant("GRANTED", *pair)

    def _identity(self, name: str, kind: str) -> None:
        self.nodes.append(Node(key=f"identity:{name}", fields={"kind": kind, "status": "active"}))

    def _permission(self, name: str, actions: list[object], resources: list[object] | None = None) -> str:
        key = f"permission:{name}"
        fields: dict[str, object] = {"actions": actions, "effect": "allow"}
        if resources:
            fields["resources"] = resources
        self.nodes.append(Node(key=key, fields=fields))  # type: ignore[arg-type]  # lists of text are JSON
        return key

    def _edge(self, edge_type: str, start: str, end: str) -> None:
        self.edges.append(Edge(type=edge_type, start=start, end=end))

    def _grant(self, edge_type: str, start: str, end: str) -> None:
        self.permission_edges += 1
        self._edge(edge_type, start, end)
