"""Answers decisions by plan; whatever has no plan, or goes wrong on the way, is left to the general executor.

Leaving it is safe even after the decision was made: it is asked again with the same idempotency key.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Any

import msgspec
import orjson
from graphql import GraphQLSchema

from graphsvc.api.auth import Login
from graphsvc.api.body import read_json
from graphsvc.api.context import Parts
from graphsvc.api.hot.envelope import Frames, check_names, read_envelope
from graphsvc.api.hot.plan import Plan, make_plan
from graphsvc.api.hot.read import Unplanned
from graphsvc.api.hot.shape import DecideShape
from graphsvc.api.role import FIELD_ROLES
from graphsvc.api.schema.decision import review_of
from graphsvc.api.schema.mutation import decide, decide_many
from graphsvc.errors import GraphsvcError

__all__ = ["HotPath"]

_MAX_PLANS = 512
# Longer documents are not remembered, so that what is remembered stays small.
_MAX_TEXT = 16_384
_DECIDE = FIELD_ROLES["Mutation.decide"]
_DECIDE_MANY = FIELD_ROLES["Mutation.decideMany"]
# Where the members of the input lie in the body: in it, in `variables`, in the variable.
_LEVEL = 3


class HotPath:
    """Plans of one schema by document, the ones used last; documents without a plan are remembered too."""

    def __init__(self, schema: GraphQLSchema, parts: Parts) -> None:
        self._schema = schema
        self._parts = parts
        # Whoever may decide may read the review of what it decided.
        self._names = {"review": lambda answer: review_of(parts.service, answer.decision.request.id)}
        self._frames: Frames[Plan] = Frames()
        self._plans: OrderedDict[tuple[str, str | None], Plan | None] = OrderedDict()

    async def answer(
        self, body: bytes, login: Login, authorization: str | None = None, *, is_forwarded: bool = False
    ) -> bytes | None:
        """The body of the answer to a POST; None: the general executor has to answer.

        is_forwarded: whether another process sent it on, so that it is decided here, whosever the chain is. Like all that
        it calls, it waits for futures only, see `driven`.
        """
        try:
            found = self._frames.find(body)
            raw, plan = found if found is not None else self._planned(body)
            asked = plan.read.decode(raw).value
            caller = login.caller
            result: Any
            if plan.many:
                check_names(raw, 1 + sum([one.settle(_LEVEL + 1) for one in asked]))
                if not caller.roles & _DECIDE_MANY:
                    return None
                sent_on = await self._sent_on(asked, body, authorization, is_forwarded)
                if sent_on is not None:
                    return sent_on
                self._parts.rate.charge(caller.subject, len(asked))
                result = await decide_many(self._parts, caller, asked)
            else:
                shape: DecideShape = asked
                check_names(raw, 1 + shape.settle(_LEVEL))
                if not caller.roles & _DECIDE:
                    return None
                if self._parts.owners is not None:
                    sent_on = await self._sent_on([shape], body, authorization, is_forwarded)
                    if sent_on is not None:
                        return sent_on
                self._parts.rate.charge(caller.subject)
                result = await decide(self._parts, caller, shape)
            return orjson.dumps(plan.shape(result))
        except (Unplanned, GraphsvcError, msgspec.MsgspecError, ValueError, RecursionError):
            # ValueError: text that is no Unicode, JSON that is none, values that JSON cannot hold.
            return None

    async def _sent_on(
        self, asked: list[DecideShape], body: bytes, authorization: str | None, is_forwarded: bool
    ) -> bytes | None:
        """The answer of the process that owns the chain of all these, if it is another one and answers."""
        owners = self._parts.owners
        if owners is None or is_forwarded:
            return None
        owner = owners.elsewhere([shape.chain for shape in asked])
        if owner is None:
            return None
        # The client asks for its task.
        return await asyncio.create_task(owners.forward(owner, "/graphql", authorization, body))

    def _planned(self, body: bytes) -> tuple[bytes, Plan]:
        envelope = read_envelope(body)
        text = self._parts.documents.resolve({"query": envelope.query, "documentId": envelope.document_id})
        if isinstance(text, list):
            # The endpoint says why it is not answered.
            raise Unplanned
        plan = self._plan(text, envelope.operation_name)
        # The whole body is looked at here, so that later ones need it no more.
        read_json(body)
        raw = bytes(envelope.variables)
        self._frames.learn(body, raw, plan)
        return raw, plan

    def _plan(self, text: str, operation: str | None) -> Plan:
        key = (text, operation)
        plan = self._plans.get(key)
        if plan is not None:
            self._plans.move_to_end(key)
            return plan
        if key in self._plans or len(text) > _MAX_TEXT:
            raise Unplanned
        try:
            plan = make_plan(self._schema, text, operation, self._names)
        except Unplanned:
            plan = None
        self._plans[key] = plan
        if len(self._plans) > _MAX_PLANS:
            self._plans.popitem(last=False)
        if plan is None:
            raise Unplanned
        return plan
