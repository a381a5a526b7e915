"""A small world for provenance: an agent, whom it acts for, whom that person knows, and two tools."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphsvc.packs import pack_text
from graphsvc.testing import LocalPdp

GRAPH: list[dict[str, Any]] = [
    {"node": {"type": "identity", "id": "bot", "kind": "agent"}},
    {"node": {"type": "identity", "id": "ann", "kind": "human"}},
    {"node": {"type": "identity", "id": "partner@acme.example", "kind": "human"}},
    {"edge": {"type": "ACTS_FOR", "from": "identity:bot", "to": "identity:ann", "properties": {}}},
    {
        "edge": {
            "type": "KNOWS",
            "from": "identity:ann",
            "to": "identity:partner@acme.example",
            "properties": {},
        }
    },
]
ALLOWED = """
graphsvc: 1
pack: {id: desk, version: "1", order: 200}
settings: {entitlement: "off"}
"""


def desk() -> LocalPdp:
    """The real service with the pack, to be entered."""
    return LocalPdp(pack_text("agent_provenance"), ALLOWED, graph=GRAPH)


def asked(action: str, resource: str = "mailbox:ann", **more: Any) -> dict[str, Any]:
    """A request of the agent for its person."""
    kind, _, name = resource.partition(":")
    properties = more.pop("properties", {})
    return {
        "chain": "c1", "subject": {"type": "agent", "id": "bot"}, "onBehalfOf": [{"type": "human", "id": "ann"}],
        "action": {"name": action, "properties": properties}, "resource": {"type": kind, "id": name}, **more,
    }  # fmt: skip


def mail(
    to: str, fact: str, *, tokens: Sequence[str] = (), requested: str = "requested", **detail: Any
) -> dict[str, Any]:
    """A mail to somebody whose address has a fact."""
    argument = {"name": "to", "role": "destination", "fact": fact, "tokens": list(tokens)}
    said = {"requested": requested, "arguments": {"to": [detail]}} if detail else {"requested": requested}
    return asked(
        "gmail:send_email", properties={"to": [to]}, arguments=[argument], context={"provenance": said}
    )
