"""Conditions of a policy file compiled to tests of an event, split by what they depend on.

Whether an action's name and effects fit is fixed per action, so it is asked once per action name
and remembered; the rest is asked per event, cheapest first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from graphsvc.core.event import Declaration, Event
from graphsvc.core.glob import matcher
from graphsvc.core.policy.condition import EventCondition, LabelCondition, ResourceCondition, SubjectCondition

__all__ = ["ActionTest", "EventTest", "compile_action_test", "compile_event_tests"]

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


def compile_event_tests(condition: EventCondition) -> tuple[EventTest, ...]:
    """The remaining tests; all must hold."""
    tests: list[EventTest] = []
    if condition.labels is not None:
        tests += _label_tests(condition.labels, lambda event: event.labels)
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
    return tuple(tests)


def _label_tests(condition: LabelCondition, of: Callable[[Event], frozenset[str]]) -> list[EventTest]:
    tests: list[EventTest] = []
    if condition.any:
        wanted_any = frozenset(condition.any)
        tests.append(lambda event: not wanted_any.isdisjoint(of(event)))
    if condition.all:
        wanted_all = frozenset(condition.all)
        tests.append(lambda event: wanted_all <= of(event))
    if condition.none:
        unwanted = frozenset(condition.none)
        tests.append(lambda event: unwanted.isdisjoint(of(event)))
    return tests


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
        tests.append(lambda event: event.tier in tiers)
    if condition.labels is not None:
        tests += _label_tests(condition.labels, lambda event: frozenset(event.resource_labels))
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
        tests.append(lambda event: not groups.isdisjoint(event.holders()))
    return tests
