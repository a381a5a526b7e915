"""Laws of sequences: what must hold of the engine for all patterns and histories of a kind, M1 to M15."""

import copy
import random
from collections.abc import Callable

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from graphsvc.core.evaluate import Evaluation
from graphsvc.core.trace import item_from_record
from tests.law.engine import replay
from tests.law.strategy import ALL_FEATURES, Case, random_case

_TREES = frozenset({"keys", "windows", "principal_scope", "causal_relation", "multi_top", "counting"})
_GUARDED = _TREES | {"unless", "without", "sanitized", "distinct", "approvals", "flow_relation", "parents"}


def _random_cases(law: Callable[..., None]) -> Callable[..., None]:
    """A law of every case: each run draws some others. None is shrunk, for a smaller seed is no smaller case."""
    phases = (Phase.explicit, Phase.reuse, Phase.generate)
    return settings(max_examples=25, phases=phases)(given(seed=st.integers(0, 2**48))(law))


Edit = Callable[[Case, random.Random], Case | None]


def _played(case: Case) -> dict[str, Evaluation]:
    """What the engine says of every action when the trace says what happened."""
    played = replay(case.policy, case.graph, [], force=True)
    found: dict[str, Evaluation] = {}
    for record in case.trace:
        evaluation = played.step(item_from_record(record))
        if evaluation is not None:
            found[evaluation.request.id] = evaluation
    return found


def _completed(evaluation: Evaluation) -> set[str]:
    return {completion.pattern for completion in evaluation.completions}


def _actions(case: Case) -> list[int]:
    return [place for place, record in enumerate(case.trace) if record["type"] == "action"]


def _edited(seed: int, features: frozenset[str], edit: Edit) -> tuple[Case, Case]:
    """A case and its edited form; the next one when it cannot be edited."""
    rng = random.Random(seed)
    while True:
        case = random_case(rng, features)
        after = edit(copy.deepcopy(case), rng)
        if after is not None:
            return case, after


def _never_loses(before: Case, after: Case, *, risk: bool = True) -> None:
    one, other = _played(before), _played(after)
    for name, evaluation in one.items():
        assert _completed(evaluation) <= _completed(other[name]), name
        if risk:
            assert evaluation.risk.after_micros <= other[name].risk.after_micros, name


def _insert(case: Case, rng: random.Random) -> Case | None:
    # Times must be able to stay as they are, and chains to begin where they did (rules R2, R3).
    place = rng.choice(_actions(case))
    event = {**copy.deepcopy(case.trace[place]), "id": "extra", "executed": True}
    if any(record.get("chain") == event["chain"] for record in case.trace[:place]):
        case.trace.insert(place, event)
        return case
    return None


@_random_cases
def test_m1_an_event_more_takes_nothing_away(seed: int) -> None:
    """M1: without guards an inserted event never un-completes a later one and never lowers the risk."""
    _never_loses(*_edited(seed, _TREES, _insert))


def _more_parents(case: Case, rng: random.Random) -> Case | None:
    declared = [place for place in _actions(case) if case.trace[place].get("parents")]
    if not declared:
        return None
    place = rng.choice(declared)
    earlier = [
        record["id"]
        for record in case.trace[:place]
        if record["type"] == "action" and record["chain"] == case.trace[place]["chain"]
    ]
    case.trace[place]["parents"] += earlier[-1:]
    return case if earlier else None


@_random_cases
def test_m2_more_inputs_take_nothing_away(seed: int) -> None:
    """M2: declaring more inputs never un-completes anything."""
    _never_loses(*_edited(seed, _TREES | {"flow_relation", "parents"}, _more_parents), risk=False)


def _more_labels(case: Case, rng: random.Random) -> Case | None:
    if '"none"' in repr(case.policy).replace("'", '"'):
        return None
    record = case.trace[rng.choice(_actions(case))]
    record["labels"] = sorted({*record["labels"], rng.choice(["hot", "cold", "raw"])})
    return case


@_random_cases
def test_m3_more_labels_take_nothing_away(seed: int) -> None:
    """M3: without `none` conditions more labels never un-complete anything, guards that ask for none or not."""
    _never_loses(*_edited(seed, _GUARDED, _more_labels))


def _without_last(case: Case, rng: random.Random) -> Case | None:
    if len(case.policy["patterns"]) < 2:
        return None
    del case.policy["patterns"][-1]
    return case


