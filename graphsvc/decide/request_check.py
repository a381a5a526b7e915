"""What a request must be before it is judged, whoever asks and for whatever."""

from __future__ import annotations

import msgspec

from graphsvc.core.intent import check_intent
from graphsvc.core.provenance.claim import check_claims
from graphsvc.core.request import AccessRequest
from graphsvc.errors import BadInput

__all__ = ["MAX_ID", "check_request"]

# Of characters. Ids are keys of indexes, whose entries are bounded (8 kB in Neo4j): what is longer could be decided but
# never drawn, and everything behind it would wait for it.
MAX_ID = 1_024


def check_request(request: AccessRequest) -> None:
    """BadInput, naming the field, for what can be neither judged nor stored."""
    if ":" in request.resource.type:
        raise BadInput(f"`{request.resource.type}` holds a colon; a type may not", field="resource.type")
    _check_lengths(request)
    check_intent(request.intent)
    check_claims(request)
    try:
        msgspec.msgpack.encode(request)
    except (OverflowError, ValueError, TypeError) as error:
        # Numbers beyond 64 bits, text that is no Unicode: what cannot be stored cannot be decided.
        raise BadInput(f"the request holds a value that cannot be stored: {error}", field="input") from error


def _check_lengths(request: AccessRequest) -> None:
    resource, session, parent = request.resource, request.session or "", request.parent_chain or ""
    is_plain = not (request.joins or request.parents or request.on_behalf_of)
    # Asked of every decision, and all of them together are nearly always shorter.
    together = len(request.chain) + len(request.subject.id) + len(request.action) + len(session) + len(parent)
    if is_plain and together + len(resource.type) + len(resource.id) <= MAX_ID:
        return
    ids = [
        ("chain", request.chain), ("session", session), ("parentChain", parent), ("subject.id", request.subject.id),
        ("action.name", request.action), ("resource.type", resource.type), ("resource.id", resource.id),
        *((f"joins.{place}", each) for place, each in enumerate(request.joins)),
        *((f"parents.{place}", each) for place, each in enumerate(request.parents or ())),
        *((f"onBehalfOf.{place}.id", each.id) for place, each in enumerate(request.on_behalf_of)),
    ]  # fmt: skip
    for field, value in ids:
        if len(value) > MAX_ID:
            raise BadInput(f"{field}: {len(value)} characters; at most {MAX_ID}", field=field)
