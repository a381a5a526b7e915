"""What rights come to together, in the cases that come seldom: each by an estate of a few lines."""

from __future__ import annotations

import json

import pytest

from graphsvc.core.estate import Estate
from graphsvc.core.gain import closure, reach
from graphsvc.core.gain.gains import Gains
from graphsvc.core.graph import Edge, Node
from graphsvc.core.policy.load import load_policy
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import compile_ruleset
from graphsvc.core.value import Json
from tests.unit.lived import Record, act, evaluations, last, policy


def _permission(name: str, *actions: str, on: str = "*", **fields: Json) -> Node:
    return Node(key=f"permission:{name}", fields={"actions": [*actions], "resources": [on], **fields})


def _edges(*written: str) -> list[Edge]:
    """Each as `TYPE start end`."""
    return [Edge(type=kind, start=start, end=end) for kind, start, end in map(str.split, written)]


def _gains(rules: list[Record], nodes: list[Node], edges: list[Edge]) -> tuple[Gains, Estate]:
    """rules: rights patterns without what all have in common."""
    estate = Estate()
    estate.load("s", nodes, edges, replace=True)
    patterns = [{"id": f"r{number}", "on_match": "deny", "rights": each} for number, each in enumerate(rules)]
    packs = [load_policy(json.dumps(policy(*patterns)), "t.yaml")] if rules else []
    return Gains(compile_ruleset(packs), estate, Rights(estate)), estate


def _fired(gains: Gains, *held: str) -> list[tuple[str, dict[str, str]]]:
    """Rules that fire for whoever holds these identities, with the values of their variables."""
    found = gains.closure(frozenset(f"identity:{each}" for each in held))
    return [(each.rule.pattern.id, dict(each.binding)) for _, each in sorted(found.firings.items())]


def test_a_test_without_variables_holds_or_does_not() -> None:
    """What the graph has to say is asked once, whatever is held."""
    rules: list[Record] = [{"all_of": [{"right": "a:Do"}], "where": 'exists("identity:ghost")'}]
    nodes, edges = (
        [Node(key="identity:i"), _permission("p", "a:Do")],
        _edges("GRANTED identity:i permission:p"),
    )
    assert _fired(_gains(rules, nodes, edges)[0], "i") == []
    assert _fired(_gains(rules, [*nodes, Node(key="identity:ghost")], edges)[0], "i") == [("r0", {})]


def test_what_the_graph_does_not_say_of_a_value_counts_and_is_told() -> None:
    """A thing of which nobody knows who manages it may be meant (R24); one that somebody else manages is not."""
    rules: list[Record] = [
        {"all_of": [{"right": "a:Do", "on": "$thing"}], "where": 'managed_by("$thing", "us")'}
    ]
    nodes = [
        Node(key="identity:i"), _permission("p", "a:Do"), Node(key="resource:box:open"),
        Node(key="resource:box:ours", properties={"managed_by": "us"}),
        Node(key="resource:box:theirs", properties={"managed_by": "them"}),
    ]  # fmt: skip
    gains, _ = _gains(rules, nodes, _edges("GRANTED identity:i permission:p"))
    firings = gains.closure(frozenset(("identity:i",))).firings.values()
    assert {(dict(each.binding)["thing"], each.unknown) for each in firings} == {
        ("resource:box:open", True),
        ("resource:box:ours", False),
    }


def test_a_right_with_a_wildcard_is_held_by_any_name_it_fits() -> None:
    """Those that packs and other rights spell out; beside a denial too."""
    rules: list[Record] = [{"all_of": [{"right": "a:*"}]}, {"all_of": [{"right": "a:Make"}]}]
    nodes = [
        *(Node(key=f"identity:{name}") for name in "ij"), _permission("make", "a:Make"),
        _permission("no", "a:Make", on="box:1", effect="deny"),
    ]  # fmt: skip
    edges = _edges("GRANTED identity:i permission:make", "GRANTED identity:j permission:make", "GRANTED identity:j permission:no")  # fmt: skip
    gains, _ = _gains(rules, nodes, edges)
    assert _fired(gains, "i") == [("r0", {}), ("r1", {})] == _fired(gains, "j")


