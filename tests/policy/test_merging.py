"""How packs that are in force together act as one: their order, their actions, their settings."""

from __future__ import annotations

import itertools

import pytest

from graphsvc.core.policy.load import load_policies
from graphsvc.core.ruleset import Ruleset, compile_ruleset
from graphsvc.core.score import threshold_micros


def merged(*packs: str) -> Ruleset:
    texts = [(f"graphsvc: 1\n{pack}\n", f"{number}.yaml") for number, pack in enumerate(packs)]
    rulesets = [compile_ruleset(load_policies(order)) for order in itertools.permutations(texts)]
    assert len({each.settings for each in rulesets}) == 1, "the order of publishing must not matter"
    return rulesets[-1]


DECLARED = [
    # actions of pack a, of pack b (later), the action, the effect that it has
    ('{"m:Read": {effects: [read]}}', '{"m:*": {effects: [send]}}', "m:Read", "read"),
    ('{"m:*": {effects: [read]}}', '{"m:R*": {effects: [send]}}', "m:Read", "send"),
    ('{"m:R*": {effects: [read]}}', '{"m:*d": {effects: [send]}}', "m:Read", "send"),
    ('{"m:Read": {effects: [read]}}', '{"m:Read": {effects: [send]}}', "m:Read", "send"),
    ('{"m:R*": {effects: [read]}, "m:*d": {effects: [pay]}}', "{}", "m:Read", "read"),
]


@pytest.mark.parametrize(("first", "second", "action", "effect"), DECLARED)
def test_one_entry_describes_an_action(first: str, second: str, action: str, effect: str) -> None:
    """The exact name, else most literal characters, else the later pack, else the first in the file; no merging."""
    ruleset = merged(f"pack: {{id: a}}\nactions: {first}", f"pack: {{id: b}}\nactions: {second}")
    assert ruleset.declare(action).effects == {effect}


def test_an_overlay_acts_later_by_its_order() -> None:
    """`order` comes before the id, so a site's pack with a higher number wins over one of a later name."""
    ruleset = merged(
        'pack: {id: z}\nactions: {"m:*": {effects: [read]}}',
        'pack: {id: a, order: 200}\nactions: {"m:*": {effects: [send]}}',
    )
    assert ruleset.declare("m:x").effects == {"send"}
    assert [policy.pack.id for policy in ruleset.policies] == ["z", "a"]


@pytest.mark.parametrize(
    ("first", "second", "name", "value"),
    [
        ("escalate_at: 0.6", "escalate_at: 0.5", "escalate_at_micros", threshold_micros(0.5)),
        ("deny_at: 0.9", "escalate_at: 0.5", "deny_at_micros", threshold_micros(0.9)),
        ("entitlement: 'off'", "entitlement: advisory", "entitlement", "advisory"),
        ("entitlement: required", "entitlement: 'off'", "entitlement", "required"),
        ("outside_intent: monitor", "outside_intent: deny", "outside_intent", "deny"),
        ("enforce: observe", "deny_at: 0.9", "observe", True),
        ("enforce: observe", "enforce: 'on'", "observe", False),
    ],
)
def test_the_strictest_setting_wins(first: str, second: str, name: str, value: object) -> None:
    """Whichever pack says it, and in whatever order they are published."""
    ruleset = merged(f"pack: {{id: a}}\nsettings: {{{first}}}", f"pack: {{id: b}}\nsettings: {{{second}}}")
    assert getattr(ruleset.settings, name) == value
