"""Random small policies, graphs and traces, valid by construction, in which completions are frequent."""

import copy
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import strategies as st

Record = dict[str, Any]

FIRST_FEATURES = frozenset(
    {
        "keys", "windows", "unless", "principal_scope", "log_relation", "causal_relation", "counting",
        "multi_top", "reports", "cancels", "parents", "graph",
    }
)  # fmt: skip
ALL_FEATURES = FIRST_FEATURES | {
    "flow_relation", "data_scope", "without", "sanitized", "distinct", "approvals", "arguments", "when",
    "linked", "delegation", "completion", "reviews", "joins", "strangers", "typed_keys",
}  # fmt: skip

_ACTIONS = ["m:Read", "m:Send", "d:Read", "d:Write", "p:Pay", "s:Reset", "x:Redact"]
_AGENTS, _HUMANS = ["bot1", "bot2"], ["alice", "bob"]
_RESOURCES = [("box", "r1"), ("box", "r2"), ("file", "r1")]
_LABELS = ["hot", "cold", "raw"]
_WINDOWS = ["10m", "1200s", "30m", "1h", "2h"]
# Conditions on which both implementations of CEL agree, some of them unanswerable.
_CONDITIONS = [
    "context.n >= 8", 'context.k == "1"', "context.k == true", "context.missing == 1", "context.missing == 1 || context.n == 7",
    "context.missing == 1 && context.n == 7", "has(context.n) && context.n < 8", 'principals.exists(p, p == "alice")',
    "size(principals) > 1", '!("hot" in labels)', '"cold" in labels || "raw" in resource.labels', "context.n",
    'subject.kind == "agent" && resource.type == "box"', 'chain in ["c1", "c3"]', 'context.k in ["1", 1]',
]  # fmt: skip
_KEY_PATHS = ["context.k", "context.k", "resource.id", "context.n"]
_START = datetime(2026, 11, 23, 10, tzinfo=UTC)


class Case(NamedTuple):
    """One policy document, graph records and trace records; `policy` is a single dict."""

    policy: Record
    graph: list[Record]
    trace: list[Record]


def cases(features: frozenset[str] = FIRST_FEATURES) -> st.SearchStrategy[Case]:
    """Hypothesis strategy over the same generator as `random_case`."""
    return st.builds(lambda rng: random_case(rng, features), st.randoms(use_true_random=False))


def random_cases(rng: random.Random, features: frozenset[str], count: int) -> Iterator[Case]:
    """Several graphs and traces under one policy, which is dear to load."""
    maker = _Maker(rng, features)
    policy: Record | None = None
    for _ in range(count):
        graph = maker.graph()
        policy = policy if policy is not None else maker.policy()
        yield Case(policy, graph, maker.trace())


def random_case(rng: random.Random, features: frozenset[str] = FIRST_FEATURES) -> Case:
    """One case; the same generator state and features give the same case."""
    unknown = features - ALL_FEATURES
    if unknown:
        message = f"unknown feature `{min(unknown)}`"
        raise ValueError(message)
    maker = _Maker(rng, features)
    graph = maker.graph()
    return Case(maker.policy(), graph, maker.trace())


def minimise(case: Case, fails: Callable[[Case], bool]) -> Case:
    """A smaller case that still fails: patterns, trace records and graph records left out one by one."""
    smaller = True
    while smaller:
        smaller = False
        for part in ("patterns", "trace", "graph"):
            for index in reversed(range(len(_part(case, part)))):
                attempt = copy.deepcopy(case)
                del _part(attempt, part)[index]
                if (part != "patterns" or _part(attempt, part)) and fails(attempt):
                    case, smaller = attempt, True
    return case


def _part(case: Case, name: str) -> list[Record]:
    part: list[Record] = case.policy["patterns"] if name == "patterns" else getattr(case, name)
    return part


