"""What a request must be before it is judged, whoever asks and for whatever."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from graphsvc.core.graph import Edge, Node
from graphsvc.core.intent import check_intent
from graphsvc.core.provenance.claim import check_claims
from graphsvc.core.request import AccessRequest
from graphsvc.errors import BadInput

__all__ = ["MAX_ID_BYTES", "check_graph", "check_request"]

# As UTF-8. Ids are keys of indexes, whose entries are bounded (8,167 bytes in Neo4j): what is longer could be decided but
# never drawn, and everything behind it would wait for it. A resource's key is its type and its id.
MAX_ID_BYTES = 4_000
_MAX_KEY_BYTES = 2 * MAX_ID_BYTES
_SURELY_SHORT = MAX_ID_BYTES // 4  # characters
_SHOWN = 60


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
    if is_plain and together + len(resource.type) + len(resource.id) <= _SURELY_SHORT:
        return
    ids = [
        ("chain", request.chain), ("session", session), ("parentChain", parent), ("subject.id", request.subject.id),
        ("action.name", request.action), ("resource.type", resource.type), ("resource.id", resource.id),
        *((f"joins.{place}", each) for place, each in enumerate(request.joins)),
        *((f"parents.{place}", each) for place, each in enumerate(request.parents or ())),
        *((f"onBehalfOf.{place}.id", each.id) for place, each in enumerate(request.on_behalf_of)),
    ]  # fmt: skip
    for field, value in ids:
        size = _size(value)
        if size > MAX_ID_BYTES:
            raise BadInput(f"{field}: {size} bytes; at most {MAX_ID_BYTES}", field=field)


def check_graph(nodes: Iterable[Node], edges: Iterable[Edge]) -> None:
    """BadInput for a key of a node, or an end of an edge, that is too long to be drawn."""
    for field, keys in (
        ("nodes", (node.key for node in nodes)),
        ("edges", (key for edge in edges for key in (edge.start, edge.end))),
    ):
        for key in keys:
            if len(key) > _SURELY_SHORT and (size := _size(key)) > _MAX_KEY_BYTES:
                told = f"{field}: the key `{key[:_SHOWN]}...` has {size} bytes; at most {_MAX_KEY_BYTES}: give it a shorter id"
                raise BadInput(told, field=field)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
