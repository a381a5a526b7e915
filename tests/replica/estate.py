"""What the replicas are asked: three steps in any order, by one person, of which the third must be refused."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from graphsvc.core.record import Decided

__all__ = ["PACK", "STEPS", "final", "permits_by_key", "step"]

PACK = """\
graphsvc: 1
pack: {id: procurement, version: "1"}
settings: {entitlement: required}
actions:
  "erp:*": {effects: [write]}
patterns:
  - id: three-hands
    title: One person creates a vendor, approves its invoice and pays it
    severity: critical
    on_match: deny
    scope: principal
    within: 24h
    steps:
      create: {action: "erp:CreateVendor", key: {vendor: resource.id}}
      approve: {action: "erp:ApproveInvoice", key: {vendor: resource.id}}
      pay: {action: "erp:Pay", key: {vendor: resource.id}}
"""
STEPS = ("erp:CreateVendor", "erp:ApproveInvoice", "erp:Pay")


def step(vendor: str, action: str, subject: str = "alice") -> dict[str, Any]:
    """The DecideInput of one step; its key is what it does to whom."""
    return {
        "idempotencyKey": f"{vendor}-{action}",
        "chain": f"{vendor}-{action}",
        "subject": {"type": "human", "id": subject},
        "action": {"name": action},
        "resource": {"type": "vendor", "id": vendor},
    }


def permits_by_key(permitted: list[tuple[str, str]]) -> dict[str, set[str]]:
    """The steps that were permitted, by vendor, from (vendor, action)."""
    found: dict[str, set[str]] = {}
    for vendor, action in permitted:
        found.setdefault(vendor, set()).add(action)
    return found


def final(record: Decided, cancelled: Collection[str]) -> str:
    """What its key is answered from now on: DENY when it was cancelled."""
    return "DENY" if record.request.id in cancelled else record.answered.value
