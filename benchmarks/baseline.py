"""What a decision over GraphQL is compared with: Strawberry as it comes, and the same plan with a constant answer."""

from __future__ import annotations

from typing import Any

import strawberry
from starlette.requests import Request
from starlette.types import ASGIApp
from strawberry.asgi import GraphQL
from strawberry.schema.config import StrawberryConfig

from graphsvc.api.auth import TokenVerifier, local_key
from graphsvc.api.context import Context, Parts
from graphsvc.api.schema.mutation import Mutation
from graphsvc.api.schema.query import Query
from graphsvc.api.schema.scalar import SCALARS
from graphsvc.cli.direct import OPERATOR
from graphsvc.config import Settings
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.decide.command import Answer, DecideCommand
from graphsvc.decide.service import GraphsvcService

__all__ = ["answer_constantly", "strawberry_defaults"]


class _Defaults(GraphQL[Context, None]):
    """The view with its defaults; the context is ours, for resolvers need it."""

    parts: Parts

    async def get_context(self, request: Any, response: Any) -> Context:
        del response
        assert isinstance(request, Request)
        login = self.parts.auth.login(request.headers.get("authorization"))
        return Context(parts=self.parts, login=login)


def strawberry_defaults(service: GraphsvcService, settings: Settings) -> ASGIApp:
    """The same decisions by Strawberry's view: no plans, no caches, no limits."""
    schema = strawberry.Schema(Query, Mutation, config=StrawberryConfig(scalar_map=SCALARS))
    view = _Defaults(schema)
    view.parts = Parts(service=service, history=service.store, auth=TokenVerifier(local_key(settings.state)))
    return view


async def answer_constantly(service: GraphsvcService) -> None:
    """From now on every decision is one that was made before."""
    request = AccessRequest(
        id="", chain="constant", subject=Entity("agent", "bot"), action="mail:Read",
        resource=Entity("mailbox", "support"),
    )  # fmt: skip
    answer = await service.decide(OPERATOR, DecideCommand(key="constant", request=request))

    async def decide(*_: object) -> Answer:
        return answer

    service.decide = decide  # type: ignore[method-assign]