@pytest.mark.parametrize(
    ("on", "fires"),
    [("*", [True, False]), ("box:*", [True, True]), ("box:b", [True, True]), (None, [True, True])],
)
def test_a_right_on_a_glob_is_held_by_whoever_has_all_of_it(on: str | None, fires: list[bool]) -> None:
    """On everything by a right on everything, on all boxes by one on them; beside a denial elsewhere too."""
    right = {"right": "a:Do"} | ({"on": on} if on is not None else {})
    people = ("everything", "boxes")
    nodes = [
        *(Node(key=f"identity:{name}") for name in people), Node(key="resource:box:b"),
        _permission("everything", "a:Do"), _permission("boxes", "a:Do", on="box:*"), _permission("no", "a:Do", on="bag:*", effect="deny"),
    ]  # fmt: skip
    granted = [f"GRANTED identity:{name} permission:{name}" for name in people]
    for more in ([], [f"GRANTED identity:{name} permission:no" for name in people]):
        gains, _ = _gains([{"all_of": [right]}], nodes, _edges(*granted, *more))
        assert [bool(_fired(gains, name)) for name in people] == fires
    given, _ = _gains(
        [
            {"all_of": [{"right": "a:Do"}], "gives": {"right": "a:Get", "on": "*"}},
            {"all_of": [{**right, "right": "a:Get"}]},
        ],
        nodes,
        _edges(*granted),
    )
    assert len(_fired(given, "boxes")) == 2


def test_only_rules_whose_every_right_is_held_are_fired() -> None:
    """Of those that are asked about."""
    rules: list[Record] = [
        {"all_of": [{"right": "a:Do"}]},
        {"all_of": [{"right": "a:Do"}, {"right": "a:More"}]},
    ]
    nodes = [Node(key="identity:i"), _permission("p", "a:Do"), _permission("more", "a:More")]
    for granted, fired in ((("p",), ["r0"]), (("p", "more"), ["r0", "r1"])):
        edges = _edges(*(f"GRANTED identity:i permission:{name}" for name in granted))
        closures = _gains(rules, nodes, edges)[0].closures
        found = closures.fired(closures.atoms_of("identity:i"), closures.rules)
        assert [each.rule.pattern.id for each in found] == fired


def test_what_given_rights_fill_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for one the rules fire all the same."""
    rules: list[Record] = [
        {"all_of": [{"right": "a:1"}], "gives": {"right": "a:2"}},
        {"all_of": [{"right": "a:2"}], "gives": {"right": "a:3"}},
        {"all_of": [{"right": "a:3"}]},
    ]
    nodes, edges = (
        [Node(key="identity:i"), _permission("p", "a:1")],
        _edges("GRANTED identity:i permission:p"),
    )
    before = _fired(_gains(rules, nodes, edges)[0], "i")
    monkeypatch.setattr(closure, "_MEMO_LIMIT", 1)
    assert _fired(_gains(rules, nodes, edges)[0], "i") == before == [("r0", {}), ("r1", {}), ("r2", {})]


_ASSUMING: list[Record] = [{"all_of": [{"right": "a:Become"}], "gives": {"assume": "chief"}}]
# A worker who can become the chief by the rule; the chief may touch the jewel. The helper can be assumed by the worker.
_PEOPLE = [
    *(Node(key=f"identity:{name}") for name in ("worker", "helper", "chief", "boss")),
    Node(key="resource:vault:v", tier="crown-jewel"), _permission("become", "a:Become"), _permission("take", "a:Take", on="vault:v"),
]  # fmt: skip
_TAKES = "GRANTED identity:chief permission:take"


def test_what_a_rule_gives_is_a_hop() -> None:
    """To whoever holds the rights, and to whoever can become somebody who does."""
    gains, _ = _gains(_ASSUMING, _PEOPLE, _edges(_TAKES, "GRANTED identity:worker permission:become"))
    worker = frozenset(("identity:worker",))
    assert gains.reach.distance(worker, "crown-jewel", 5) == 2
    assert gains.reach.met(worker, 2) == worker
    assert gains.reach.met(worker, 3) == {"identity:worker", "identity:chief"}
    more = _edges(
        _TAKES, "GRANTED identity:helper permission:become", "CAN_ASSUME identity:worker identity:helper"
    )
    gains, _ = _gains(_ASSUMING, _PEOPLE, more)
    assert gains.reach.distance(worker, "crown-jewel", 5) == 3
    assert gains.reach.met(worker, 4) == {"identity:worker", "identity:helper", "identity:chief"}
    assert gains.reach.met(worker, 3) == {"identity:worker", "identity:helper"}


def test_the_shortest_of_several_ways_to_somebody_counts() -> None:
    """Two hops through the boss, and by the group straight: what was queued for the longer way is passed over."""
    edges = _edges(
        "MEMBER_OF identity:worker group:g", "GRANTED identity:boss permission:become",
        "CAN_ASSUME identity:worker identity:helper", "CAN_ASSUME identity:helper identity:boss", "CAN_ASSUME group:g identity:boss", _TAKES,
    )  # fmt: skip
    gains, _ = _gains(_ASSUMING, [*_PEOPLE, Node(key="group:g")], edges)
    worker = frozenset(("identity:worker",))
    assert gains.reach.met(worker, 4) == {
        "identity:worker",
        "identity:helper",
        "identity:boss",
        "identity:chief",
    }
    assert gains.reach.met(worker, 3) == {"identity:worker", "identity:helper", "identity:boss"}
    assert gains.reach.distance(worker, "crown-jewel", 9) == 3


def test_what_lies_inside_is_as_near_as_what_holds_it() -> None:
    """The bag is in the box that the worker may open at once; that the helper may open the bag is the longer way."""
    people = [Node(key=f"identity:{name}") for name in ("worker", "helper", "chief")]
    nodes = [
        *people, _permission("bag", "a:Open", on="bag:b"), _permission("box", "a:Open", on="box:a"),
        Node(key="resource:box:a", tier="low"), Node(key="resource:bag:b", tier="low"),
    ]  # fmt: skip
    edges = _edges(
        "CAN_ASSUME identity:worker identity:helper", "GRANTED identity:worker permission:box", "GRANTED identity:helper permission:bag",
        "CONTAINS resource:box:a resource:bag:b", "HOLDS_CREDENTIAL resource:bag:b identity:chief",
    )  # fmt: skip
    gains, _ = _gains([], nodes, edges)
    worker = frozenset(("identity:worker",))
    assert gains.reach.met(worker, 4) == {"identity:worker", "identity:helper", "identity:chief"}
    assert gains.reach.met(worker, 3) == {"identity:worker", "identity:helper"}


def test_a_search_that_grows_too_large_counts_as_having_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can say that it would not arrive."""
    edges = _edges("CAN_ASSUME identity:worker identity:helper", "CAN_ASSUME identity:helper identity:boss")
    worker = frozenset(("identity:worker",))
    assert _gains(_ASSUMING, _PEOPLE, edges)[0].reach.distance(worker, "crown-jewel", 9) is None
    monkeypatch.setattr(reach, "_MAX_LOOKED_AT", 1)
    assert _gains(_ASSUMING, _PEOPLE, edges)[0].reach.distance(worker, "crown-jewel", 9) is not None


