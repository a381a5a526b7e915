"""A decision that asks for everything at once: rights, 200 patterns, provenance of two arguments, limits of the score."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from importlib.resources import files

from msgspec.structs import replace

from benchmarks import mix
from benchmarks.engine import mixed_world, publish, timed
from graphsvc.core.policy.load import load_policy
from graphsvc.core.request import AccessRequest, Argument
from graphsvc.core.value import Json

__all__ = ["measure"]

_PATTERNS = 200
_FACTS = ("named_by_intent",) * 12 + ("clean",) * 6 + ("contested", "from_untrusted")


def measure(decisions: int, *, warm_up: int = 100_000) -> dict[str, Json]:
    """As `engine.measure`, of the same traffic with the table of the pack `agent-provenance`, asked of every action."""
    world = mixed_world(_PATTERNS)
    publish(world, _pack())
    assert world.ruleset.provenance, "no table is asked"
    requests = _with_arguments(mix.requests(warm_up + 2 * decisions))
    return {"patterns": _PATTERNS, "arguments": 2, **timed(world, requests, decisions, warm_up)}


def _pack() -> str:
    shipped = files("graphsvc.packs").joinpath("agent_provenance.yaml").read_text(encoding="utf-8")
    provenance = load_policy(shipped, "agent_provenance.yaml").provenance
    assert provenance is not None
    asked = provenance.model_dump(mode="json", exclude={"after"}, exclude_none=True)
    settings = {"escalate_at": 0.9, "deny_at": 0.99}
    pack = {"id": "together", "version": "1"}
    return json.dumps({"graphsvc": 1, "pack": pack, "settings": settings, "provenance": asked})


def _with_arguments(requests: Iterator[AccessRequest]) -> Iterator[AccessRequest]:
    rng = random.Random(9)
    for request in requests:
        arguments = (
            Argument(name="to", role="destination", fact=rng.choice(_FACTS)),
            Argument(name="record", role="target", fact=rng.choice(_FACTS)),
        )
        said: dict[str, Json] = {"requested": rng.choice(("requested", "requested", "delegated"))}
        yield replace(request, arguments=arguments, context={**request.context, "provenance": said})
