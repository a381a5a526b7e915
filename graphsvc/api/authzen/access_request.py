"""Access requests: asking people to approve what was escalated.

Follows the draft profile "AuthZEN Access Request and Approval" of 2026-04-29 as far as it is settled: one
request at a time, bound to the denial by reference, polled. No callbacks, forms, catalogues or bulk requests.

A request is the recorded ESCALATE decision that waits for people, so there is nothing beside the log: its task is
that decision, and the approval is named by its id.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from graphsvc.api.authzen import shape
from graphsvc.api.authzen.problem import Problem
from graphsvc.api.authzen.request import identity_of, resource_of, to_request
from graphsvc.api.body import as_shape, read_object
from graphsvc.api.context import READERS, Parts
from graphsvc.core.request import AccessRequest
from graphsvc.core.value import format_time, parse_time
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import Answer, Caller, DecideCommand
from graphsvc.decide.review_view import ReviewStatus, ReviewView
from graphsvc.errors import BadInput

__all__ = ["PATH", "evaluation_id", "get_task", "make_request", "requestable"]

PATH = "/access/v1/requests"
_DENIAL_HOLDS_MS = 10 * 60_000
_RETRY_AFTER_S = "5"
_MAX_KEY = 256
# The profile's words for how far a review has come; an approval stays one when it has been used.
_TASK_STATUS = {
    ReviewStatus.OPEN: "pending",
    ReviewStatus.APPROVED: "approved",
    ReviewStatus.USED: "approved",
    ReviewStatus.REJECTED: "denied",
    ReviewStatus.EXPIRED: "expired",
    ReviewStatus.WITHDRAWN: "cancelled",
}


def requestable(
    context: shape.DecisionContext, request: AccessRequest, now_ms: int, public_url: str | None
) -> shape.DecisionContext:
    """The context of an escalated evaluation, with what an access request needs. now_ms: Unix milliseconds."""
    return replace(
        context,
        reason="approval_required",
        evaluation_id=evaluation_id(request),
        evaluated_at=format_time(now_ms),
        access_request={
            "endpoint": f"{public_url or ''}{PATH}",
            "expires_at": format_time(now_ms + _DENIAL_HOLDS_MS),
        },
    )


def evaluation_id(request: AccessRequest) -> str:
    """Names an evaluation by what was asked, so that nothing has to be stored of it."""
    canonical = msgspec.json.encode(replace(request, id="", review=None), order="sorted")
    return f"eval_{hashlib.sha256(canonical).hexdigest()[:32]}"


async def make_request(parts: Parts, caller: Caller, http: Request) -> Response:
    """Record the escalation that people are to review; Problem when there is nothing to ask them."""
    body = read_object(await http.body(), http.headers.get("content-type"))
    if "items" in body:
        raise BadInput("items: several requests at once are not supported; send one", field="items")
    asked = as_shape(body, shape.AccessRequestBody)
    request, _ = to_request(
        identity_of(asked.subject), asked.action, resource_of(asked.resource), asked.context
    )
    request = replace(request, review=None)
    _check_denial(asked.denial, request, parts.service.now_ms())
    judged = await parts.service.evaluate(caller, request)
    _check_escalated(judged.verdict, judged.stale)
    key = _key(http.headers.get("idempotency-key"), request)
    if not request.chain:
        # A chain of its own: nobody else's history belongs to this request.
        owned = hashlib.sha256(f"{caller.subject}\n{key}".encode()).hexdigest()[:32]
        request = replace(request, chain=f"access-request-{owned}")
    answer = await parts.service.decide(caller, DecideCommand(key=f"access-request {key}", request=request))
    await _settle(parts, caller, answer)
    view = parts.service.review(answer.decision.request.id)
    if view is None:
        raise Problem(503, "temporarily_unavailable", "the request was recorded but is not readable yet")
    return _task(parts, view, status=201)


def get_task(parts: Parts, caller: Caller, task: str) -> Response:
    """How a request stands. To those who may not see it, it is not there."""
    task = task.removeprefix("decision:")
    view, found = parts.service.review(task), parts.service.decided(task)
    if view is None or found is None or not (found[1].by == caller.subject or caller.roles & READERS):
        raise Problem(404, "task_not_found", f"no access request `{task}`")
    return _task(parts, view, status=200)


def _check_denial(denial: shape.Denial | None, request: AccessRequest, now_ms: int) -> None:
    if denial is None:
        return
    if denial.expires_at is not None and parse_time(denial.expires_at, field="denial.expires_at") <= now_ms:
        raise Problem(410, "expired_denial", "the denial has expired; evaluate again")
    if denial.evaluation_id is not None and denial.evaluation_id != evaluation_id(request):
        told = (
            "denial.evaluation_id is of another request: send subject, action, resource and context unchanged"
        )
        raise Problem(400, "invalid_denial_binding", told)


def _check_escalated(verdict: Verdict, is_stale: bool) -> None:
    if is_stale:
        raise Problem(503, "temporarily_unavailable", "the log could not be read lately; ask again")
    if verdict is Verdict.PERMIT:
        raise Problem(409, "not_required", "the request is permitted; nobody needs to approve it")
    if verdict is Verdict.DENY:
        raise Problem(403, "policy_denied", "the request is denied, and no approval can change that")


async def _settle(parts: Parts, caller: Caller, answer: Answer) -> None:
    """What is not an escalation after all leaves no permitted action behind."""
    if answer.verdict is Verdict.PERMIT:
        await parts.service.cancel(caller, answer.decision.request.id)
    _check_escalated(answer.verdict, is_stale=not answer.recorded)


def _key(given: str | None, request: AccessRequest) -> str:
    if given is None:
        return evaluation_id(request)
    if not 0 < len(given) <= _MAX_KEY:
        raise BadInput(f"Idempotency-Key: must have 1 to {_MAX_KEY} characters", field="Idempotency-Key")
    return given


def _task(parts: Parts, view: ReviewView, *, status: int) -> Response:
    task_id, state = f"decision:{view.id}", _TASK_STATUS[view.status]
    endpoint = f"{parts.public_url or ''}{PATH}/{task_id}"
    body: dict[str, Any] = {
        "task": {
            "id": task_id,
            "status": state,
            "status_endpoint": endpoint,
            "expires_at": format_time(view.expires_ms),
        }
    }
    if state == "approved":
        body["result"] = {"mode": "reevaluate", "approval": {"id": task_id}}
    headers = {"Cache-Control": "no-store"}
    if status == 201:
        headers["Location"] = endpoint
    if state == "pending":
        headers["Retry-After"] = _RETRY_AFTER_S
    return JSONResponse(body, status_code=status, headers=headers)