@_random_cases
def test_m4_a_pattern_more_leaves_the_others_alone(seed: int) -> None:
    """M4: with a pattern more the others complete as before, and the risk is not lower."""
    more, fewer = _edited(seed, ALL_FEATURES, _without_last)
    last = {more.policy["patterns"][-1]["id"]}
    one, other = _played(more), _played(fewer)
    for name, evaluation in one.items():
        assert _completed(evaluation) - last == _completed(other[name])
        assert evaluation.risk.after_micros >= other[name].risk.after_micros


def _renamed(case: Case, rng: random.Random) -> Case | None:
    for pattern in case.policy["patterns"]:
        pattern["id"] = f"z{9 - int(pattern['id'][1:])}"  # in another order by name too
    case.policy["patterns"].reverse()
    return case


@_random_cases
def test_m5_order_and_names_of_patterns_are_irrelevant(seed: int) -> None:
    """M5: renamed patterns in another order give the same verdicts, completions and risk, where these decide on too."""
    one, other = (replay(*case).world.decided for case in _edited(seed, ALL_FEATURES, _renamed))
    assert one.keys() == other.keys()
    for name, record in one.items():
        completed = {f"z{9 - int(each.pattern[1:])}" for each in record.completions}
        assert completed == {each.pattern for each in other[name].completions}
        assert (record.verdict, record.risk) == (other[name].verdict, other[name].risk)


def _strangers(case: Case) -> int | None:
    """The place of the first of two neighbours of one time that share no session, principal or resource."""
    played = _played(case)
    for place in range(len(case.trace) - 1):
        one, other = case.trace[place : place + 2]
        if not one["type"] == other["type"] == "action":
            continue
        first, second = played[one["id"]], played[other["id"]]
        simple = not any(record.get("parent_chain") or record["joins"] for record in (one, other))
        cells = [{*each.scopes, each.event.what.cell} for each in (first, second)]
        if simple and first.at_ms == second.at_ms and cells[0].isdisjoint(cells[1]):
            return place
    return None


def _swapped(case: Case, rng: random.Random) -> Case | None:
    case.trace[:] = [{**record, "at": case.trace[0]["at"]} for record in case.trace]
    place = _strangers(case)
    if place is None:
        return None
    case.trace[place : place + 2] = reversed(case.trace[place : place + 2])
    return case


@_random_cases
def test_m6_strangers_commute(seed: int) -> None:
    """M6: neighbouring events of one time that share no cell may change places."""
    before, after = _edited(seed, _TREES, _swapped)
    before.trace[:] = [{**record, "at": before.trace[0]["at"]} for record in before.trace]
    first, second = _played(before), _played(after)
    for name, evaluation in first.items():
        assert (_completed(evaluation), evaluation.risk) == (_completed(second[name]), second[name].risk)


def _wider(case: Case, rng: random.Random) -> Case | None:
    windowed = [pattern for pattern in case.policy["patterns"] if "within" in pattern]
    for pattern in windowed:
        pattern["within"] = "9h"
    return case if windowed else None


@_random_cases
def test_m7_a_wider_window_takes_nothing_away(seed: int) -> None:
    """M7: widening windows of patterns never un-completes anything, guarded or not."""
    _never_loses(*_edited(seed, _GUARDED | {"data_scope"}, _wider))


def _weaker(case: Case, relation: str) -> Case | None:
    stronger = {"log": ("causal", "flow"), "causal": ("flow",)}[relation]
    changed = [
        pattern
        for pattern in case.policy["patterns"]
        if pattern["scope"] == "session"
        and "steps" in pattern
        and pattern.get("relation", "causal") in stronger
        and (relation != "log" or "sanitized_by" not in pattern)
    ]
    for pattern in changed:
        pattern["relation"] = relation
    return case if changed else None


@_random_cases
@pytest.mark.parametrize("relation", ["log", "causal"])
def test_m8_a_weaker_relation_finds_whatever_a_stronger_one_finds(relation: str, seed: int) -> None:
    """M8: `log` completes what `causal` and `flow` do, and `causal` what `flow` does, sanitizers or not."""
    _never_loses(*_edited(seed, _GUARDED, lambda case, rng: _weaker(case, relation)), risk=False)


