"""The question that needs a memory: this session has read untrusted and sensitive data, may it send outside?

OPA keeps no history, so who asks it writes each permitted step into its data: two calls, and nothing of it is durable. We
remember what we permitted: one call, durable.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.peers.client import Line, Result
from benchmarks.peers.engine import Running, _http, _json

__all__ = ["PACK", "REGO", "Story", "play", "stories"]

PACK = """
graphsvc: 1
pack: {id: peers, version: "1"}
settings: {entitlement: "off"}
actions:
  "mail:Read": {effects: [read], result: {labels: [untrusted]}}
  "crm:Read": {effects: [read], result: {labels: [sensitive]}}
  "wiki:Read": {effects: [read]}
  "mail:Send": {effects: [send], arguments: {to: destination}}
patterns:
  - id: trifecta
    severity: critical
    on_match: deny
    steps:
      untrusted: {effects: [read], labels: {any: [untrusted]}, then: out}
      private: {effects: [read], labels: {any: [sensitive]}, then: out}
      out: {effects: [send], destination: unknown}
"""
REGO = """package flow
import rego.v1

default allow := false

past contains step if some step in data.sessions[input.session]

allow if input.action != "mail:Send"
allow if {
	input.action == "mail:Send"
	not leaks
}
leaks if {
	"mail:Read" in past
	"crm:Read" in past
}
"""
_READS = ("mail:Read", "crm:Read", "wiki:Read")


@dataclass(frozen=True, slots=True)
class Story:
    """The steps of one session and the truth of each."""

    session: str
    steps: tuple[tuple[str, bool], ...]


def stories(count: int, seed: int = 7) -> list[Story]:
    """Sessions of 4 to 8 steps: reads of three kinds, and sends."""
    rng, made = random.Random(seed), []
    for number in range(count):
        past: set[str] = set()
        steps = []
        for _ in range(rng.randint(4, 8)):
            action = "mail:Send" if rng.random() < 0.3 else rng.choice(_READS)
            allowed = action != "mail:Send" or not {"mail:Read", "crm:Read"} <= past
            steps.append((action, allowed))
            if allowed:
                past.add(action)
        made.append(Story(f"s{number}", tuple(steps)))
    return made


Step = Callable[[Line, str, int, str], "asyncio.Future[bool]"]


async def play(
    engine: Running, told: list[Story], connections: int, seconds: float, token: str | None
) -> tuple[Result, int]:
    """Sessions side by side, one a connection, steps one after the other; how many answers were wrong."""
    result, wrong = Result(), 0
    left = iter(told)
    started = time.perf_counter()

    async def run() -> None:
        nonlocal wrong
        line = Line(*await asyncio.open_connection(engine.host, engine.port))
        for story in left:
            for number, (action, allowed) in enumerate(story.steps):
                began = time.perf_counter_ns()
                if began / 1e9 - started >= seconds:
                    line.writer.close()
                    return
                if token is None:
                    said = await _ask_opa(line, engine.port, story.session, number, action)
                else:
                    said = await _ask_us(line, engine.port, token, story.session, number, action)
                result.took_ns.append(time.perf_counter_ns() - began)
                wrong += said is not allowed
        line.writer.close()

    await asyncio.gather(*(run() for _ in range(connections)))
    result.seconds = time.perf_counter() - started
    return result, wrong


async def _ask_opa(line: Line, port: int, session: str, number: int, action: str) -> bool:
    asked = _json({"input": {"session": session, "action": action}})
    allowed = json.loads(await line.ask(_http("/v1/data/flow/allow", asked, port))).get("result") is True
    if allowed:
        path = f"/v1/data/sessions/{session}/{number}"
        message = _http(path, _json(action), port).replace(b"POST ", b"PUT ", 1)
        await line.ask(message)
    return allowed


_DECIDE = "mutation D($i: DecideInput!) { decide(input: $i) { __typename ... on Decision { id verdict reasons { code } } } }"


async def _ask_us(line: Line, port: int, token: str, session: str, number: int, action: str) -> bool:
    asked = {
        "idempotencyKey": f"{session}-{number}", "chain": session, "subject": {"type": "agent", "id": "bot"},
        "action": {"name": action, "properties": {"to": "eve@example.org"}}, "resource": {"type": "thing", "id": "one"},
    }  # fmt: skip
    body = await line.ask(
        _http("/graphql", _json({"query": _DECIDE, "variables": {"i": asked}}), port, token)
    )
    return b'"PERMIT"' in body
