"""Cedar inside our process (cedarpy), one check at a time. It has no server, so this is CPU time, without a network.

Cedar keeps no data either: who asks picks the policies and entities that a question needs. A grant is a policy; those that a
check can meet are given to it, as its documentation advises (policy slicing). Picking them is not counted.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.peers.world import Check, World

__all__ = ["measure_cedar"]


def measure_cedar(world: World, checks: list[Check]) -> dict[str, Any]:
    """Microseconds of CPU time a check, and how many answers were wrong; `missing` when cedarpy is not installed."""
    try:
        import cedarpy
    except ImportError:
        return {"engine": "cedarpy", "missing": "pip install cedarpy"}
    granted: dict[tuple[str, str], list[str]] = {}
    for holder, action, place in sorted(world.grants):
        granted.setdefault((place, action), []).append(holder)
    prepared = [_prepared(world, granted, check) for check in checks]
    wrong, started = 0, time.process_time()
    for check, (request, policies, entities) in zip(checks, prepared, strict=True):
        answer = cedarpy.is_authorized(request, policies, entities)
        wrong += (answer.decision == cedarpy.Decision.Allow) is not check.allowed
    spent = time.process_time() - started
    return {
        "engine": "cedarpy, sliced, in-process", "checks": len(checks), "wrong": wrong,
        "cpu_us_each": round(spent / len(checks) * 1e6, 1),
    }  # fmt: skip


def _prepared(
    world: World, granted: dict[tuple[str, str], list[str]], check: Check
) -> tuple[dict[str, Any], str, list[dict[str, Any]]]:
    places, holders = world.places(check.resource), world.holders(check.subject)
    lines = [
        f'permit(principal in {_uid(holder)}, action == Action::"{check.action}", resource in Place::"{place}");'
        for place in places
        for holder in granted.get((place, check.action), ())
    ]
    entities = [
        {
            "uid": _object(name),
            "attrs": {},
            "parents": [_object(group) for group in world.member_of.get(name, ())],
        }
        for name in holders
    ]
    entities += [
        {
            "uid": {"type": "Place", "id": place}, "attrs": {},
            "parents": [{"type": "Place", "id": world.inside[place]}] if place in world.inside else [],
        }
        for place in places
    ]  # fmt: skip
    request = {
        "principal": _uid(check.subject), "action": f'Action::"{check.action}"', "resource": f'Place::"{check.resource}"',
        "context": {},
    }  # fmt: skip
    return request, "\n".join(lines), entities


def _uid(name: str) -> str:
    return f'Holder::"{name}"'


def _object(name: str) -> dict[str, str]:
    return {"type": "Holder", "id": name}
