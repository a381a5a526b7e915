"""Everything that a decision may read, as of one place of the log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graphsvc.core.estate import Estate
from graphsvc.core.gain.gains import Gains
from graphsvc.core.governance import Governance
from graphsvc.core.grants import Grants
from graphsvc.core.provenance.sighting import Sightings
from graphsvc.core.record import Decided
from graphsvc.core.review import Review
from graphsvc.core.rights import Rights
from graphsvc.core.ruleset import Ruleset
from graphsvc.core.signal import Signals
from graphsvc.core.state import StateView

__all__ = ["Facts"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision may read, as of one place of the log."""

    estate: Estate
    rights: Rights
    ruleset: Ruleset
    grants: Grants
    view: StateView
    entitlement: str | None = None  # overrides the packs' setting when given
    signals: Signals = field(default_factory=Signals)
    reviews: Mapping[str, Review] = field(default_factory=dict)
    gains: Gains | None = None  # None when no pattern speaks of rights or reach
    governance: Governance = field(default_factory=Governance)
    waiting: dict[str, Decided] = field(default_factory=dict)  # reviews without an answer, in log order
    sightings: Sightings = field(default_factory=Sightings)  # tokens that reports told of
