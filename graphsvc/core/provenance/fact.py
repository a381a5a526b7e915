"""The facts of an argument: where its value came from, as the enforcement point's client found it.

They are worked out by `graphsvc.client.provenance` and judged by a pack's table; the service knows them by
name, never the values.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["CRITICAL", "DESIGNATED", "FACTS", "TOLD", "WORST"]

# The client knows them without the library that policy files are read with; a test compares both lists.
FACTS: Final = (
    "named_by_intent",
    "contested",
    "clean",
    "designated_unique",
    "designated_many",
    "designated",
    "party",
    "unprovenanced",
    "from_untrusted",
)
DESIGNATED: Final = ("designated_unique", "designated_many", "designated")
WORST: Final = "from_untrusted"
# Roles of arguments that decide where an effect goes and what it hits.
CRITICAL: Final = ("destination", "target", "value")
TOLD: Final[Mapping[str, str]] = {
    "named_by_intent": "was named by the request",
    "clean": "comes from a trusted place",
    "contested": "is known, but foreign text speaks of it too",
    "designated_unique": "is the only one of its kind in a record that the request points at",
    "designated_many": "is one of several of its kind in a record that the request points at",
    "designated": "was found in a record that the request points at",
    "party": "is somebody who took part in what was read",
    "unprovenanced": "was seen nowhere before",
    "from_untrusted": "was found only in foreign text that nobody pointed at",
}
