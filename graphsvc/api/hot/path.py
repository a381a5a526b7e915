"""Answers decisions by plan; whatever has no plan, or goes wrong on the way, is left to the general executor.

Leaving it is safe even after the decision was made: it is asked again with the same idempotency key.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import msgspec
import orjson
from graphql import GraphQLSchema

from graphsvc.api.body import read_json
from graphsvc.api.context import Context
from graphsvc.api.hot.plan import Plan, Unplanned, make_plan
from graphsvc.api.hot.read import FIELDS
from graphsvc.api.hot.shape import DecideShape
from graphsvc.api.role import is_allowed, not_allowed
from graphsvc.api.schema.decision import review_of
from graphsvc.api.schema.mutation import decide, decide_many
from graphsvc.decide.command import Service
from graphsvc.errors import GraphsvcError

__all__ = ["HotPath"]

_MAX_PLANS = 512
# Longer documents are not remembered, so that what is remembered stays small.
_MAX_TEXT = 16_384
_ENVELOPE = frozenset({"query", "variables", "operationName"})


class HotPath:
    """Plans of one schema by document, the ones used last; documents without a plan are remembered too."""

    def __init__(self, schema: GraphQLSchema, service: Service) -> None:
        self._schema = schema
        # Whoever may decide may read the review of what it decided.
        self._resolve = {
            **FIELDS,
            "Decision.review": lambda answer: review_of(service, answer.decision.request.id),
        }
        self._plans: OrderedDict[tuple[str, str | None], Plan | None] = OrderedDict()

    async def answer(self, body: bytes, context: Context) -> bytes | None:
        """The body of the answer to a POST; None: the general executor has to answer."""
        try:
            envelope = read_json(body)
            plan, given = self._planned(envelope)
            if plan.many:
                if not is_allowed(context, "Mutation.decideMany"):
                    return None
                shapes = msgspec.convert(given, list[DecideShape])
                result: Any = await decide_many(context, shapes)
            else:
                shape = msgspec.convert(given, DecideShape)
                if is_allowed(context, "Mutation.decide"):
                    result = await decide(context, shape)
                else:
                    result = not_allowed("Mutation.decide")
            return orjson.dumps({"data": {plan.key: plan.shape(result)}})
        except (Unplanned, GraphsvcError, msgspec.ValidationError, orjson.JSONEncodeError):
            return None

    def _planned(self, envelope: Any) -> tuple[Plan, object]:
        if not isinstance(envelope, dict) or not envelope.keys() <= _ENVELOPE:
            raise Unplanned
        text, variables = envelope.get("query"), envelope.get("variables")
        operation = envelope.get("operationName")
        if not isinstance(text, str) or not isinstance(variables, dict) or len(text) > _MAX_TEXT:
            raise Unplanned
        if operation is not None and not isinstance(operation, str):
            raise Unplanned
        plan = self._plan(text, operation)
        if variables.keys() != {plan.variable}:
            raise Unplanned
        return plan, variables[plan.variable]

    def _plan(self, text: str, operation: str | None) -> Plan:
        key = (text, operation)
        if key in self._plans:
            self._plans.move_to_end(key)
            plan = self._plans[key]
        else:
            try:
                plan = make_plan(self._schema, text, operation, self._resolve)
            except Unplanned:
                plan = None
            self._plans[key] = plan
            if len(self._plans) > _MAX_PLANS:
                self._plans.popitem(last=False)
        if plan is None:
            raise Unplanned
        return plan
