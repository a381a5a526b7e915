"""What is judged on top of a state that stays as it is."""

from __future__ import annotations

from graphsvc.core.request import AccessRequest, Entity
from graphsvc.core.state import Overlay
from graphsvc.core.world import World


def test_a_clock_that_runs_back_within_a_batch_does_not_turn_time_back() -> None:
    """R2: an action takes the newest time of its session, though only the batch knows it."""
    world = World(entitlement="off")
    overlay = Overlay(world.state)
    first = world.evaluate(_request("a"), 100, overlay, seq=1)
    overlay.merge(first.delta, first.happened)
    assert world.evaluate(_request("b"), 50, overlay, seq=2).at_ms == 100
    assert world.evaluate(_request("b"), 50, seq=1).at_ms == 50


def _request(name: str) -> AccessRequest:
    return AccessRequest(
        id=name, chain="c", subject=Entity("human", "u"), action="read", resource=Entity("doc", "d")
    )
