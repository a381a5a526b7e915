"""What a condition or a pack reads of requests: never too little."""

import pytest

from graphsvc.core.cel.mention import ROOTS, read_by_condition
from graphsvc.core.policy.load import load_policy
from graphsvc.core.reading import Reads, attributes_of

EVERYTHING = {f"{root}.*" for root in ROOTS}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("context.a > 1 && context.b.c == 2", {"context.a", "context.b"}),
        ('context["a"] == context [ \'b\' ]', {"context.a", "context.b"}),
        ("has(context.a)", {"context.a"}),
        ("context.a.exists(each, each.b == context.c)", {"context.a", "context.c"}),
        ("context.exists(name, name == 'a')", {"context.*"}),
        ("size(context) > 1", {"context.*"}),
        ('"a" in context', {"context.*"}),
        ("context[action.name] == 1", {"context.*"}),
        ('context[r"a"] == 1', {"context.*"}),
        (r'context["\x61"] == 1', {"context.*"}),
        ('context["a" + "b"] == 1', {"context.*"}),
        ('context["a\0"] == 1', {"context.*"}),
        ("(context).a == 1", {"context.*"}),
        ("[context].exists(each, each.a == 1)", {"context.*"}),
        (".context.a == 1", {"context.a"}),
        ("context.?a.orValue(1) == 1", {"context.*"}),
        ("action.properties.a == 1 && action.name == 'x'", {"action.properties.a"}),
        ('resource["properties"].a == subject.properties["b"]', {"resource.properties.a", "subject.properties.b"}),
        ("resource.properties.exists(name, true)", {"resource.properties.*"}),
        ("subject == resource.id", {"subject.properties.*"}),
        ("resource.properties.context == 1", {"resource.properties.context"}),
        ("'context.a' == context.b // context.c", {"context.b"}),
        ("context.b == 1 // it's\n&& context.c == 1", {"context.b", "context.c"}),
        ('r"\\" == context.a && "x" == "y"', {"context.a"}),
        ("'''it's context.a''' == context.b", {"context.b"}),
        ('context.a == "unended', EVERYTHING),
        ("resource.tier == 'gold' && 'hot' in labels && size(principals) > 1", set()),
    ],
)  # fmt: skip
def test_a_condition_reads(text: str, read: set[str]) -> None:
    """By the first name below the root; the whole map wherever it goes somewhere else."""
    assert read_by_condition(text) == read


PACK = """
graphsvc: 1
pack: {id: p, version: "1", description: "context.prose"}
actions:
  "mail:Send": {effects: [send], arguments: {to: destination, sum: amount}, creates: named}
patterns:
  - id: one
    title: speaks of context.title
    steps:
      a: {action: "x:A", key: {v: context.key-1.deep, w: resource.properties.owner}, then: b, when: "context.step > 1"}
      b: {action: "x:B", key: {v: action.properties.v, w: resource.id}, at: completion, when: "has(subject.properties.team)"}
    unless: [{action: "x:U", when: "context.guard"}]
    without: [{action: "x:R", between: [a, b], when: "context.reset"}]
    sanitized_by: [{action: "x:S", when: "context.cut"}]
  - id: two
    count: {step: {action: "x:C", when: "context.counted"}, distinct: context.different, more_than: 3}
"""


def test_a_pack_reads_what_each_part_of_it_reads() -> None:
    """Steps, keys, guards, resets, cuts, counts and roles of arguments; words for people read nothing."""
    named = {
        name.removeprefix("context.") for name in attributes_of(load_policy(PACK, "p")) if "context" in name
    }
    assert named == {"key-1", "step", "guard", "reset", "cut", "counted", "different"}
    others = {name for name in attributes_of(load_policy(PACK, "p")) if "context" not in name}
    assert others == {
        "action.properties.to", "action.properties.sum", "action.properties.named", "action.properties.v",
        "resource.properties.owner", "subject.properties.team",
    }  # fmt: skip


def test_native_conditions_take_keys_in_any_case() -> None:
    """As AWS does."""
    reads = Reads((), ["aws:SourceIp"])
    assert reads.has("context", "AWS:sourceip")
    assert not reads.has("action.properties", "aws:SourceIp")
    assert not reads.has("context", "aws:SourceVpc")
