"""Action types as a policy file: only what a pack says of actions reaches the engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from graphsvc.core.graph import Node
from graphsvc.core.value import Json

__all__ = ["write_pack"]


def write_pack(nodes: Iterable[Node], pack: str, version: str) -> Iterator[str]:
    """The text of a pack that declares the action types among the nodes, by name."""
    yield "# Made by `graphsvc import mcp`. Read it, and publish it with `graphsvc policy publish`.\n"
    yield f"graphsvc: 1\npack: {{id: {_text(pack)}, version: {_text(version)}}}\nactions:\n"
    empty = True
    for node in sorted(nodes, key=lambda node: node.key):
        if node.kind == "action_type":
            empty = False
            fields = node.fields
            # A policy file says nothing rather than something empty.
            declared: dict[str, Json] = {"effects": fields["effects"]}
            if fields["result"] != {"labels": []}:
                declared["result"] = fields["result"]
            if fields["arguments"]:
                declared["arguments"] = fields["arguments"]
            yield f"  {_text(node.id)}: {_text(declared)}\n"
    if empty:
        yield "  {}\n"


def _text(value: object) -> str:
    """JSON, which YAML reads as it stands."""
    return msgspec.json.encode(value).decode()
