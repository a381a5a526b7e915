"""What publishing packs would change, by meaning."""

from graphsvc.core.policy.diff import Change, Field, policy_changes
from graphsvc.core.policy.load import load_policy

OLD = """
graphsvc: 1
pack: {id: site, version: "1"}
settings: {entitlement: required}
actions:
  "mail:Send": {effects: [send]}
  "crm:Read": {effects: [read]}
patterns:
  - id: stays
    severity: high
    on_match: deny
    steps: {a: {action: "x:*", then: b}, b: {effects: [send]}}
  - id: goes
    severity: low
    on_match: monitor
    steps: {a: {action: "y:*", then: b}, b: {effects: [read]}}
"""
NEW = """
# The same, written otherwise, where nothing is meant to change.
graphsvc: 1
pack:
  id: site
  version: "2"
settings: {entitlement: advisory}
actions:
  "crm:Read": {effects: read}
  "mail:Send": {effects: [send, write]}
patterns:
  - id: stays
    on_match: escalate
    severity: high
    steps: {b: {effects: [send]}, a: {then: b, action: "x:*"}}
  - id: comes
    severity: low
    on_match: monitor
    steps: {a: {action: "y:*", then: b}, b: {effects: [read]}}
"""


def test_changes_are_told_by_meaning() -> None:
    """Order, comments and short forms are no change; every other field is named with both values."""
    found = policy_changes([load_policy(OLD, "old.yaml")], [load_policy(NEW, "new.yaml")])
    assert found == [
        Change("changed", "pack", "site", "site", (Field("version", "1", "2"),)),
        Change("changed", "setting", "site", "entitlement", (Field("", "required", "advisory"),)),
        Change("changed", "action", "site", "mail:Send", (Field("effects", ["send"], ["send", "write"]),)),
        Change("added", "pattern", "site", "comes"),
        Change("removed", "pattern", "site", "goes"),
        Change("changed", "pattern", "site", "stays", (Field("on_match", "deny", "escalate"),)),
    ]


def test_the_same_changes_nothing() -> None:
    """A pack against itself; packs that are not published again stay out of it."""
    assert policy_changes([load_policy(OLD, "a.yaml")], [load_policy(OLD, "b.yaml")]) == []
    other = load_policy(OLD.replace("id: site", "id: other"), "c.yaml")
    assert policy_changes([load_policy(OLD, "a.yaml"), other], [load_policy(OLD, "b.yaml")]) == []
    added = policy_changes([], [other])
    assert {change.kind for change in added} == {"added"}
    assert [change.what for change in added] == ["pack", "setting", "action", "action", "pattern", "pattern"]
