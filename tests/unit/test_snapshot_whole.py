"""A world with one of everything is the same after it was written and read back, part by part."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from graphsvc.core.evaluate import decided
from graphsvc.core.forgotten import GONE, Forgotten
from graphsvc.core.governing import (
    Confirmed,
    DraftClosed,
    Endorsed,
    FindingRegistered,
    GlassBroken,
    GrantAsked,
    GrantSettled,
    PolicyDrafted,
    PolicyShadowed,
    ReviewWithdrawn,
)
from graphsvc.core.graph import Edge, Node
from graphsvc.core.record import (
    Approved,
    Cancelled,
    ChainClosed,
    ChainOpened,
    Decided,
    Granted,
    GraphCommitted,
    GraphStaged,
    PolicyPublished,
    Record,
    Rejected,
    Relabelled,
    Reported,
    Revoked,
    Signalled,
    Suspended,
)
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.snapshot import restore, snapshot
from graphsvc.core.world import World
from graphsvc.errors import BadInput
from tests.unit.lived import Record as Line
from tests.unit.lived import policy

HOUR_MS = 3_600_000
DANA = Entity("human", "dana")
STEPS: Line = {"a": {"action": "m:Read", "then": "b"}, "b": {"action": "m:Send"}}
WRITTEN: Line = {
    "a": {"action": "m:Write", "then": "b"},
    "b": {"action": "m:Load", "then": "c"},
    "c": {"action": "m:Send"},
}
PATTERNS: list[Line] = [
    {"id": "plain", "on_match": "deny", "steps": STEPS},
    {"id": "window", "on_match": "escalate", "within": "1h", "relation": "flow", "steps": STEPS},
    {"id": "data", "on_match": "monitor", "scope": "data", "within": "1h", "relation": "flow", "steps": WRITTEN, "unless": [{"action": "m:Allow", "by": "same"}]},
    {"id": "two", "on_match": "monitor", "scope": "principal", "within": "1h", "distinct": ["a", "b"], "steps": {"a": {"action": "m:Read"}, "b": {"action": "m:Read"}}},
    {"id": "many", "on_match": "monitor", "within": "1h", "count": {"step": {"action": "m:Read"}, "distinct": "resource.id", "more_than": 2}},
    {"id": "ask", "on_match": "escalate", "steps": {"a": {"action": "m:Ask"}}},
    {"id": "unless", "on_match": "monitor", "scope": "principal", "within": "1h", "steps": STEPS, "unless": [{"action": "m:Allow", "by": "anyone"}]},
    {"id": "both", "on_match": "monitor", "rights": {"all_of": [{"right": "a:Do"}, {"right": "a:End"}]}},
]  # fmt: skip


def _rules(version: str = "1", name: str = "t") -> str:
    rules = (
        policy(*PATTERNS)
        if name == "t"
        else policy({"id": f"{name}-one", "on_match": "deny", "steps": STEPS})
    )
    rules["pack"] = {"id": name, "version": version}
    rules["actions"] |= {
        "m:Write": {"effects": ["write"]}, "m:Load": {"effects": ["read"]}, "m:Ask": {"effects": ["pay"]}, "m:Become": {"effects": ["assume"]},
    }  # fmt: skip
    rules["break_glass"] = {"subject": {"group": "crew"}, "action": "m:*", "for": "1h", "review_within": "2h"}
    return json.dumps(rules)


class Life:
    """A world and the time in it."""

    def __init__(self) -> None:
        self.world, self.now_ms = World(), 1_000_000

    def tell(self, kind: Callable[..., Record], **fields: Any) -> None:
        """A record a second later."""
        self.now_ms += 1_000
        self.world.apply(kind(at_ms=self.now_ms, **fields), self.world.seq + 1)

    def act(
        self,
        name: str,
        action: str,
        *,
        chain: str = "c",
        resource: str = "b1",
        enforced: Any = None,
        **fields: Any,
    ) -> Decided:
        """An action of the bot, and how it was answered."""
        self.now_ms += 1_000
        request = AccessRequest(
            id=name, chain=chain, subject=Entity("agent", "bot"), action=action, resource=Entity("box", resource), **fields
        )  # fmt: skip
        judged = self.world.evaluate(request, self.now_ms, seq=self.world.seq + 1)
        record = decided(judged, by="gw", dedupe=f"key-{name}", digest=f"digest-{name}")
        self.world.apply(record, self.world.seq + 1, judged)
        return record

    def graph(
        self,
        source: str,
        *,
        replace: bool,
        nodes: tuple[Node, ...] = (),
        edges: tuple[Edge, ...] = (),
        commit: bool = True,
    ) -> None:
        """Facts of a source."""
        self.tell(GraphStaged, load=f"load-{source}", nodes=nodes, edges=edges)
        if commit:
            self.tell(GraphCommitted, load=f"load-{source}", source=source, replace=replace)


@pytest.fixture(scope="module")
def lived() -> World:
    """One of everything that a world may hold."""
    life = Life()
    people = [Node(key=f"identity:{name}", fields={"kind": "human"}) for name in ("dana", "eve", "gone")]
    rights = [
        Node(key=f"permission:{name}", fields={"actions": [f"a:{name}"], "resources": ["*"]})
        for name in ("Do", "End")
    ]
    bot = Node(key="identity:bot", fields={"kind": "agent", "aliases": ["b@x"]}, properties={"team": "red"})
    box, role = (
        Node(key="resource:box:b1", labels=("hot",), tier="high"),
        Node(key="identity:role", fields={"kind": "service"}),
    )
    edges = [
        Edge(type="GRANTED", start="identity:bot", end="permission:Do"),
        Edge(type="GRANTED", start="identity:role", end="permission:End"),
    ]
    edges += [Edge(type="MEMBER_OF", start="identity:bot", end="group:crew", properties={"since": 1})]
    life.graph(
        "one",
        replace=True,
        nodes=(*people, *rights, bot, box, role, Node(key="group:crew")),
        edges=tuple(edges),
    )
    life.graph("two", replace=False, nodes=(Node(key="resource:box:b1", labels=("cold",), tier="low"),))
    life.tell(PolicyPublished, pack="t", version="1", sha256="x", text=_rules())
    life.tell(PolicyShadowed, pack="trial", version="1", sha256="y", text=_rules(name="trial"), share_ppm=0)
    life.tell(PolicyPublished, pack="t", version="2", sha256="z", text=_rules("2"))
    # What is published is on trial no longer; the same text may be tried again later.
    once = {"pack": "t", "version": "3", "text": _rules("3")}
    life.tell(PolicyShadowed, **once, sha256="w", share_ppm=0)
    life.tell(PolicyPublished, **once, sha256="w")
    life.tell(PolicyShadowed, **{**once, "version": "2"}, sha256="z", share_ppm=0)
    life.tell(PolicyDrafted, draft="d1", packs=(("later", "later.yaml", "text"),))
    life.tell(PolicyDrafted, draft="d2", packs=(("never", "never.yaml", "text"),))
    life.tell(DraftClosed, draft="d2")
    life.tell(FindingRegistered, id="f1", owner="dana")
    # A session that ended long ago, one that has ended, one that is over.
    for chain, hours in (("ancient", 60), ("old", 3), ("over", 0)):
        life.act(f"{chain}-1", "m:Read", chain=chain)
        life.tell(ChainClosed, chain=chain)
        life.now_ms += hours * HOUR_MS
    life.tell(
        ChainOpened,
        chain="c",
        owner="gw",
        shared_with=("gw2",),
        intent={"actions": ["m:*"], "total": {"max": 50}},
    )
    life.act("e1", "m:Read", action_properties={"amount": 2})
    life.act("e2", "m:Write", resource="b2", parents=("e1",), context={"big": 2**40})
    life.act("e3", "m:Load", chain="d", parent_chain="c", resource="b2", parents=(), on_behalf_of=(DANA,))
    life.act("e4", "m:Load", chain="d", resource="b2", joins=("c",), labels=("x",))
    life.act("e5", "m:Read", chain="d", resource="b3")
    for number in range(25):
        life.act(f"more{number}", "m:Other", chain="more", resource=f"m{number}")
    life.act("e6", "m:Allow", chain="g")
    life.act("e7", "m:Become", chain="g", resource="role")
    for number in range(6):
        life.act(f"ask{number}", "m:Ask", chain=f"ask{number}")
    life.tell(
        Approved,
        decision="ask0",
        person=DANA,
        reason="fine",
        until_ms=life.now_ms + HOUR_MS,
        narrowed={"amount": 1},
    )
    life.tell(Approved, decision="ask1", person=DANA)
    life.act("used", "m:Ask", chain="ask1", review="ask1")
    life.tell(Rejected, decision="ask2", person=DANA, reason="no")
    life.tell(Endorsed, decision="ask3", person=DANA, reason="half")
    life.tell(ReviewWithdrawn, decision="ask4", reason="late")
    life.tell(Reported, action="e1", outcome="SUCCESS", labels=("told",), tokens=("t.email.aaaaaaaaaaaa",))
    life.tell(Reported, action="e1", outcome="SUCCESS", tokens=("i.email.bbbbbbbbbbbb", "cut"))
    life.tell(Reported, action="never", outcome="FAILURE", tokens=("i.email.cccccccccccc",))
    life.act("taken", "m:Read", chain="k")
    life.tell(Cancelled, action="taken")
    life.tell(Cancelled, action="never")
    for name in ("g1", "g2"):
        life.tell(
            Granted,
            id=name,
            identity="bot",
            actions=("m:*",),
            resources=("*",),
            from_ms=0,
            to_ms=life.now_ms + HOUR_MS,
            uses=3,
        )
    life.tell(Revoked, grant="g2")
    life.world.grants.use(("g1",))
    for kind, target in (("identity", "gone"), ("action", "x:*"), ("chain", "k"), ("pattern", "two")):
        life.tell(Suspended, target_kind=kind, target=target, reason="odd", until_ms=life.now_ms + HOUR_MS)
    life.tell(Relabelled, resource_type="box", resource="b3", labels=("late",))
    for cause in ("edr (here odd)", "siem"):
        life.tell(Signalled, identity="bot", weight=0.5, half_life_ms=HOUR_MS, cause=cause)
    life.tell(
        GrantAsked,
        id="q1",
        identity="bot",
        actions=("m:*",),
        resources=("*",),
        lasts_ms=HOUR_MS,
        purpose="work",
    )
    life.tell(
        GrantAsked,
        id="q2",
        identity="bot",
        actions=("m:*",),
        resources=("*",),
        lasts_ms=HOUR_MS,
        purpose="more",
    )
    life.tell(GrantSettled, request="q2", outcome="rejected")
    life.tell(
        GlassBroken, id="glass", identity="bot", pack="t", reason="fire", until_ms=life.now_ms + HOUR_MS
    )
    for name in ("late1", "late2"):
        life.act(name, "m:Ask", chain=name)
    life.tell(Confirmed, decision="late2", person=DANA, justified=True)
    life.graph("three", replace=True, nodes=(Node(key="group:soon"),), edges=(edges[2],), commit=False)
    return life.world


def _parts(world: World) -> dict[str, object]:
    grants, governance, sessions = world.grants, world.governance, world.sessions
    return {
        "seq": world.seq,
        "facts": world.estate.facts(),
        "nodes": list(world.estate.nodes()),
        "relabelled": world.estate.relabelled(),
        "grants": (grants.by_id, grants.revoked, grants.suspended, grants.halts.by_kind, grants.told, grants.used),
        "running": [[each.id for each in grants.of(name)] for name in ("bot", "dana")],
        "packs": (world.packs, world.published, world.ruleset.version),
        **{f"governance.{name}": value for name, value in vars(governance).items()},
        "cells": world.cells,
        "newest": world.newest_ms,
        "history": world.history.items(),
        "decided": (dict(world.decided.items()), world.decided.missing),
        "waiting": world.waiting,
        "answered": world.answered,
        "reported": world.reported,
        "cancelled": world.cancelled,
        "sightings": [(session, world.sightings.of(session), world.sightings.is_whole(session)) for session in ("c", "d", "never")],
        "signals": world.signals.by_identity,
        "reviews": world.reviews,
        "approved": world.approved,
        "opened": world.opened,
        "names_of": world.names_of,
        "redrawn": world.redrawn,
        "staged": world.staged,
        "sessions": (sessions.over, sessions.due_ms),
        **{f"sessions.{name}": {key: sorted(value) for key, value in getattr(sessions, name).items()} for name in ("chains", "keys", "ended")},
    }  # fmt: skip


def test_there_is_one_of_everything(lived: World) -> None:
    """Else what follows would compare nothing with nothing."""
    empty = {name for name, value in _parts(lived).items() if not value}
    assert empty == set()
    assert lived.cells[GONE] == Forgotten().also(["c:ancient", "x:ancient"])
    assert sorted(lived.sessions.ended) == ["old"]
    assert "over" in lived.sessions.over
    assert {name: trial.sha256 for name, trial in lived.governance.trials.items()} == {"trial": "y", "t": "z"}
    assert lived.governance.unconfirmed.keys() == {"late1"}
    assert lived.waiting.keys() == {"ask3", "ask5"}
    keys = [key for key in lived.cells if isinstance(key, str)]
    for first in ("s:", "p:", "r:", "u:", "n:", "t", "d:", "x:", "#"):
        assert any(key.startswith(first) for key in keys), first


@pytest.mark.parametrize("name", sorted(_parts(World())))
def test_a_part_is_read_as_it_was_written(name: str, lived: World) -> None:
    """Equal, whatever it is made of."""
    assert _parts(restore(snapshot(lived)))[name] == _parts(lived)[name]


def test_a_world_without_anything_is_read_too() -> None:
    """No time has passed in it."""
    assert _parts(restore(snapshot(World()))) == _parts(World())


def test_what_was_read_is_written_the_same(lived: World) -> None:
    """Byte for byte."""
    written = snapshot(lived)
    assert snapshot(restore(written)) == written


def test_a_setting_of_the_start_wins_over_what_packs_say(lived: World) -> None:
    """As for a world that was not read."""
    nobody = AccessRequest(
        id="n", chain="n", subject=Entity("agent", "nobody"), action="m:Read", resource=Entity("box", "b")
    )
    for entitlement, codes in ((None, []), ("required", ["subject_unknown"])):
        judged = restore(snapshot(lived), entitlement=entitlement).evaluate(nobody, lived.newest_ms)
        assert [reason.code.value for reason in judged.reasons] == codes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no snapshot",
        snapshot(World())[:-1],
        snapshot(World()).replace(b"\xa6format\x09", b"\xa6format\x08"),
    ],
)
def test_what_is_no_snapshot_of_this_version_says_so(data: bytes) -> None:
    """In one field, for whoever started with it."""
    with pytest.raises(
        BadInput, match=r"not a snapshot|the snapshot has format 8, this version reads 9"
    ) as caught:
        restore(data)
    assert caught.value.field == "snapshot"