def test_distances_do_not_move_with_what_leads_nowhere() -> None:
    """An edge that says who acts for whom is none of the network's."""
    gains, estate = _gains([], _PEOPLE, _edges(_TAKES))
    chief = frozenset(("identity:chief",))
    assert gains.reach.distance(chief, "crown-jewel", 3) == 1
    estate.load("more", [], _edges("ACTS_FOR identity:chief identity:boss"), replace=True)
    assert gains.reach.distance(chief, "crown-jewel", 3) == 1
    assert gains.reach.distance(frozenset(("identity:boss",)), "crown-jewel", 3) is None


# -- as an action brings it ----------------------------------------------------------------------------


def _line(node_type: str, name: str, **fields: object) -> Record:
    return {"node": {"type": node_type, "id": name, **fields}}


def _granted(start: str, end: str) -> Record:
    return {"edge": {"type": "GRANTED", "from": start, "to": end}}


_ESTATE = (
    _line("identity", "bot", kind="agent"), _line("identity", "role", kind="service"),
    _line("permission", "do", actions=["a:Do"], resources=["*"]), _line("permission", "end", actions=["a:End"], resources=["*"]),
    _granted("identity:bot", "permission:do"), _granted("identity:role", "permission:end"),
)  # fmt: skip


def _assume(role: str, second: int = 0, action: str = "a:Assume") -> Record:
    return act(f"e{second}", action, second, resource={"type": "identity", "id": role})


def _both(**more: object) -> Record:
    rules = policy(
        {
            "id": "both",
            "on_match": "deny",
            "rights": {"all_of": [{"right": "a:Do"}, {"right": "a:End"}]},
            **more,
        }
    )
    rules["actions"] = {"a:Assume": {"effects": ["assume"]}, "a:Allow": {"effects": ["write"]}}
    return rules


def test_nobody_is_held_by_assuming_who_is_unknown() -> None:
    """The known one brings what is missing."""
    answers = evaluations(_both(), _assume("nobody"), _assume("role", 1), graph=_ESTATE)
    assert [[each.pattern for each in answer.completions] for answer in answers] == [[], ["both"]]


def test_to_whoever_has_everything_nothing_is_new() -> None:
    """A bot that could give itself any right completes nothing by assuming one that brings another."""
    rules = _both()
    rules["patterns"].append(
        {
            "id": "all",
            "on_match": "monitor",
            "rights": {"all_of": [{"right": "a:Do"}], "gives": {"admin": True}},
        }
    )
    assert last(rules, _assume("role"), graph=_ESTATE).completions == ()


def test_an_approved_gain_completes_nothing() -> None:
    """A guard of the session stands before rights that come together too (R14)."""
    rules = _both(unless=[{"action": "a:Allow", "by": "same"}])
    for before, completed in (((), ["both"]), ((act("e0", "a:Allow"),), [])):
        answer = last(rules, *before, _assume("role", 1), graph=_ESTATE)
        assert [each.pattern for each in answer.completions] == completed
