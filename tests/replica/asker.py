"""Clients that ask until they are answered, at whichever replica answers, and remember everything they were told."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

__all__ = ["Asker", "Told"]

_QUERY = (
    "mutation D($i: DecideInput!) { decide(input: $i) { __typename ... on Decision { id verdict replayed "
    "reasons { code retryable } } ... on Failure { code message } } }"
)
_WITHIN_S = 8.0


@dataclass(frozen=True, slots=True)
class Told:
    """A recorded answer. cancelled: it was written after its deadline, so the key is DENY for ever."""

    id: str
    verdict: str
    cancelled: bool = False


@dataclass
class Asker:
    """Many clients in one. urls: of the replicas. told: by key, every recorded answer."""

    urls: list[str]
    token: str
    told: dict[str, list[Told]] = field(default_factory=dict)
    # How each try ended: recorded, a reason code, or the name of a network error.
    tries: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._turn = itertools.count()

    async def session(self) -> aiohttp.ClientSession:
        """A session for many requests."""
        connector = aiohttp.TCPConnector(limit=0)
        return aiohttp.ClientSession(
            connector=connector,
            headers={"Authorization": f"Bearer {self.token}"},
            timeout=aiohttp.ClientTimeout(_WITHIN_S),
        )

    async def ask(self, http: aiohttp.ClientSession, asked: dict[str, Any], *, within_s: float = 120) -> Told:
        """The recorded answer; a transient one or none is asked for again with the same key, at the next replica, and one that
        was cancelled with a new one.

        After ever longer pauses, as a client should: what is refused for want of time is not helped by more of it.
        """
        pause_s = 0.05
        async with asyncio.timeout(within_s):
            while True:
                told = await self.once(http, self.urls[next(self._turn) % len(self.urls)], asked)
                if told is not None and not told.cancelled:
                    return told
                if told is not None:
                    asked = {**asked, "idempotencyKey": f"{asked['idempotencyKey']}+"}
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, 1.0)

    async def once(self, http: aiohttp.ClientSession, url: str, asked: dict[str, Any]) -> Told | None:
        """The recorded answer of one try, None when there was none."""
        body = {"query": _QUERY, "variables": {"i": asked}}
        try:
            async with http.post(f"{url}/graphql", json=body) as response:
                answer = await response.json()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            self.tries[type(error).__name__] += 1
            return None
        if not answer.get("data"):
            raise AssertionError(answer)
        decision = answer["data"]["decide"]
        assert decision["__typename"] == "Decision", decision
        passing = [reason["code"] for reason in decision["reasons"] if reason["retryable"]]
        if passing:
            self.tries[passing[0]] += 1
            return None
        cancelled = any(reason["code"] == "cancelled" for reason in decision["reasons"])
        self.tries["cancelled" if cancelled else "recorded"] += 1
        told = Told(decision["id"].removeprefix("decision:"), decision["verdict"], cancelled)
        self.told.setdefault(asked["idempotencyKey"], []).append(told)
        return told

    def differing(self) -> dict[str, list[Told]]:
        """Keys that were answered in two ways."""
        return {key: told for key, told in self.told.items() if len(set(told)) > 1}