def _guard_more(case: Case, rng: random.Random) -> Case | None:
    event = copy.deepcopy(case.trace[rng.choice(_actions(case))])
    event |= {"id": "extra", "action": {"name": "g:Only"}, "executed": True, "joins": []}
    place = (
        next(place for place, record in enumerate(case.trace) if record.get("chain") == event["chain"]) + 1
    )
    for pattern in case.policy["patterns"]:
        pattern["unless"] = [{"action": "g:Only", "by": "anyone"}]
    case.trace.insert(place, event)
    return case


@_random_cases
def test_m10_a_guard_adds_no_completion(seed: int) -> None:
    """M10: an event that is only a guard of a pattern never adds a completion of it."""
    before, after = _edited(seed, frozenset({"keys", "causal_relation", "multi_top"}), _guard_more)
    del before.policy["patterns"][:]
    before.policy["patterns"] += after.policy["patterns"]
    one, other = _played(before), _played(after)
    for name, evaluation in one.items():
        assert _completed(other[name]) <= _completed(evaluation)


@_random_cases
def test_m13_time_alone_never_raises_the_risk(seed: int) -> None:
    """M13: judged later and later, the same request finds no higher risk before it, signals included."""
    rng = random.Random(seed)
    case = random_case(rng, _TREES | {"unless"})
    signal = {
        "type": "signal", "identity": "bot1", "weight": 0.5, "half_life": "1h", "cause": "test",
        "at": case.trace[0]["at"],
    }  # fmt: skip
    world = replay(case.policy, case.graph, [signal, *case.trace]).world
    request = next(iter(world.decided.values())).request
    start_ms = max(newest for newest in world.cells.values() if isinstance(newest, int))
    risks = [world.evaluate(request, start_ms + hours * 1_700_000).risk.before_micros for hours in range(12)]
    assert risks == sorted(risks, reverse=True)


def _split(case: Case, rng: random.Random) -> Case | None:
    """The rest of a chain becomes a child, and whoever joined or continued the parent joins the child."""
    chains = [record["chain"] for record in case.trace if record["type"] == "action"]
    if len(set(chains)) != 1:
        return None
    own = _actions(case)
    if len(own) < 4:
        return None
    middle = own[len(own) // 2]
    for place in own:
        if place >= middle:
            case.trace[place] |= {"chain": "child", "parent_chain": chains[0]}
    return case


@_random_cases
def test_m14_splitting_a_chain_takes_nothing_away(seed: int) -> None:
    """M14: a chain whose rest is done by a child it spawned completes whatever it did before."""
    rng = random.Random(seed)
    case = random_case(rng, _TREES)
    for record in case.trace:
        if record["type"] == "action":
            record.update({"chain": "c1", "session": "shared", "joins": []})
            record.pop("parent_chain", None)
    after = _split(copy.deepcopy(case), rng)
    if after is None:
        return
    _never_loses(case, after, risk=False)


def _middle_by_a_child(case: Case, rng: random.Random) -> Case | None:
    """Some records of the only chain are done by a child, which the parent's next action joins."""
    own = _actions(case)
    if len(own) < 4:
        return None
    first, last = own[len(own) // 3], own[2 * len(own) // 3]
    for place in own:
        if first <= place < last:
            case.trace[place] |= {"chain": "child", "parent_chain": "c1"}
    case.trace[last]["joins"] = ["child"]
    return case


@_random_cases
def test_m14_a_part_done_by_a_child_and_joined_back_takes_nothing_away(seed: int) -> None:
    """M14: what a child did is before whatever the parent does once it has joined it."""
    rng = random.Random(seed)
    case = random_case(rng, _TREES | {"unless", "without"})
    for record in case.trace:
        if record["type"] == "action":
            record.update({"chain": "c1", "session": "shared", "joins": []})
            record.pop("parent_chain", None)
    after = _middle_by_a_child(copy.deepcopy(case), rng)
    if after is not None:
        _never_loses(case, after, risk=False)


@_random_cases
def test_m15_more_weight_never_lowers_the_risk(seed: int) -> None:
    """M15: raising the weight of a severity or the chance of a step never lowers any risk."""

    def heavier(case: Case, rng: random.Random) -> Case | None:
        case.policy["score"] = {"sigma": {"high": 0.8}, "q": 0.7}
        return case

    one, other = map(_played, _edited(seed, _TREES, heavier))
    for name, evaluation in one.items():
        assert evaluation.risk.before_micros <= other[name].risk.before_micros
        assert evaluation.risk.after_micros <= other[name].risk.after_micros
