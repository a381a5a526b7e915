"""Evaluation, one or several: pure, so the same question has the same answer however often it is asked."""

from __future__ import annotations

import asyncio
from typing import Any, Literal, TypeAlias, cast

from msgspec.structs import replace

from graphsvc.api.authzen import shape
from graphsvc.api.authzen.access_request import requestable
from graphsvc.api.authzen.explain import explained
from graphsvc.api.authzen.request import identity_of, resource_of, to_request
from graphsvc.api.body import as_shape
from graphsvc.api.context import Parts
from graphsvc.api.failure import status_of
from graphsvc.core.request import AccessRequest
from graphsvc.core.verdict import Reason, ReasonCode, Verdict
from graphsvc.decide.command import Caller, Judged
from graphsvc.errors import BadInput, GraphsvcError

__all__ = ["MAX_EVALUATIONS", "SEMANTICS", "evaluate_many", "evaluate_one", "judge", "reviewed"]

# As many as `decideMany` takes.
MAX_EVALUATIONS = 200
SEMANTICS = ("execute_all", "deny_on_first_deny", "permit_on_first_permit")
_DEFAULTED = ("subject", "action", "resource", "context")
_REQUIRED = {"subject": ("type", "id"), "action": ("name",), "resource": ("type", "id")}
_YIELD_EVERY = 20

Semantic: TypeAlias = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]


async def evaluate_one(parts: Parts, caller: Caller, body: dict[str, Any]) -> shape.Decision:
    """The answer to one evaluation; GraphsvcError when it cannot be judged."""
    asked = as_shape(body, shape.Evaluation)
    request, said = to_request(
        identity_of(asked.subject), asked.action, resource_of(asked.resource), asked.context
    )
    judged = await judge(parts, caller, request)
    permitted = judged.verdict is Verdict.PERMIT
    if not said.explain:
        # Callers compare bare answers for equality.
        return shape.Decision(permitted)
    context = shape.DecisionContext(graphsvc=explained(judged))
    if judged.verdict is Verdict.ESCALATE:
        context = requestable(context, request, parts.service.now_ms(), parts.public_url)
    return shape.Decision(permitted, context)


async def evaluate_many(
    parts: Parts, caller: Caller, body: dict[str, Any]
) -> shape.Decision | shape.EvaluationsAnswer:
    """The answers in order; without evaluations the answer of a single one.

    One that cannot be judged is false and says why; the others go on unless the semantic stops there.
    """
    asked = as_shape(body, shape.Evaluations)
    semantic = _semantic(asked.options)
    if not asked.evaluations:
        return await evaluate_one(parts, caller, body)
    if len(asked.evaluations) > MAX_EVALUATIONS:
        told = f"{len(asked.evaluations)} evaluations; send at most {MAX_EVALUATIONS} at once"
        raise BadInput(f"evaluations: {told}", field="evaluations")
    answers: list[shape.Decision] = []
    for place, item in enumerate(asked.evaluations):
        if place % _YIELD_EVERY == _YIELD_EVERY - 1:
            # A batch must not make everybody else wait for all of it.
            await asyncio.sleep(0)
        answers.append(await _answer(parts, caller, body, item))
        if semantic == "deny_on_first_deny" and not answers[-1].decision:
            break
        if semantic == "permit_on_first_permit" and answers[-1].decision:
            break
    return shape.EvaluationsAnswer(answers)


async def judge(parts: Parts, caller: Caller, request: AccessRequest) -> Judged:
    """What the service says; DENY while it cannot know whether a right has been taken away meanwhile."""
    judged = await parts.service.evaluate(caller, reviewed(parts, request))
    if not judged.stale:
        return judged
    told = "the log could not be read lately; ask again"
    reason = Reason(ReasonCode.store_unavailable, told, Verdict.DENY)
    return replace(judged, verdict=Verdict.DENY, reasons=(*judged.reasons, reason))


def reviewed(parts: Parts, request: AccessRequest) -> AccessRequest:
    """A request that names an approval but no chain belongs to the chain in which the approval was asked for."""
    if request.review is None or request.chain:
        return request
    found = parts.service.decided(request.review)
    return request if found is None else replace(request, chain=found[1].request.chain)


async def _answer(parts: Parts, caller: Caller, body: dict[str, Any], item: object) -> shape.Decision:
    try:
        if not isinstance(item, dict):
            raise BadInput("an evaluation must be an object")
        return await evaluate_one(parts, caller, _with_defaults(body, item))
    except GraphsvcError as error:
        told = shape.ItemError(status_of(error), str(error))
        return shape.Decision(False, shape.DecisionContext(error=told))


def _with_defaults(body: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    """The item with what it leaves out: whole entities, never merged, for properties of one say nothing of another.

    Only what names an entity (`type`, `id`, `name`) is taken from the default when the item leaves it out.
    """
    whole: dict[str, Any] = {}
    for name in _DEFAULTED:
        default, own = body.get(name), item.get(name)
        if own is None:
            whole[name] = default
        elif isinstance(own, dict) and isinstance(default, dict):
            named = {part: default[part] for part in _REQUIRED.get(name, ()) if part in default}
            whole[name] = {**named, **own}
        else:
            whole[name] = own
    return {name: value for name, value in whole.items() if value is not None}


def _semantic(options: shape.Options | None) -> Semantic:
    given = options.evaluations_semantic if options is not None else None
    if given is None:
        return "execute_all"
    if given not in SEMANTICS:
        raise BadInput(
            f"options.evaluations_semantic: `{given}` is none of {', '.join(SEMANTICS)}",
            field="options.evaluations_semantic",
        )
    return cast(Semantic, given)
