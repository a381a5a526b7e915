"""A sanitizer with a key cuts the paths of its own key value, and no others."""

from __future__ import annotations

import pytest

from tests.unit.lived import Record, act, last, policy

_KEYED: Record = {"key": {"v": "context.k"}}


def _pattern(**fields: object) -> Record:
    return {
        "id": "p",
        "on_match": "deny",
        "scope": "session",
        "steps": {
            "end": {"action": "m:Send", **_KEYED},
            "a": {"action": "m:Read", "then": "end", **_KEYED},
            "b": {"action": "m:List", "then": "end"},
        },
        **fields,
    }


@pytest.mark.parametrize("relation", ["causal", "flow"])
@pytest.mark.parametrize(("sent", "completes"), [("1", False), ("2", True), ("3", False)])
def test_a_key_says_which_paths_are_cut(relation: str, sent: str, completes: bool) -> None:
    """Two values were read and one of them cleaned; the step without a key is read again after it."""
    rules = policy(_pattern(relation=relation, sanitized_by=[{"action": "x:Redact", **_KEYED}]))
    answer = last(
        rules,
        act("e1", "m:Read", 1, context={"k": "1"}),
        act("e2", "m:Read", 2, context={"k": "2"}),
        act("e3", "x:Redact", 3, context={"k": "1"}),
        act("e4", "m:List", 4),
        act("e5", "m:Send", 5, context={"k": sent}),
    )
    assert bool(answer.completions) is completes


@pytest.mark.parametrize(("cleans", "completes"), [("x:Redact", False), ("x:Other", True)])
def test_a_sanitizer_cuts_the_steps_without_a_key_too(cleans: str, completes: bool) -> None:
    """What lies before it is passed on no more, whatever the value."""
    rules = policy(_pattern(sanitized_by=[{"action": "x:Redact", **_KEYED}]))
    answer = last(
        rules,
        act("e1", "m:List", 1),
        act("e2", cleans, 2, context={"k": "1"}),
        act("e3", "m:Read", 3, context={"k": "1"}),
        act("e4", "m:Send", 4, context={"k": "1"}),
    )
    assert bool(answer.completions) is completes
