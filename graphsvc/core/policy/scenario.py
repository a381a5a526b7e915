"""The tests inside a policy file: a small graph, a trace, and what each action should be answered."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field, JsonValue

from graphsvc.core.policy.scalar import DurationMs, Model, Text, Verdict, as_tuple, exactly

__all__ = ["PolicyTest", "TestEntity", "TestEvent", "TestGraph"]


class TestEntity(Model):
    """Somebody or something in a test; written as a bare id or as a mapping.

    type: None where it was not written. The id is kept as written, colons included.
    """

    __test__ = False

    id: Text
    type: Text | None = None
    properties: dict[str, JsonValue] = Field(default_factory=dict)


class TestAction(Model):
    """The action of a test event; written as its bare name or as a mapping."""

    __test__ = False

    name: Text
    properties: dict[str, JsonValue] = Field(default_factory=dict)


def _entity(value: object) -> object:
    return {"id": value} if isinstance(value, str) else value


def _action(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


Entity: TypeAlias = Annotated[TestEntity, BeforeValidator(_entity, json_schema_input_type=Text | TestEntity)]
Action: TypeAlias = Annotated[TestAction, BeforeValidator(_action, json_schema_input_type=Text | TestAction)]
# Unlike in conditions an empty list says something here: no parents, nothing completed.
Entities: TypeAlias = Annotated[
    tuple[Entity, ...],
    BeforeValidator(as_tuple, json_schema_input_type=Text | TestEntity | list[Text | TestEntity]),
]
Texts: TypeAlias = Annotated[
    tuple[Text, ...], BeforeValidator(as_tuple, json_schema_input_type=Text | list[Text])
]
TestGrant: TypeAlias = Annotated[
    tuple[Text, Text, Text],
    BeforeValidator(
        exactly(3, "identity, action and resource"),
        json_schema_input_type=Annotated[list[str], Field(min_length=3, max_length=3)],
    ),
]
Objects: TypeAlias = Annotated[
    tuple[dict[str, JsonValue], ...],
    BeforeValidator(as_tuple, json_schema_input_type=dict[str, JsonValue] | list[dict[str, JsonValue]]),
]


class TestGraph(Model):
    """The estate of a test.

    grants: (identity, action glob, resource glob). nodes, edges: objects as after `"node":` and
    `"edge":` in a graph file.
    """

    __test__ = False

    grants: Annotated[
        tuple[TestGrant, ...], BeforeValidator(as_tuple, json_schema_input_type=list[TestGrant])
    ] = ()
    nodes: Objects = ()
    edges: Objects = ()


class TestEvent(Model):
    """One record of a test's trace, fields as in a trace file.

    type: `action` (the default), or `report`, `cancel`, `approve` of an earlier one named by `of`.
    id: how later records name this one. review: the earlier action whose approval this one uses. after_ms: time since the record before (None = 1 s).
    parents: None = unknown, `()` = none. completes: None = not checked, `()` = nothing.
    """

    __test__ = False

    type: Literal["action", "report", "cancel", "approve"] = "action"
    id: Text | None = None
    of: Text | None = None
    by: Text | None = None
    at: Text | None = None
    after_ms: DurationMs | None = Field(default=None, alias="after")
    chain: Text = "c1"
    session: Text | None = None
    parent_chain: Text | None = None
    joins: Texts = ()
    subject: Entity | None = None
    on_behalf_of: Entities = ()
    action: Action | None = None
    resource: Entity | None = None
    labels: Texts = ()
    parents: Texts | None = None
    context: dict[str, JsonValue] = Field(default_factory=dict)
    arguments: Objects = ()
    intent: dict[str, JsonValue] | None = None
    outcome: Literal["success", "failure", "unknown"] = "success"
    tokens: Texts = ()
    review: Text | None = None
    executed: bool = True
    expect: Verdict | None = None
    completes: Texts | None = None
    reasons: Texts | None = None


class PolicyTest(Model):
    """A named story with its expected verdicts; run by `graphsvc policy test`.

    entitlement: overrides the pack's setting for this test; None leaves it.
    """

    name: Text
    entitlement: Literal["off", "advisory", "required"] | None = None
    graph: TestGraph = Field(default_factory=TestGraph)
    trace: Annotated[
        tuple[TestEvent, ...],
        BeforeValidator(
            as_tuple, json_schema_input_type=TestEvent | Annotated[list[TestEvent], Field(min_length=1)]
        ),
        Field(min_length=1),
    ]
