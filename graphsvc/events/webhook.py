"""Reviews, and requests for grants, told to a webhook: a short notice with a link, sent again a bounded number of times.

A notice names who, what and why by id and code; values of arguments and free text stay here. Only what happens while the
service runs is told; what was missed stands in the list of reviews. Where several replicas share a store each tells,
under the same `Idempotency-Key`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from graphsvc.core.governance import glass_of
from graphsvc.core.governing import Confirmed, Endorsed, GrantAsked, GrantSettled, ReviewWithdrawn
from graphsvc.core.record import Approved, Decided, Record, Rejected
from graphsvc.core.value import Json, format_time
from graphsvc.core.verdict import Verdict
from graphsvc.decide.command import LogEvent
from graphsvc.decide.review_view import ReviewView

__all__ = ["Webhook", "keep_notifying"]

_QUEUE = 1_000
_TIMEOUT_S = 10.0
_FIRST_WAIT_S, _MOST_WAIT_S = 0.5, 30.0
_log = logging.getLogger("graphsvc.events")


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where notices go. token_file: a bearer token. link: where people find the service. attempts: to send one."""

    url: str
    token_file: Path | None = None
    link: str | None = None
    attempts: int = 5


async def keep_notifying(
    webhook: Webhook,
    events: Callable[[], AsyncIterator[list[LogEvent]]],
    review: Callable[[str], ReviewView | None],
    decided: Callable[[str], tuple[int, Decided] | None],
) -> None:
    """Tell for ever; ends when cancelled. A receiver that is slow or away never holds decisions up."""
    queue: asyncio.Queue[tuple[str, dict[str, Json]]] = asyncio.Queue(_QUEUE)
    sending = asyncio.create_task(_send_all(webhook, queue), name="review notices")
    try:
        async for batch in events():
            for event in batch:
                notice = _notice(webhook, event.record, review, decided)
                if notice is None:
                    continue
                try:
                    queue.put_nowait((str(event.seq), notice))
                except asyncio.QueueFull:
                    _log.error(
                        "review_notice_lost",
                        extra={"event": notice["event"], "seq": event.seq, "why": "too many wait"},
                    )
    finally:
        sending.cancel()


async def _send_all(webhook: Webhook, queue: asyncio.Queue[tuple[str, dict[str, Json]]]) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S)) as session:
        while True:
            key, notice = await queue.get()
            await _send(session, webhook, key, notice)


async def _send(session: aiohttp.ClientSession, webhook: Webhook, key: str, notice: dict[str, Json]) -> None:
    wait_s, why = _FIRST_WAIT_S, ""
    for attempt in range(webhook.attempts):
        if attempt:
            await asyncio.sleep(wait_s)
            wait_s = min(_MOST_WAIT_S, wait_s * 2)
        headers = {"Idempotency-Key": key}
        try:
            if webhook.token_file is not None:
                headers["Authorization"] = f"Bearer {webhook.token_file.read_text(encoding='utf-8').strip()}"
            async with session.post(
                webhook.url, json=notice, headers=headers, allow_redirects=False
            ) as response:
                if response.status < 300:
                    return
                why = f"status {response.status}"
                if 400 <= response.status < 500 and response.status not in {408, 429}:
                    # It will not be taken later either.
                    break
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            why = str(error) or type(error).__name__
    _log.error("review_notice_lost", extra={"event": notice["event"], "seq": key, "why": why})


def _notice(
    webhook: Webhook,
    record: Record,
    review: Callable[[str], ReviewView | None],
    decided: Callable[[str], tuple[int, Decided] | None],
) -> dict[str, Json] | None:
    if isinstance(record, GrantAsked | GrantSettled):
        return _grant_notice(webhook, record)
    told = _told(record)
    if told is None:
        return None
    what, name = told
    found, view = decided(name), review(name)
    if found is None or view is None:
        return None
    request = found[1].request
    return {
        "event": f"review.{what}",
        "review": f"review:{name}",
        "status": view.status.value,
        "link": f"{webhook.link}/#/reviews/{name}" if webhook.link is not None else None,
        "at": format_time(record.at_ms),
        "expiresAt": format_time(view.expires_ms),
        "afterwards": view.afterwards,
        "quorum": view.quorum,
        "endorsed": len(view.endorsed),
        "subject": request.subject.id,
        "onBehalfOf": [each.id for each in request.on_behalf_of],
        "action": request.action,
        "resource": {"type": request.resource.type, "id": request.resource.id},
        "reasons": [
            {"code": each.code.value, "rule": each.rule}
            for each in found[1].reasons
            if each.verdict is not Verdict.PERMIT
        ],
    }


def _grant_notice(webhook: Webhook, record: GrantAsked | GrantSettled) -> dict[str, Json]:
    name, what = (record.id, "opened") if isinstance(record, GrantAsked) else (record.request, record.outcome)
    scope: dict[str, Json] = {}
    if isinstance(record, GrantAsked):
        scope = {
            "identity": record.identity,
            "onBehalfOf": list(record.on_behalf_of),
            "actions": list(record.actions),
            "resources": list(record.resources),
            "lastsSeconds": record.lasts_ms // 1000,
        }
    return {
        "event": f"grantRequest.{what}",
        "grantRequest": f"grantRequest:{name}",
        "link": f"{webhook.link}/#/reviews" if webhook.link is not None else None,
        "at": format_time(record.at_ms),
        **scope,
    }


def _told(record: Record) -> tuple[str, str] | None:
    match record:
        case Decided() if record.answered is Verdict.ESCALATE or glass_of(record) is not None:
            return "opened", record.request.id
        case Endorsed():
            return "endorsed", record.decision
        case Approved():
            return "approved", record.decision
        case Rejected():
            return "rejected", record.decision
        case ReviewWithdrawn():
            return "withdrawn", record.decision
        case Confirmed():
            return ("approved" if record.justified else "rejected"), record.decision
    return None
