"""What AuthZEN requests and answers look like; unknown members are ignored, as the specification asks.

The docstrings are the descriptions in the OpenAPI document.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from msgspec import Meta, Struct

__all__ = [
    "AccessRequestBody", "Action", "ActionSearch", "Argument", "Decision", "DecisionContext", "Denial", "Entity",
    "Evaluation", "Evaluations", "EvaluationsAnswer", "Extension", "Failure", "FailureAnswer", "Found", "FoundAction",
    "FoundActions", "FoundEntities", "ItemError", "Options", "Page", "PageAnswer", "ProblemAnswer", "ResourceSearch",
    "Seek", "SubjectSearch", "Task", "TaskAnswer",
]  # fmt: skip

Text: TypeAlias = Annotated[str, Meta(min_length=1)]
Properties: TypeAlias = dict[str, Any] | None


class Entity(Struct, frozen=True):
    """A subject or a resource. A resource's type holds no colon."""

    type: Text
    id: Text
    properties: Properties = None


class Seek(Struct, frozen=True):
    """The subject or resource that is searched; an id is ignored."""

    type: Text
    properties: Properties = None


class Action(Struct, frozen=True):
    """What is to be done."""

    name: Text
    properties: Properties = None


class Argument(Struct, frozen=True):
    """A critical argument: where its value came from, never the value itself."""

    name: str
    role: str | None = None
    fact: str | None = None
    tokens: list[str] = []
    designation: int | None = None


class Extension(Struct, frozen=True, rename="camel"):
    """What `context.graphsvc` may say; nothing of it is needed.

    explain: answer with the verdict, its reasons and completed paths. The others are those of DecideInput: with a
    chain the request is judged as its next action, without one as a task of its own.
    """

    explain: bool = False
    chain: Text | None = None
    session: Text | None = None
    parent_chain: Text | None = None
    joins: list[Text] = []
    on_behalf_of: list[Entity] = []
    labels: list[str] = []
    parents: list[Text] | None = None
    arguments: list[Argument] = []
    intent: dict[str, Any] | None = None


class Evaluation(Struct, frozen=True):
    """May this happen?"""

    subject: Entity
    action: Action
    resource: Entity
    context: Properties = None


class Options(Struct, frozen=True):
    """How a batch is evaluated: execute_all (default), deny_on_first_deny or permit_on_first_permit."""

    evaluations_semantic: str | None = None


class Evaluations(Struct, frozen=True):
    """Several evaluations at once; what stands at the top is the default of each.

    Without `evaluations`, or with none in it, this is a single evaluation and answered like one.
    """

    subject: Any = None
    action: Any = None
    resource: Any = None
    context: Any = None
    evaluations: list[Any] | None = None
    options: Options | None = None


class Page(Struct, frozen=True):
    """Which part of the results. token: `next_token` of the answer before; limit: 1 to 1000, kept in the token."""

    token: str | None = None
    limit: Annotated[int, Meta(ge=1)] | None = None
    properties: Properties = None


class SubjectSearch(Struct, frozen=True):
    """Who may do this?"""

    subject: Seek
    action: Action
    resource: Entity
    context: Properties = None
    page: Page | None = None


class ResourceSearch(Struct, frozen=True):
    """To what may the subject do this?"""

    subject: Entity
    action: Action
    resource: Seek
    context: Properties = None
    page: Page | None = None


class ActionSearch(Struct, frozen=True):
    """What may the subject do to this?"""

    subject: Entity
    resource: Entity
    context: Properties = None
    page: Page | None = None


class Denial(Struct, frozen=True):
    """What an evaluation with `explain` said in its context; what is sent of it is checked."""

    evaluation_id: str | None = None
    expires_at: str | None = None


class AccessRequestBody(Struct, frozen=True):
    """Asks people to approve an escalated evaluation: the same four, unchanged."""

    subject: Entity
    action: Action
    resource: Entity
    context: Properties = None
    denial: Denial | None = None


class Task(Struct, frozen=True):
    """status: pending, approved, denied, expired or cancelled."""

    id: str
    status: str
    status_endpoint: str
    expires_at: str


class TaskAnswer(Struct, frozen=True, omit_defaults=True):
    """An access request as it stands. result: once approved, what to send as `context.approval`."""

    task: Task
    result: dict[str, Any] | None = None


class ProblemAnswer(Struct, frozen=True, omit_defaults=True):
    """Why an access request was not taken (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None


class Failure(Struct, frozen=True, omit_defaults=True):
    """Why a call was not carried out. code is stable; field names the place in the input."""

    code: str
    message: str
    field: str | None = None


class FailureAnswer(Struct, frozen=True):
    """The body of every answer that is not a success."""

    error: Failure


class ItemError(Struct, frozen=True):
    """What was wrong with one evaluation of a batch. status: what HTTP would have answered."""

    status: int
    message: str


class DecisionContext(Struct, frozen=True, omit_defaults=True):
    """Only where it was asked for by `context.graphsvc.explain`, or where an item of a batch is malformed.

    graphsvc: verdict, reasons, completions, risk, nearest and revision, as in GraphQL's Evaluation. The others belong
    to the access request profile.
    """

    graphsvc: dict[str, Any] | None = None
    error: ItemError | None = None
    evaluation_id: str | None = None
    evaluated_at: str | None = None
    reason: str | None = None
    access_request: dict[str, Any] | None = None


class Decision(Struct, frozen=True, omit_defaults=True):
    """The answer: true is PERMIT, false is DENY or ESCALATE."""

    decision: bool
    context: DecisionContext | None = None


class EvaluationsAnswer(Struct, frozen=True):
    """The answers in the order of the evaluations; fewer when the semantic stopped early."""

    evaluations: list[Decision]


class PageAnswer(Struct, frozen=True):
    """next_token: empty at the end; count: results in this answer."""

    next_token: str
    count: int


class Found(Struct, frozen=True):
    """A subject or a resource."""

    type: str
    id: str


class FoundAction(Struct, frozen=True):
    """An action."""

    name: str


class FoundEntities(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found, sorted by id. page: where it was asked for, or there is more."""

    page: PageAnswer | None = None
    results: list[Found]


class FoundActions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found, sorted by name. page: where it was asked for, or there is more."""

    page: PageAnswer | None = None
    results: list[FoundAction]
