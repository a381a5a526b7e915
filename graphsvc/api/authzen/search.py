"""Search for subjects, resources or actions, page by page."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from graphsvc.api.authzen import shape
from graphsvc.api.authzen.evaluation import reviewed
from graphsvc.api.authzen.request import identity_of, resource_of, to_request
from graphsvc.api.body import as_shape
from graphsvc.api.context import Parts
from graphsvc.core.request import AccessRequest, Entity
from graphsvc.decide.command import Caller, SearchAnswer, Searched
from graphsvc.errors import BadInput

__all__ = ["MAX_PAGE", "search_actions", "search_resources", "search_subjects"]

MAX_PAGE = 1_000
# In the place of what is searched: it is never looked at.
_ANY = "-"


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """What a token holds. question: a hash of what was asked, so that a token fits no other question.

    The limit is in it because the request for the next page need not repeat it. Nothing of it is secret, and who
    changes it finds nothing that he may not ask for.
    """

    after: str
    limit: int
    question: bytes


async def search_subjects(parts: Parts, caller: Caller, body: dict[str, Any]) -> shape.FoundEntities:
    """Who may do this?"""
    asked = as_shape(body, shape.SubjectSearch)
    subject = Entity(asked.subject.type, _ANY, asked.subject.properties or {})
    request, _ = to_request(subject, asked.action, resource_of(asked.resource), asked.context)
    page, found = await _search(parts, caller, "subject", request, asked.page)
    return shape.FoundEntities(page=page, results=[shape.Found(subject.type, name) for name in found.ids])


async def search_resources(parts: Parts, caller: Caller, body: dict[str, Any]) -> shape.FoundEntities:
    """To what may the subject do this?"""
    asked = as_shape(body, shape.ResourceSearch)
    # A type that cannot be has no resources: that is an empty answer and no mistake.
    resource = Entity(asked.resource.type.replace(":", "\0"), _ANY, asked.resource.properties or {})
    request, _ = to_request(identity_of(asked.subject), asked.action, resource, asked.context)
    page, found = await _search(parts, caller, "resource", request, asked.page)
    return shape.FoundEntities(page=page, results=[shape.Found(resource.type, name) for name in found.ids])


async def search_actions(parts: Parts, caller: Caller, body: dict[str, Any]) -> shape.FoundActions:
    """What may the subject do to this?"""
    asked = as_shape(body, shape.ActionSearch)
    subject, resource = identity_of(asked.subject), resource_of(asked.resource)
    request, _ = to_request(subject, shape.Action(_ANY), resource, asked.context)
    page, found = await _search(parts, caller, "action", request, asked.page)
    return shape.FoundActions(page=page, results=[shape.FoundAction(name) for name in found.ids])


async def _search(
    parts: Parts, caller: Caller, searched: Searched, request: AccessRequest, page: shape.Page | None
) -> tuple[shape.PageAnswer | None, SearchAnswer]:
    question = hashlib.sha256(searched.encode() + msgspec.json.encode(request, order="sorted")).digest()[:16]
    after, limit = None, MAX_PAGE
    if page is not None and page.token:
        place = _place(page.token)
        if place.question != question:
            raise BadInput(
                "page.token: belongs to another search; send the same request as for the page before, or no token",
                field="page.token",
            )
        after, limit = place.after, place.limit
    if page is not None and page.limit is not None:
        limit = page.limit
    limit = max(1, min(limit, MAX_PAGE))
    found = await parts.service.search(caller, searched, reviewed(parts, request), after=after, limit=limit)
    if page is None and found.after is None:
        return None, found
    token = "" if found.after is None else _token(_Place(found.after, limit, question))
    return shape.PageAnswer(next_token=token, count=len(found.ids)), found


def _token(place: _Place) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def _place(token: str) -> _Place:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=_Place)
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        raise BadInput(
            "page.token: is no token of this service; send `next_token` of the page before",
            field="page.token",
        ) from None
