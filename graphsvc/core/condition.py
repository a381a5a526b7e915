"""Conditions of a policy file compiled to tests of an event, split by what they depend on.

Whether an action's name and effects fit is fixed per action, so it is asked once per action name
and remembered; the rest is asked per event, cheapest first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from graphsvc.core.cel import Condition, compile_condition
from graphsvc.core.event import Declaration, Event
from graphsvc.core.glob import matcher
from graphsvc.core.policy.condition import EventCondition, LabelCondition, ResourceCondition, SubjectCondition

__all__ = [
    "ActionTest",
    "EventTest",
    "LabelTest",
    "compile_action_test",
    "compile_event_tests",
    "compile_label_test",
    "compile_when",
    "labels_asked",
]

LabelTest: TypeAlias = Callable[[frozenset[str]], bool]
EventTest: TypeAlias = Callable[[Event], bool]
ActionTest: TypeAlias = Callable[[str, Declaration], bool]


def compile_action_test(condition: EventCondition) -> ActionTest:
    """True when the action's name and declared effects fit."""
    names = matcher(condition.action) if condition.action else None
    effects = frozenset(condition.effects)

    def test(action: str, declaration: Declaration) -> bool:
        return (names is None or names(action)) and (
            not effects or not effects.isdisjoint(declaration.effects)
        )

    return test


def compile_label_test(condition: EventCondition) -> LabelTest | None:
    """True for labels of an event that fit; None when any do."""
    return _label_test(condition.labels) if condition.labels is not None else None


def labels_asked(condition: EventCondition) -> frozenset[str]:
    """The labels of an event that its condition on labels mentions: no others can matter to it."""
    asked = condition.labels
    return frozenset((*asked.any, *asked.all, *asked.none)) if asked is not None else frozenset()


def compile_event_tests(
    condition: EventCondition, when: Condition | None, *, on_error: bool
) -> tuple[EventTest, ...]:
    """What is left to ask of an event, its action and labels aside; all must hold.

    when: its `when`, compiled. on_error: what that counts as where it cannot be answered (rule R24).
    """
    tests: list[EventTest] = []
    if condition.resource is not None:
        tests += _resource_tests(condition.resource)
    if condition.subject is not None:
        tests += _subject_tests(condition.subject)
    if condition.argument is not None:
        roles, facts = frozenset(condition.argument.role), frozenset(condition.argument.facts)
        tests.append(
            lambda event: any(
                (not roles or argument.role in roles) and (not facts or argument.fact in facts)
                for argument in event.arguments
            )
        )
    if condition.destination:
        # Whoever owns the place knows it.
        wanted = frozenset(condition.destination)
        accepted = wanted | {"owned"} if "known" in wanted else wanted
        tests.append(lambda event: event.destination in accepted)
    if when is not None:
        judge = when.judge

        def holds(event: Event) -> bool:
            answer = judge(event)
            if answer is None:
                when.unanswered += 1
                return on_error
            return answer

        tests.append(holds)
    return tuple(tests)


def compile_when(condition: EventCondition) -> Condition | None:
    """Its `when`; None when it has none."""
    return compile_condition(condition.when) if condition.when is not None else None


def _label_test(condition: LabelCondition) -> LabelTest | None:
    any_of, all_of, none_of = frozenset(condition.any), frozenset(condition.all), frozenset(condition.none)
    if not (any_of or all_of or none_of):
        return None
    return lambda labels: (
        (not any_of or not any_of.isdisjoint(labels)) and all_of <= labels and none_of.isdisjoint(labels)
    )


def _resource_tests(condition: ResourceCondition) -> list[EventTest]:
    tests: list[EventTest] = []
    if condition.type:
        types = frozenset(condition.type)
        tests.append(lambda event: event.resource_type in types)
    if condition.id:
        ids = matcher(condition.id)
        tests.append(lambda event: ids(event.resource_id))
    if condition.tier:
        tiers = frozenset(condition.tier)
        tests.append(lambda event: event.what.tier in tiers)
    fits = _label_test(condition.labels) if condition.labels is not None else None
    if fits is not None:
        tests.append(lambda event: fits(frozenset(event.what.labels)))
    return tests


def _subject_tests(condition: SubjectCondition) -> list[EventTest]:
    tests: list[EventTest] = []
    if condition.kind:
        kinds = frozenset(condition.kind)
        tests.append(lambda event: event.subject_kind in kinds)
    if condition.id:
        ids = matcher(condition.id)
        tests.append(lambda event: ids(event.subject))
    if condition.group:
        groups = frozenset(
            group if group.startswith("group:") else f"group:{group}" for group in condition.group
        )
        tests.append(lambda event: not groups.isdisjoint(event.who.holders))
    return tests
