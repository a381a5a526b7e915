"""A stream that we poll (RFC 8936): take what waits, acknowledge what was carried out, say what was wrong."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import aiohttp

from graphsvc.api.fetch import body_of
from graphsvc.api.ssf.effect import Receiver
from graphsvc.api.ssf.stream import EventRefused, Stream
from graphsvc.errors import StoreError

__all__ = ["keep_polling"]

_EVERY_S, _MOST_S, _TIMEOUT_S = 1.0, 60.0, 60.0
_MOST_EVENTS = 100
_MAX_BYTES = 8 * 1024 * 1024
_log = logging.getLogger("graphsvc.api")


async def keep_polling(stream: Stream, receiver: Receiver) -> None:
    """Poll for ever; ends when cancelled. What fails is tried again, less and less often up to once a minute."""
    ack: list[str] = []
    errors: dict[str, dict[str, str]] = {}
    wait_s = _EVERY_S
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as session:
        while True:
            try:
                sets, more = await _ask(session, stream, ack, errors)
            except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
                _log.warning(
                    "poll_failed", extra={"stream": stream.name, "error": str(error) or type(error).__name__}
                )
                wait_s = min(_MOST_S, wait_s * 2)
                await asyncio.sleep(wait_s)
                continue
            wait_s = _EVERY_S
            # What was acknowledged before is known there now.
            ack, errors = await _carried_out(stream, receiver, sets)
            if not more and not ack and not errors:
                await asyncio.sleep(_EVERY_S)


async def _ask(
    session: aiohttp.ClientSession, stream: Stream, ack: list[str], errors: dict[str, dict[str, str]]
) -> tuple[dict[str, str], bool]:
    body: dict[str, Any] = {"maxEvents": _MOST_EVENTS, "returnImmediately": True, "ack": ack}
    if errors:
        body["setErrs"] = errors
    headers = {"Accept": "application/json"}
    if stream.token_file is not None:
        headers["Authorization"] = f"Bearer {stream.token_file.read_text(encoding='utf-8').strip()}"
    assert stream.endpoint is not None
    async with session.post(stream.endpoint, json=body, headers=headers, allow_redirects=False) as response:
        answer = json.loads(await body_of(response, _MAX_BYTES))
    sets = answer.get("sets", {}) if isinstance(answer, dict) else None
    if not isinstance(sets, dict):
        raise ValueError("the answer holds no `sets`")
    return {str(jti): str(token) for jti, token in sets.items()}, bool(answer.get("moreAvailable"))


async def _carried_out(
    stream: Stream, receiver: Receiver, sets: dict[str, str]
) -> tuple[list[str], dict[str, dict[str, str]]]:
    ack: list[str] = []
    errors: dict[str, dict[str, str]] = {}
    for jti, token in sets.items():
        try:
            event = stream.read(token)
            if event.jti != jti:
                raise EventRefused("invalid_request", "jti: is not the one it was listed under")
            await receiver.take(stream, event)
            ack.append(jti)
        except EventRefused as error:
            _log.warning(
                "security_event_refused", extra={"stream": stream.name, "err": error.err, "why": str(error)}
            )
            errors[jti] = {"err": error.err, "description": str(error)}
        except StoreError:
            # Not acknowledged, so it comes again.
            await asyncio.sleep(_EVERY_S)
    return ack, errors