class _Maker:
    """Draws everything from one generator; a method makes one thing."""

    def __init__(self, rng: random.Random, features: frozenset[str]) -> None:
        self.rng, self.features = rng, features
        # Few actions and labels in one case, so that steps, guards and records meet often.
        self.actions = rng.sample(_ACTIONS, rng.choice([2, 3]))
        if "data_scope" in features:
            # Something must be written and read.
            self.actions[:2] = ["d:Read", "d:Write"]
        self.known_labels = rng.sample(_LABELS, 2)

    def on(self, feature: str, share: float) -> bool:
        return feature in self.features and self.rng.random() < share

    # --- policy

    def policy(self) -> Record:
        patterns = [self.pattern(f"p{number}") for number in range(self.rng.randint(1, 4))]
        return {
            "graphsvc": 1,
            "pack": {"id": "random", "version": "1", "title": "Random", "source": "own"},
            "settings": {"entitlement": "off"},
            "actions": self.declarations(),
            "patterns": patterns,
        }

    def declarations(self) -> Record:
        entries: Record = {
            "m:Read": {"effects": ["read"]},
            "m:Send": {"effects": ["send"], "arguments": {"to": "destination"}},
            "d:*": {"effects": ["read", "write"]},
            "d:Write": {"effects": ["write"]},
            "p:Pay": {"effects": ["pay"], "arguments": {"to": "destination", "cc": "destination"}},
        }
        if self.rng.random() < 0.5:
            del entries["d:Write"]
        if self.rng.random() < 0.6:
            entries["m:Read"] = {"effects": ["read"], "result": {"labels": [self.rng.choice(_LABELS)]}}
        if self.rng.random() < 0.3:
            entries["*:Read"] = {"effects": ["fetch"]}
        names = list(entries)
        self.rng.shuffle(names)
        return {name: entries[name] for name in names}

    def pattern(self, name: str) -> Record:
        scopes = ["session"] * 4
        scopes += ["principal"] * 2 if "principal_scope" in self.features else []
        scopes += ["data"] * 12 if "data_scope" in self.features else []
        scopes += ["principal"] * 8 if "linked" in self.features else []
        scope = self.rng.choice(scopes)
        pattern: Record = {"id": name, "title": f"Pattern {name}", "severity": "high", "harm": "fraud"}
        pattern |= {"on_match": self.rng.choice(["monitor", "deny", "escalate"]), "scope": scope}
        if scope == "principal" and self.rng.random() < 0.8:
            pattern["principal"] = self.rng.choice(["actor", "root", "any"])
        if scope != "session" or self.on("windows", 0.7):
            pattern["within"] = self.rng.choice(_WINDOWS[:3] if self.on("windows", 0.6) else _WINDOWS)
        # Which witness is told is not defined, so what a review may cover has one step only.
        alone = self.on("reviews", 0.5)
        if self.on("joins", 0.5):
            pattern["on_match"] = "deny"  # what is denied joins all the same
        if "reviews" in self.features:
            pattern["on_match"] = "escalate" if alone else self.rng.choice(["monitor", "deny"])
        if scope != "data" and not alone and self.on("counting", 0.25):
            self.add_count(pattern)
        else:
            self.add_tree(pattern, 1 if alone else self.rng.choice([1, 2, 2, 2, 3, 3, 4]))
        return pattern

    def add_count(self, pattern: Record) -> None:
        step = self.condition()
        if self.on("keys", 0.3):
            step["key"] = {"v": self.rng.choice(["context.k", "resource.type"])}
        distinct = self.rng.choice(["resource.id", "context.n", "action.name"])
        pattern["count"] = {"step": step, "distinct": distinct, "more_than": self.rng.randint(1, 2)}
        self.add_unless(pattern, list(step.get("key", {})))

    def add_tree(self, pattern: Record, size: int) -> None:
        names = [f"s{number}" for number in range(size)]
        steps: Record = {}
        for number, name in enumerate(names):
            # What a review may cover should happen often.
            step = (
                {"action": self.rng.choice(self.actions)}
                if "reviews" in self.features and size == 1
                else self.condition()
            )
            top = number == 0 or (pattern["scope"] != "data" and self.on("multi_top", 0.35))
            if not top:
                step["then"] = self.rng.choice(names[:number])
            if self.on("completion", 0.3):
                step |= {"at": "completion", "labels": {"any": self.rng.sample(self.known_labels, 1)}}
            steps[name] = step
        relations = {"principal": ["log"], "data": ["causal"], "session": ["causal"]}[pattern["scope"]]
        relations += (
            ["flow"] * 2 if pattern["scope"] != "principal" and "flow_relation" in self.features else []
        )
        relations += ["log"] if pattern["scope"] == "session" and "log_relation" in self.features else []
        relation = self.rng.choice(relations)
        if relation != "log" and "causal_relation" not in self.features:
            relation = "flow" if "flow" in relations else "causal" if pattern["scope"] == "data" else "log"
        if pattern["scope"] == "data" or relation != {"principal": "log"}.get(pattern["scope"], "causal"):
            pattern["relation"] = relation
        if "keys" in self.features:
            self.add_keys(steps)
        pattern["steps"] = steps
        edges = [(name, step["then"]) for name, step in steps.items() if "then" in step]
        tops = [step for step in steps.values() if "then" not in step]
        self.add_unless(pattern, list(tops[0].get("key", {})))
        if edges and relation != "log" and self.on("sanitized", 0.9):
            entry: Record = {"action": self.rng.choice(self.actions)}
            if self.rng.random() < 0.9:
                entry["removes"] = self.rng.sample(self.known_labels, self.rng.choice([1, 1, 1, 2]))
            pattern["sanitized_by"] = [entry]
        if edges and self.on("without", 0.6):
            self.add_without(pattern, self.rng.choice(edges))
        siblings = [
            [one, other]
            for one in steps
            for other in steps
            if one < other and steps[one].get("then") == steps[other].get("then")
        ]
        if siblings and self.on("distinct", 0.9):
            one, other = pattern["distinct"] = self.rng.choice(siblings)
            if self.rng.random() < 0.7 and "key" not in steps[one] and "key" not in steps[other]:
                # One event can serve both.
                kept = {name: steps[other][name] for name in ("then",) if name in steps[other]}
                steps[other] = {**copy.deepcopy(steps[one]), **kept}
        # Whichever step is listed first, no action may stand for two steps of one way.
        listed = list(steps.items())
        self.rng.shuffle(listed)
        pattern["steps"] = dict(listed)

    def add_keys(self, steps: Record) -> None:
        """Bind each variable on a connected part of the tree: on all tops or on none (rules C2, C3)."""
        for variable in ["v", "w"][
            : 1 if "typed_keys" in self.features else self.rng.choice([0, 0, 1, 1, 2])
        ]:
            tops = [name for name in steps if "then" not in steps[name]]
            bound = set(tops) if self.rng.random() < 0.8 else {self.rng.choice(list(steps))}
            if bound & set(tops):
                bound |= set(tops)
            for name in steps:  # a step is listed after the step it leads to
                if steps[name].get("then") in bound and self.rng.random() < 0.8:
                    bound.add(name)
            for name in sorted(bound):
                paths = ["context.k"] if "typed_keys" in self.features else _KEY_PATHS
                path = self.rng.choice(paths)
                steps[name].setdefault("key", {})[variable] = path

    def add_unless(self, pattern: Record, variables: list[str]) -> None:
        if not self.on("unless", 0.5):
            return
        names = list(self.actions)
        names += ["review:Approve"] * 3 if "approvals" in self.features else []
        guard: Record = {"action": self.rng.choice(names)}
        if variables and self.rng.random() < 0.6:
            guard["key"] = {variables[0]: self.rng.choice(["context.k", "resource.id"])}
        if self.rng.random() < 0.6:
            guard["within"] = self.rng.choice(_WINDOWS)
        if self.rng.random() < 0.6:
            guard["by"] = self.rng.choice(["same", "other", "anyone"])
        if guard["action"] != "review:Approve" and self.on("when", 0.3):
            guard["when"] = self.rng.choice(_CONDITIONS)
        pattern["unless"] = [guard]

    def add_without(self, pattern: Record, edge: tuple[str, str]) -> None:
        reset: Record = {"action": self.rng.choice(self.actions), "between": list(edge)}
        first, last = (pattern["steps"][name].get("key", {}) for name in edge)
        shared = sorted(set(first) & set(last))
        if shared and self.rng.random() < 0.5:
            reset["key"] = {shared[0]: self.rng.choice(["context.k", "resource.id"])}
        pattern["without"] = [reset]

    def condition(self, *, labels: bool = True) -> Record:
        """A step condition; always with an action or effects, so that it is not about everything."""
        step: Record = {}
        if self.rng.random() < 0.3:
            step["effects"] = self.rng.choice([["read"], ["write"], ["send", "pay"], ["read", "fetch"]])
        else:
            step["action"] = self.rng.choice(
                [*self.actions * 2, "m:*", "?:Read", self.actions[:2], [self.actions[0], "x:*"]]
            )
        if labels and self.rng.random() < (0.8 if self.features & {"reports", "sanitized"} else 0.25):
            how = self.rng.choice(["any", "any", "all", "none"])
            step["labels"] = {
                how: self.rng.sample(self.known_labels, self.rng.randint(1, 2 if how == "any" else 1))
            }
        if self.on("graph", 0.1):
            step |= self.rng.choice(
                [
                    {"subject": {"kind": self.rng.choice(["agent", "human"])}},
                    {"subject": {"id": self.rng.choice([*_AGENTS, "bot*"])}},
                    {"subject": {"group": self.rng.choice(["staff", "all"])}},
                    {"resource": {"type": self.rng.choice(["box", "file"])}},
                    {"resource": {"id": "r1"}},
                    {"resource": {"tier": "gold"}},
                    {"resource": {"labels": [self.rng.choice(_LABELS)]}},
                ]
            )
        if self.on("graph", 0.06):
            step["destination"] = self.rng.choice(["unknown", "known", "owned"])
        if self.on("when", 0.3):
            step["when"] = self.rng.choice(_CONDITIONS)
        if self.on("arguments", 0.06):
            step["argument"] = {"role": "amount", "fact": [self.rng.choice(["clean", "contested"])]}
        return step

    # --- graph

    def graph(self) -> list[Record]:
        """Identities and resources always; labels, tiers, groups and acquaintances with the feature `graph`."""
        rich = "graph" in self.features
        nodes: list[Record] = [
            {"type": "identity", "id": name, "kind": kind, "status": "active"}
            for kind, names in (("agent", _AGENTS), ("human", [*_HUMANS, "dana"]))
            for name in names
        ]
        self.labels: dict[tuple[str, str], list[str]] = {}
        for kind, name in _RESOURCES:
            held = [label for label in _LABELS if rich and self.rng.random() < 0.25]
            self.labels[kind, name] = held
            tier = "gold" if rich and self.rng.random() < 0.4 else None
            node = {"type": "resource", "resource_type": kind, "id": name, "labels": held, "tier": tier}
            nodes.append(node)
        edges: list[tuple[str, str, str]] = []
        if rich:
            nodes += [{"type": "group", "id": name} for name in ("staff", "all")]
            edges.append(("MEMBER_OF", "group:staff", "group:all"))
            sources = [f"identity:{name}" for name in [*_AGENTS, *_HUMANS]]
            edges += [("MEMBER_OF", source, "group:staff") for source in sources if self.rng.random() < 0.4]
            targets = [f"resource:{kind}:{name}" for kind, name in _RESOURCES]
            for _ in range(4):
                edges.append(
                    ("KNOWS", self.rng.choice(sources), self.rng.choice([f"identity:{n}" for n in _HUMANS]))
                )
                edges.append(("OWNS", self.rng.choice(sources), self.rng.choice(targets)))
        if self.on("linked", 0.9):
            people = [f"identity:{name}" for name in [*_AGENTS, *_HUMANS, "dana"]]
            for _ in range(self.rng.randint(1, 2)):
                one, other = self.rng.sample(people, 2)
                edges.append(("LINKED_TO", one, other))
        links = [{"edge": {"type": kind, "from": one, "to": two}} for kind, one, two in dict.fromkeys(edges)]
        return [{"node": node} for node in nodes] + links

    # --- trace

    def trace(self) -> list[Record]:
        self.now = _START
        self.chains: dict[str, Record] = {}
        self.done: list[Record] = []
        self.decided: set[str] = set()  # actions that somebody approved or rejected
        apart = "data_scope" in self.features  # connected by stores alone
        # One session declared for all root chains; what joins and declared parents connect is within one.
        self.shared = self.rng.random() < (
            0.95 if self.features & {"joins", "strangers"} else 0.2 if apart else 0.45
        )
        edges = self.on("windows", 0.6)  # so that windows end just there
        records: list[Record] = []
        for _ in range(self.rng.choice([*range(6, 26), *range(15, 26)])):
            minutes = self.rng.choice([0, 5, 10, 10, 20] if edges else [0, 0, 1, 5, 5, 10, 20])
            self.now += timedelta(minutes=-10 if self.rng.random() < 0.3 else minutes)
            other = self.other_record() if self.done else None
            records.append(other or self.action(f"e{len(self.done) + 1}"))
            if records[-1]["type"] == "action":
                self.done.append(records[-1])
        return records

    def at(self) -> str:
        return self.now.isoformat().replace("+00:00", "Z")

    def other_record(self) -> Record | None:
        named = (
            self.rng.choice(self.done[-6:]) if self.rng.random() < 0.95 else {"id": "e99", "at": self.at()}
        )
        if self.on("reports", 0.45):
            outcome, held = (
                self.rng.choice(["success", "failure"]),
                self.rng.sample(self.known_labels, self.rng.choice([1, 2, 2])),
            )
            return {
                "type": "report",
                "action": named["id"],
                "at": named["at"],
                "outcome": outcome,
                "labels": held,
            }
        if self.on("cancels", 0.25):
            return {"type": "cancel", "action": named["id"], "at": named["at"]}
        if self.on("reviews", 0.3):
            kind = "approve" if self.rng.random() < 0.85 else "reject"
            self.decided.add(self.done[-1]["id"])
            by = {"type": "human", "id": "dana"}
            return {"type": kind, "decision": self.done[-1]["id"], "by": by, "at": self.at()}
        if self.on("approvals", 0.1):
            by = {"type": "human", "id": self.rng.choice(["dana", "dana", *_HUMANS])}
            return {"type": "approve", "decision": self.done[-1]["id"], "by": by, "at": self.at()}
        if self.on("graph", 0.06) or self.on("completion", 0.1):
            kind, name = self.rng.choice(_RESOURCES)
            self.labels[kind, name] = sorted({*self.labels[kind, name], self.rng.choice(_LABELS)})
            held = list(self.labels[kind, name])
            at = _START.isoformat().replace("+00:00", "Z")  # so that it cannot move any clock (rule R2)
            return {"type": "relabel", "resource": {"type": kind, "id": name}, "labels": held, "at": at}
        return None

    def again(self, name: str, other: Record) -> Record:
        """An earlier request once more, naming its review; sometimes it is not quite the same."""
        record = {**copy.deepcopy(other), "id": name, "at": self.at(), "review": other["id"]}
        record.pop("executed", None)
        if self.rng.random() < 0.15:
            record["context"]["n"] = 9
        return record

    def action(self, name: str) -> Record:
        rng = self.rng
        reviewed = [action for action in self.done[-8:] if action["id"] in self.decided]
        if reviewed and rng.random() < 0.5:
            return self.again(name, rng.choice(reviewed))
        alone = bool(self.features & {"strangers", "data_scope"})
        chain = rng.choice(["c1", "c1", "c2", "c2", "c3", "c4"])
        record: Record = {"type": "action", "id": name, "at": self.at(), "chain": chain}
        if chain not in self.chains:
            parents = [*self.chains, "c9"] if self.chains and rng.random() < 0.1 else [*self.chains]
            if parents and rng.random() < (0.2 if alone or "joins" in self.features else 0.65):
                record["parent_chain"] = rng.choice(parents)
            elif self.shared:
                record["session"] = "shared"
            subject, human = rng.choice(_AGENTS), rng.choice(_HUMANS)
            behind = rng.choice([[], [human], [human], [rng.choice(_AGENTS), human]])
            if self.on("delegation", 0.3):
                many = [f"helper{number}" for number in range(rng.choice([2, 3, 8]))]
                behind = [*rng.sample(many, len(many)), rng.choice([*_HUMANS, *_AGENTS])]
            self.chains[chain] = {"subject": subject, "behind": behind}
        who = self.chains[chain]
        subject = who["subject"] if rng.random() < 0.85 else rng.choice([*_AGENTS, *_HUMANS])
        joinable = sorted({*self.chains, "c8"} - {chain}) if rng.random() < 0.9 else [chain]
        share = 0.7 if "joins" in self.features else 0.1 if alone else 0.45
        record["joins"] = [rng.choice(joinable)] if rng.random() < share else []
        record["subject"] = _identity(subject)
        record["on_behalf_of"] = [_identity(person) for person in who["behind"]]
        kind, resource = rng.choice(_RESOURCES)
        record["action"] = {"name": rng.choice(self.actions)}
        if rng.random() < 0.5:
            places = ["bob", "alice", "r1", "box:r2", "stranger"]
            to = rng.choice(places) if rng.random() < 0.7 else rng.sample(places, 2)
            record["action"]["properties"] = (
                {"to": to} if rng.random() < 0.8 else {"to": to, "cc": rng.choice(places)}
            )
        record["resource"] = {"type": kind, "id": resource}
        # Where labels are reported later they should make a difference.
        held = 0.07 if "reports" in self.features else 0.2
        record["labels"] = [label for label in self.known_labels if rng.random() < held]
        record["context"] = {"k": rng.choice(["1", 1, "1", 1, "true", True]), "n": rng.choice([7, 8])}
        if rng.random() < 0.04:
            record["context"]["k"] = None
        if rng.random() < 0.04:
            del record["context"]["n"]
        if self.on("parents", 0.85):
            near = [earlier["id"] for earlier in self.done[-6:] if earlier["chain"] in self.chains]
            if "strangers" in self.features:
                near = [earlier["id"] for earlier in self.done[-6:] if earlier["chain"] != chain] or near
            record["parents"] = rng.sample(near, min(len(near), rng.choice([0, 1, 1, 2, 2])))
            if rng.random() < 0.2:
                record["parents"].append(rng.choice(["e99", name]))
        if self.on("arguments", 0.4):
            fact = rng.choice(["clean", "contested", "party"])
            record["arguments"] = [{"name": "sum", "role": rng.choice(["amount", "target"]), "fact": fact}]
        if rng.random() < 0.06:
            record["executed"] = False
        return record


def _identity(name: str) -> Record:
    return {"type": "agent" if name in _AGENTS else "human", "id": name}
