"""`POST /ssf/events`: events are pushed to us (RFC 8935)."""

from __future__ import annotations

import hmac
import logging

import jwt
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from graphsvc.api.ssf.effect import Receiver
from graphsvc.api.ssf.stream import EventRefused, Stream
from graphsvc.api.whole import whole
from graphsvc.errors import StoreError

__all__ = ["push_routes"]

_MAX_BYTES = 64 * 1024
_TYPE = "application/secevent+jwt"
_log = logging.getLogger("graphsvc.api")


def push_routes(streams: tuple[Stream, ...], receiver: Receiver) -> list[BaseRoute]:
    """The route; it is there without streams too, and then takes nothing."""

    async def events(request: Request) -> Response:
        try:
            body = await request.body()
            if len(body) > _MAX_BYTES:
                return _refusal(413, "invalid_request", f"larger than {_MAX_BYTES} bytes")
            if (request.headers.get("content-type") or "").partition(";")[0].strip().lower() != _TYPE:
                raise EventRefused("invalid_request", f"Content-Type: must be {_TYPE}")
            try:
                token = body.decode("ascii").strip()
            except UnicodeDecodeError:
                raise EventRefused("invalid_request", "the body is no signed security event token") from None
            stream = _stream_of(token, streams)
            if not _may_push(stream, request.headers.get("authorization")):
                return _refusal(401, "authentication_failed", "the bearer token is missing or wrong")
            await whole(receiver.take(stream, stream.read(token)))
        except EventRefused as error:
            _log.warning("security_event_refused", extra={"err": error.err, "why": str(error)})
            return _refusal(400, error.err, str(error))
        except StoreError:
            # Not lost: who pushes sends it again.
            return Response(status_code=503, headers={"Retry-After": "1"})
        return Response(status_code=202)

    return [Route("/ssf/events", events, methods=["POST"])]


def _stream_of(token: str, streams: tuple[Stream, ...]) -> Stream:
    """The stream whose issuer and audience a token claims; `Stream.read` checks whether it is true."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError:
        raise EventRefused("invalid_request", "the body is no signed security event token") from None
    issued = [stream for stream in streams if stream.endpoint is None and stream.issuer == claims.get("iss")]
    if not issued:
        raise EventRefused("invalid_issuer", "iss: no stream of this issuer is configured")
    named = claims.get("aud")
    wanted = named if isinstance(named, list) else [named]
    return next((stream for stream in issued if stream.audience in wanted), issued[0])


def _may_push(stream: Stream, authorization: str | None) -> bool:
    if stream.push_token_file is None:
        return True
    try:
        wanted = stream.push_token_file.read_text(encoding="utf-8").strip()
    except OSError:
        # Nobody may, rather than everybody.
        return False
    given = (authorization or "").partition(" ")
    return bool(wanted) and given[0].lower() == "bearer" and hmac.compare_digest(given[2].strip(), wanted)


def _refusal(status: int, err: str, description: str) -> Response:
    return JSONResponse(
        {"err": err, "description": description}, status_code=status, headers={"Content-Language": "en"}
    )
