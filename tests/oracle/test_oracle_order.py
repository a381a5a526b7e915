"""The oracle's answers about time, chains, provenance and history, each reasoned from its rule."""

from tests.oracle.sample import BOTH, READ_THEN_SEND, act, completing, other, pattern

CAUSAL = pattern(READ_THEN_SEND)
FLOW = pattern(READ_THEN_SEND, relation="flow")
LOG = pattern(READ_THEN_SEND, relation="log")


def test_equal_times_are_ordered_by_the_record() -> None:
    """R1: of two records of one time the first comes first."""
    assert completing(LOG, act("e1", "read"), act("e2", "send")) == ["e2"]
    assert completing(LOG, act("e1", "send"), act("e2", "read")) == []


def test_a_window_includes_its_edge() -> None:
    """R1: exactly `within` apart is inside, a minute more is not."""
    timed = pattern(READ_THEN_SEND, within="30m")
    assert completing(timed, act("e1", "read", 0), act("e2", "send", 30)) == ["e2"]
    assert completing(timed, act("e1", "read", 0), act("e2", "send", 31)) == []


def test_time_does_not_run_backwards_within_a_cell() -> None:
    """R2: an action sent as 10:00 after one of 11:00 counts as 11:00, so the later one of 11:30 is near."""
    timed = pattern(READ_THEN_SEND, within="30m")
    assert completing(timed, act("e0", "write", 60), act("e1", "read", 0), act("e2", "send", 90)) == ["e2"]


def test_stored_times_are_taken_as_they_are() -> None:
    """R2: a record with `seq` keeps its time."""
    timed = pattern(READ_THEN_SEND, within="30m")
    trace = [act("e0", "write", 60, seq=1), act("e1", "read", 0, seq=2), act("e2", "send", 90, seq=3)]
    assert completing(timed, *trace) == []


def test_a_session_is_inherited_from_the_parent_chain() -> None:
    """R3: the parent's session wins over the record's own `session`."""
    child = act("e2", "send", chain="c2", parent_chain="c1", session="elsewhere")
    assert completing(LOG, act("e1", "read"), child) == ["e2"]


def test_a_session_is_fixed_by_the_first_record() -> None:
    """R3: a later `session` or `parent_chain` changes nothing."""
    trace = [
        act("e1", "read"),
        act("e2", "write", chain="c2"),
        act("e3", "send", chain="c2", parent_chain="c1"),
    ]
    assert completing(LOG, *trace) == []


def test_a_spawn_leaves_from_the_parents_newest_event() -> None:
    """R4: what the parent does after the spawn does not reach the child; by the log it does."""
    trace = [
        act("e1", "write"),
        act("e2", "write", chain="c2", parent_chain="c1"),
        act("e3", "read"),
        act("e4", "send", chain="c2"),
    ]
    assert completing(CAUSAL, *trace) == []
    assert completing(LOG, *trace) == ["e4"]


def test_a_join_holds_though_its_action_was_denied() -> None:
    """R5: the join outlives the denied action that carried it."""
    deny = pattern({"x": {"action": "never"}}, id="q", on_match="deny")
    trace = [
        act("e0", "write"),
        act("e1", "read", chain="c2", parent_chain="c1"),
        act("e2", "never", joins=["c2"]),
        act("e3", "send"),
    ]
    assert completing([CAUSAL, deny], *trace) == ["e2", "e3"]


def test_a_position_passes_through_an_empty_chain() -> None:
    """R5: a grandchild sees the grandparent though the chain between never acted."""
    trace = [
        act("e1", "read"),
        act("e2", "never", chain="c2", parent_chain="c1", executed=False),
        act("e3", "send", chain="c3", parent_chain="c2"),
    ]
    assert completing(CAUSAL, *trace) == ["e3"]


def test_a_join_of_another_session_gives_no_edge() -> None:
    """R5: laundering across sessions is not seen by session scope."""
    assert completing(CAUSAL, act("e1", "read", chain="c2"), act("e2", "send", joins=["c2"])) == []


def test_unknown_parents_mean_everything_earlier_and_none_means_nothing() -> None:
    """R6: null is happened-before, `[]` is no input."""
    assert completing(FLOW, act("e1", "read"), act("e2", "send", parents=None)) == ["e2"]
    assert completing(FLOW, act("e1", "read"), act("e2", "send", parents=[])) == []


def test_unknown_parents_reach_back_past_an_event_without_inputs() -> None:
    """R6: the flow paths of an event with unknown parents are its happened-before paths, all the way."""
    assert completing(FLOW, act("e1", "read"), act("e2", "write", parents=[]), act("e3", "send")) == ["e3"]


def test_one_bad_parent_makes_the_parents_unknown() -> None:
    """R7: an unknown, never executed or own id is not a parent."""
    start = [act("e0", "write", executed=False), act("e1", "read")]
    for bad in ("e9", "e0", "e2"):
        assert completing(FLOW, *start, act("e2", "send", parents=[bad])) == ["e2"]


def test_a_declared_parent_is_a_happened_before_edge() -> None:
    """R8: a good parent in an unjoined chain of the session counts for causal patterns too."""
    trace = [
        act("e0", "write"),
        act("e1", "read", chain="c2", parent_chain="c1"),
        act("e2", "send", parents=["e1"]),
    ]
    assert completing(CAUSAL, *trace) == ["e2"]
    assert completing(CAUSAL, *trace[:2], act("e2", "send")) == []


def test_a_denied_action_matches_nothing_but_keeps_its_place() -> None:
    """R9: a denied read starts nothing; the chain runs on through a denied action."""
    deny = pattern({"x": {"action": "read", "labels": {"any": ["bad"]}}}, id="q", on_match="deny")
    assert completing([CAUSAL, deny], act("e1", "read", labels=["bad"]), act("e2", "send")) == ["e1"]
    trace = [act("e1", "read"), act("e2", "read", labels=["bad"]), act("e3", "send")]
    assert completing([CAUSAL, deny], *trace) == ["e2", "e3"]


def test_force_believes_the_record() -> None:
    """R9 under force: what is denied counts when it was executed, and `executed: false` does not."""
    deny = pattern({"x": {"action": "read"}}, id="q", on_match="deny")
    assert completing([CAUSAL, deny], act("e1", "read"), act("e2", "send"), force=True) == ["e1", "e2"]
    assert completing(CAUSAL, act("e1", "read", executed=False), act("e2", "send"), force=True) == []


def test_a_cancelled_action_and_a_cancelled_guard_are_gone() -> None:
    """R10: from the cancel on."""
    cancel = other("cancel", action="e1")
    assert completing(CAUSAL, act("e1", "read"), cancel, act("e2", "send")) == []
    guarded = pattern({"b": {"action": "send"}}, unless=[{"action": "ok"}])
    assert completing(guarded, act("e1", "ok"), act("e2", "send"), cancel, act("e3", "send")) == ["e3"]


def test_a_reported_label_counts_from_the_report_on() -> None:
    """R11: at the action's own place; verdicts given stand."""
    steps = {"a": {"labels": {"any": ["raw"]}, "then": "b"}, "b": {"action": "send"}}
    report = other("report", action="e1", outcome="failure", labels=["raw"])
    trace = [act("e1", "read"), act("e2", "send"), report, act("e3", "send")]
    assert completing(pattern(steps), *trace) == ["e3"]


def test_several_tops_complete_in_any_order() -> None:
    """1.3: all tops are needed and the last one completes."""
    assert completing(pattern(BOTH), act("e1", "send"), act("e2", "read"), act("e3", "write")) == ["e2"]
