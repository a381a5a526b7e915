"""What a request must be before it is judged, whoever asks and for whatever."""

from __future__ import annotations

import msgspec

from graphsvc.core.intent import check_intent
from graphsvc.core.provenance.claim import check_claims
from graphsvc.core.request import AccessRequest
from graphsvc.errors import BadInput

__all__ = ["check_request"]


def check_request(request: AccessRequest) -> None:
    """BadInput, naming the field, for what can be neither judged nor stored."""
    if ":" in request.resource.type:
        raise BadInput(f"`{request.resource.type}` holds a colon; a type may not", field="resource.type")
    check_intent(request.intent)
    check_claims(request)
    try:
        msgspec.msgpack.encode(request)
    except (OverflowError, ValueError, TypeError) as error:
        # Numbers beyond 64 bits, text that is no Unicode: what cannot be stored cannot be decided.
        raise BadInput(f"the request holds a value that cannot be stored: {error}", field="input") from error
