"""What provenance costs: a question and a report in the client, and a judgement in the service, by the chain's length."""

from __future__ import annotations

import time
from typing import Any

from graphsvc.client.provenance import Tools, Tracker
from graphsvc.core.graph import facts_of
from graphsvc.core.policy.load import load_policy
from graphsvc.core.policy.tools import tools_of
from graphsvc.core.record import GraphCommitted, GraphStaged, PolicyPublished, Reported
from graphsvc.core.request import AccessRequest, Argument, Entity
from graphsvc.core.world import World
from graphsvc.packs import pack_text

__all__ = ["measure"]

_BODY = (
    "Dear {n}, the figures of quarter {n} are at www.acme.example/q{n}; ask person{n}@acme.example about the rest. "
    * 3
)
_ASKS = 400


def measure(lengths: tuple[int, ...] = (5, 100, 200)) -> list[dict[str, Any]]:
    """One row a length: microseconds of CPU time."""
    tools = Tools(tools_of([load_policy(pack_text("agent_provenance"))]))
    rows = []
    for length in lengths:
        tracker = Tracker("Read my mails about the figures and send a mail to ann@acme.example", tools)
        notes, reports = _read(tracker, length)
        call = {
            "to": ["ann@acme.example", "person3@acme.example"],
            "subject": "figures",
            "body": _BODY.format(n=3),
        }
        asks = sorted(_timed(tracker.ask, "gmail:send_email", call) for _ in range(_ASKS))
        claim = tracker.ask("gmail:send_email", call)
        judged = _judged(length, reports, claim)
        both = sorted(one + other for one, other in zip(asks, judged, strict=True))
        rows.append(
            {
                "reads before": length, "ask p50": _at(asks, 0.5), "ask p99": _at(asks, 0.99),
                "note p50": _at(sorted(notes), 0.5), "judge p50": _at(sorted(judged), 0.5),
                "judge p99": _at(sorted(judged), 0.99), "ask and judge p99": _at(both, 0.99),
            }
        )  # fmt: skip
    return rows


def _read(tracker: Tracker, length: int) -> tuple[list[float], list[tuple[str, ...]]]:
    """Reads so many mails; the cost of noting each, and the tokens of its report."""
    notes: list[float] = []
    reports: list[tuple[str, ...]] = []
    for number in range(length):
        mail = {
            "id": f"m{number}", "from": f"p{number}@x.example", "subject": f"figures {number}",
            "body": _BODY.format(n=number),
        }  # fmt: skip
        started = time.thread_time_ns()
        told = tracker.note("gmail:search_emails", {"query": "figures"}, [mail])
        notes.append((time.thread_time_ns() - started) / 1_000)
        reports.append(tuple(told.tokens))
    return notes, reports


def _judged(length: int, reports: list[tuple[str, ...]], claim: Any) -> list[float]:
    world = World(entitlement="off")
    nodes, edges = facts_of(
        [
            {"node": {"type": "identity", "id": "bot", "kind": "agent"}},
            {"node": {"type": "identity", "id": "ann", "kind": "human"}},
            {"edge": {"type": "ACTS_FOR", "from": "identity:bot", "to": "identity:ann"}},
        ]
    )
    text = pack_text("agent_provenance")
    records = [
        PolicyPublished(at_ms=0, pack="agent-provenance", version="1", sha256="", text=text),
        GraphStaged(at_ms=0, load="l", nodes=tuple(nodes), edges=tuple(edges)),
        GraphCommitted(at_ms=0, load="l", source="s"),
    ]
    for seq, record in enumerate(records, start=1):
        world.apply(record, seq)
    from graphsvc.core.evaluate import decided

    seq = len(records)
    parties = {"subject": Entity("agent", "bot"), "on_behalf_of": (Entity("human", "ann"),)}
    for number, tokens in enumerate(reports):
        read = AccessRequest(
            id=f"r{number}",
            chain="c",
            action="gmail:search_emails",
            resource=Entity("mailbox", "ann"),
            **parties,
        )
        seq += 1
        answer = world.evaluate(read, number, seq=seq)
        world.apply(decided(answer), seq, answer)
        seq += 1
        world.apply(Reported(at_ms=number, action=read.id, outcome="SUCCESS", tokens=tokens), seq)
    arguments = tuple(
        Argument(
            name=each["name"], role=each["role"], fact=each["fact"], tokens=tuple(each["tokens"]),
            designation=each.get("designation"),
        )
        for each in claim.arguments
    )  # fmt: skip
    send = AccessRequest(
        id="send", chain="c", action="gmail:send_email", action_properties=claim.properties, arguments=arguments,
        resource=Entity("mailbox", "ann"), context={"provenance": claim.provenance}, **parties,
    )  # fmt: skip
    return [_timed(world.evaluate, send, length) for _ in range(_ASKS)]


def _timed(call: Any, *given: Any) -> float:
    started = time.thread_time_ns()
    call(*given)
    return (time.thread_time_ns() - started) / 1_000


def _at(values: list[float], part: float) -> float:
    return round(values[min(len(values) - 1, int(part * len(values)))], 1)
