"""Random valid policies spoilt in one way each, with the code for which the file must then be refused (rule R27)."""

import copy
import random
from collections.abc import Callable
from typing import Any

__all__ = ["SPOILERS", "spoil"]

Record = dict[str, Any]
Spoiler = Callable[[Record, Record], None]


def spoil(policy: Record, rng: random.Random) -> tuple[Record, str, str]:
    """A copy of the policy with one mistake in one of its patterns, the expected code, and the mistake's name."""
    name = rng.choice(sorted(SPOILERS))
    code, change = SPOILERS[name]
    spoilt = copy.deepcopy(policy)
    change(spoilt, rng.choice(spoilt["patterns"]))
    return spoilt, code, name


def _steps(pattern: Record, steps: Record, **more: Any) -> None:
    """Give the pattern other steps, and nothing that names the old ones; more: further entries of the pattern."""
    for name in ("count", "distinct", "unless", "without", "sanitized_by", "relation", "principal", "within"):
        pattern.pop(name, None)
    pattern |= {"scope": "session", "steps": steps, **more}


def _chain(*keys: Record) -> Record:
    """Steps in a row, one for each key, which may be empty."""
    last = len(keys) - 1
    steps: Record = {}
    for number, key in enumerate(keys):
        step: Record = {"action": f"a:{number}", **({"key": key} if key else {})}
        steps[f"t{number}"] = step | ({"then": f"t{number + 1}"} if number < last else {})
    return steps


def _counting(pattern: Record, **more: Any) -> None:
    _steps(pattern, {}, **more)
    del pattern["steps"]
    pattern["count"] = {"step": {"action": "m:Read"}, "distinct": "resource.id", "more_than": 2}


def _asking(pattern: Record, when: str) -> None:
    steps = _chain({}, {})
    steps["t1"]["when"] = when
    _steps(pattern, steps)


def _edge(pattern: Record, **step: Any) -> None:
    steps = _chain({}, {})
    steps["t0"] |= step
    _steps(pattern, steps, within="1h")


_V = {"v": "resource.id"}
_TWO_TOPS: Record = {"t0": {"action": "a:0", "key": _V}, "t1": {"action": "a:1"}}

# By name: the code, and the mistake made in a policy and one of its patterns.
SPOILERS: dict[str, tuple[str, Spoiler]] = {
    "an unknown key": ("schema", lambda policy, _: policy.update(setings={})),
    "a value of another kind": ("schema", lambda _, pattern: pattern.update(severity="dreadful")),
    "no format": ("schema", lambda policy, _: policy.pop("graphsvc")),
    "an id twice": (
        "duplicate_id",
        lambda policy, pattern: policy["patterns"].append(copy.deepcopy(pattern)),
    ),
    "two kinds": (
        "kind",
        lambda _, p: p.update(steps=_chain({}), count={"step": {"action": "x"}, "more_than": 1}),
    ),
    "a circle": ("C1", lambda _, pattern: _edge(pattern, then="t0")),
    "a step that is none": ("C1", lambda _, pattern: _edge(pattern, then="t9")),
    "two successors": ("C1", lambda _, pattern: _edge(pattern, then=["t1", "t2"])),
    "a gap in a key": ("C2", lambda _, pattern: _steps(pattern, _chain(_V, {}, _V))),
    "tops that bind differently": ("C3", lambda _, pattern: _steps(pattern, copy.deepcopy(_TWO_TOPS))),
    "no window over sessions": ("C4", lambda _, pattern: _steps(pattern, _chain({}, {}), scope="principal")),
    "two kinds of window": ("C5", lambda _, pattern: _edge(pattern, within="5m")),
    "steps compared by size": ("C6", lambda _, pattern: _asking(pattern, "context.n > t0.context.n")),
    "a condition on another step": ("C7", lambda _, pattern: _asking(pattern, "t0.subject.id == subject.id")),
    "too many steps": ("C8", lambda _, pattern: _steps(pattern, _chain(*[{}] * 17))),
    "a guard nobody emits": ("C9", lambda _, p: _steps(p, _chain({}, {}), unless=[{"action": "grant:Ask"}])),
    "not a condition": ("condition", lambda _, pattern: _asking(pattern, "context.n >")),
    "an unbound guard key": (
        "guard_key",
        lambda _, p: _steps(p, _chain({}, {}), unless=[{"action": "m:Read", "key": {"u": "resource.id"}}]),
    ),
    "one step that differs": ("R13", lambda _, p: _steps(p, _chain({}, {}), distinct=["t0"])),
    "a sanitizer without paths": (
        "R15",
        lambda _, p: _steps(p, _chain({}, {}), relation="log", sanitized_by=[{"action": "x:Redact"}]),
    ),
    "a reset without an edge": (
        "R16",
        lambda _, p: _steps(p, _chain({}, {}), without=[{"action": "s:Reset", "between": ["t1", "t0"]}]),
    ),
    "a count without end": ("R17", lambda _, pattern: _counting(pattern, scope="principal")),
    "a count of flow": ("R23", lambda _, pattern: _counting(pattern, scope="data", within="1h")),
    "data without end": ("R23", lambda _, pattern: _steps(pattern, _chain({}, {}), scope="data")),
    "data to two tops": (
        "R23",
        lambda _, p: _steps(p, {"t0": {"action": "x"}, "t1": {"action": "y"}}, scope="data", within="1h"),
    ),
    "causes of a principal": (
        "R25",
        lambda _, p: _steps(p, _chain({}, {}), scope="principal", within="1h", relation="causal"),
    ),
    "data in order of the log": (
        "R25",
        lambda _, p: _steps(p, _chain({}, {}), scope="data", within="1h", relation="log"),
    ),
}
