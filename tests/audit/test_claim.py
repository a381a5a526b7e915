"""Which properties of subjects stay when a person is erased, because a rule may have read them: never too few."""

from __future__ import annotations

import json

import pytest

from graphsvc.core.governing import PolicyDrafted, PolicyShadowed
from graphsvc.core.graph import Node
from graphsvc.core.record import GraphCommitted, GraphStaged, PolicyPublished, Record
from graphsvc.core.world import World
from graphsvc.decide.claim import claims_read

PACK = """\
graphsvc: 1
pack: {id: reads, version: "1", description: "subject.properties.description"}
actions: {"mail:Read": {effects: [read]}}
patterns:
  - {id: p, title: "subject.properties.title", on_match: deny, steps: {one: {action: "mail:Read", %s}}}
"""


def pack(step: str) -> str:
    return PACK % step


def when(condition: str) -> str:
    return pack(f"when: {json.dumps(condition)}")


def world_of(*records: Record) -> World:
    world = World()
    for seq, record in enumerate(records, 1):
        world.apply(record, seq)
    return world


def published(text: str, version: str = "1") -> PolicyPublished:
    return PolicyPublished(at_ms=1, pack="reads", version=version, sha256="", text=text)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (pack("key: {who: subject.properties.Mail}"), {"mail"}),
        (when("subject.properties.Mail == 'x'"), {"mail"}),
        (
            when("""subject.properties["Mail"] == 'x' || subject . properties [ 'Phone' ] == ''"""),
            {"mail", "phone"},
        ),
        (when("has(subject.properties.deep.er)"), {"deep"}),
        (when("has(subject.properties)"), None),
        (when("subject.properties[string(context.field)] == ''"), None),
        (when("subject.properties.exists(name, name == 'mail')"), None),
        (when("""subject["properties"]["Mail"] == 'x'"""), {"mail"}),
        (when("dyn(subject).properties.mail == 'x'"), None),
        (when("action.name == 'mail' && resource.type == ''"), set()),
        (when("resource.properties.mail == 'x' && context.phone == ''"), set()),
        (when("context.note == 'subject.properties.mail' // subject.properties.phone"), set()),
    ],
)
def test_what_a_rule_reads_of_subjects(text: str, read: set[str] | None) -> None:
    """Names in small letters; all of them where a name cannot be told. Words for people read nothing."""
    assert claims_read(world_of(published(text))) == read


def test_every_rule_there_ever_was_counts() -> None:
    """Those that others replaced, were tried, were drafted, and the conditions of permissions."""
    first, second, tried, drafted = (
        when(f"subject.properties.{name} == ''") for name in ("first", "second", "tried", "drafted")
    )
    permission = Node(
        key="permission:p",
        fields={
            "actions": ["*"],
            "resources": ["*"],
            "effect": "allow",
            "condition": "subject.properties.asked == ''",
        },
    )
    world = world_of(
        published(first),
        published(second, "2"),
        PolicyShadowed(
            at_ms=1,
            pack="tried",
            version="1",
            sha256="",
            text=tried.replace("id: reads", "id: tried").replace("id: p,", "id: q,"),
        ),
        PolicyDrafted(at_ms=1, draft="d", packs=((drafted, "d.yaml", ""),)),
        GraphStaged(at_ms=1, load="l", nodes=(permission,)),
        GraphCommitted(at_ms=1, load="l", source="s"),
    )
    assert claims_read(world) == frozenset(("first", "second", "tried", "drafted", "asked"))


def test_a_rule_that_cannot_be_read_may_read_anything() -> None:
    """Such as a draft of a later version."""
    assert (
        claims_read(world_of(PolicyDrafted(at_ms=1, draft="d", packs=(("graphsvc: 99", "d.yaml", ""),))))
        is None
    )
