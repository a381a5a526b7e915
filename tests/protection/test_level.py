"""Levels: monitor, escalate or deny per pattern, group of identities, action effect and resource; observed packs."""

from __future__ import annotations

import pytest

from graphsvc.cli.scenario import run_tests
from graphsvc.core.policy.load import load_policies

ACTIONS = """
actions:
  "x:Read": {effects: [read]}
  "x:Pay": {effects: [pay]}
  "x:Send": {effects: [send]}
"""
GRAPH = """
    graph:
      nodes:
        - {type: identity, id: pilot, kind: agent}
        - {type: identity, id: other, kind: human}
        - {type: group, id: pilots}
        - {type: resource, resource_type: box, id: sand, tier: sandbox}
        - {type: resource, resource_type: box, id: gold, tier: crown}
      edges: [{type: MEMBER_OF, from: "identity:pilot", to: "group:pilots"}]
"""


def pack(name: str, body: str, *, settings: str = "entitlement: 'off'", more: str = "") -> str:
    return f"graphsvc: 1\npack: {{id: {name}}}\nsettings: {{{settings}}}\n{more}patterns:\n  - id: {name}-one\n{body}\n"


def ends(tests: str, *packs: str) -> list[str]:
    """What differs from the expectations of a trace; every line is one of its records."""
    records = "\n".join(f"      - {{{line.strip()}}}" for line in tests.strip().splitlines())
    story = (
        f"graphsvc: 1\npack: {{id: tests}}\n{ACTIONS}tests:\n  - name: story{GRAPH}    trace:\n{records}\n"
    )
    policies = load_policies([(text, f"{n}.yaml") for n, text in enumerate((*packs, story))])
    return [str(failure) for failure in run_tests(policies)[1]]


DENY = "    on_match: deny\n    steps: {a: {effects: [pay, send]}}"
LEVELS = """
    levels:
      - {on_match: monitor, resource: {tier: sandbox}}
      - {on_match: escalate, subject: {group: pilots}, effects: [pay]}"""
CASES = [
    ("subject: other, action: 'x:Pay', resource: {type: box, id: gold}, expect: DENY"),
    ("subject: pilot, action: 'x:Pay', resource: {type: box, id: gold}, expect: ESCALATE"),
    ("subject: pilot, action: 'x:Send', resource: {type: box, id: gold}, expect: DENY"),
    ("subject: pilot, action: 'x:Pay', resource: {type: box, id: sand}, expect: PERMIT, completes: [p-one]"),
]


@pytest.mark.parametrize("line", CASES)
def test_the_first_level_that_fits_counts(line: str) -> None:
    """By group, by effect of the action, by tier of the resource; what no level fits keeps `on_match`."""
    assert ends(line, pack("p", DENY + LEVELS)) == []


def test_levels_of_a_pack_come_after_those_of_its_pattern() -> None:
    """A pack's levels hold for all its patterns and for no other pack's; a pattern's own win."""
    general = "levels: [{on_match: monitor, subject: {group: pilots}}]\n"
    other = pack("q", "    on_match: escalate\n    steps: {a: {effects: [send]}}")
    assert (
        ends("subject: pilot, action: 'x:Send', expect: ESCALATE", pack("p", DENY, more=general), other) == []
    )
    assert (
        ends("subject: pilot, action: 'x:Pay', expect: ESCALATE", pack("p", DENY + LEVELS, more=general))
        == []
    )
    assert ends("subject: other, action: 'x:Pay', expect: DENY", pack("p", DENY, more=general)) == []


def test_a_missing_key_has_the_level_of_its_pattern() -> None:
    """Leaving out a key gets what a completion would get."""
    keyed = "    on_match: deny\n    steps: {a: {action: 'x:Pay', key: {v: context.v}}}"
    assert (
        ends("subject: other, action: 'x:Pay', expect: DENY, reasons: [key_missing]", pack("p", keyed)) == []
    )
    line = "subject: pilot, action: 'x:Pay', expect: ESCALATE, reasons: [key_missing]"
    assert ends(line, pack("p", keyed + LEVELS)) == []


OBSERVED = "entitlement: 'off', enforce: observe"
ENFORCED = "entitlement: 'off', enforce: 'on'"


def test_an_observed_pack_stops_nothing_beside_an_enforced_one() -> None:
    """Its verdict is told and not given; the other pack's is given."""
    watched = pack("p", DENY, settings=OBSERVED)
    escalating = pack("q", "    on_match: escalate\n    steps: {a: {effects: [send]}}", settings=ENFORCED)
    told = "subject: other, action: 'x:Pay', expect: PERMIT, completes: [p-one], reasons: [observe_only, pattern_completed]"
    assert ends(told, watched, escalating) == []
    both = "subject: other, action: 'x:Send', expect: ESCALATE, completes: [p-one, q-one]"
    assert ends(both, watched, escalating) == []


def test_an_observed_threshold_stops_nothing_beside_an_enforced_one() -> None:
    """Of thresholds only those of enforced packs act; the lower one of an observed pack is told."""
    watched = pack(
        "p", "    on_match: monitor\n    steps: {a: {effects: [read]}}", settings=f"{OBSERVED}, deny_at: 0.5"
    )
    body = "    severity: critical\n    on_match: escalate\n    steps: {a: {action: 'x:Read', then: b}, b: {action: 'x:Send'}}"
    line = "subject: other, action: 'x:Read', expect: {}, reasons: [{}]"
    lax = pack("q", body, settings=f"{ENFORCED}, deny_at: 0.9")
    tight = pack("q", body, settings=f"{ENFORCED}, deny_at: 0.4")
    half = watched.replace("0.5", "0.3")
    assert ends(line.format("PERMIT", "observe_only, pattern_completed, risk_threshold"), half, lax) == []
    assert ends(line.format("DENY", "pattern_completed, risk_threshold"), half, tight) == []


def test_what_an_observed_pack_would_have_stopped_becomes_history() -> None:
    """A permitted action counts for later ones, whoever would have stopped it."""
    watched = pack("p", DENY, settings=OBSERVED)
    chain = pack(
        "q",
        "    on_match: deny\n    steps: {a: {action: 'x:Pay', then: b}, b: {action: 'x:Read'}}",
        settings=ENFORCED,
    )
    story = """
        subject: other, action: 'x:Pay', expect: PERMIT
        subject: other, action: 'x:Read', expect: DENY, completes: [q-one]
    """
    assert ends(story, watched, chain) == []


def test_entitlement_that_only_an_observed_pack_asks_for_stops_nothing() -> None:
    """Of several packs the strictest asks; where that one is observed, what the others ask for is given."""
    body = "    on_match: monitor\n    steps: {a: {action: 'x:Never'}}"
    lax = pack("q", body, settings=ENFORCED)
    told = "subject: other, action: 'x:Read', expect: {}, reasons: [{}]"
    strict = pack("p", body, settings="entitlement: required, enforce: observe")
    assert ends(told.format("PERMIT", "not_entitled, observe_only"), strict, lax) == []
    both = pack("r", body, settings="entitlement: required, enforce: 'on'")
    assert ends(told.format("DENY", "not_entitled"), strict, both) == []
