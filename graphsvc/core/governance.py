"""What is on trial, in draft, endorsed in part, broken in an emergency, or asked for: a fold over the records that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from graphsvc.core.governing import (
    Confirmed,
    DraftClosed,
    Endorsed,
    FindingRegistered,
    FindingReleased,
    GlassBroken,
    Governing,
    GrantAsked,
    GrantSettled,
    PolicyDrafted,
    PolicyShadowed,
    ReviewWithdrawn,
    TrialEnded,
)

if TYPE_CHECKING:
    from graphsvc.core.record import Decided, PolicyPublished

__all__ = ["Governance", "glass_of"]

_GLASS = "glass:"


class Governance:
    """Everything of it as of one place of the log.

    records: all that was folded, with their numbers, oldest first; folding them again gives the same. trials: by
    pack. drafts: open ones, by id. endorsed: approvals so far, by decision. withdrawn: reviews, by decision. broken:
    the newest emergency of each identity; breaks: every one, by id. unconfirmed: what was permitted in one and not
    reviewed yet, by decision, with its time; confirmed: what has been. asked: grants asked for, by id of the request,
    oldest first; settled: what became of them. registered: what is agreed about findings, by id, oldest first.
    published_at: numbers of all publications, as they stand in `World.published`.
    """

    def __init__(self) -> None:
        self.records: list[tuple[int, Governing]] = []
        self.trials: dict[str, PolicyShadowed] = {}
        self.trial_seqs: dict[str, int] = {}
        self.drafts: dict[str, PolicyDrafted] = {}
        self.endorsed: dict[str, list[Endorsed]] = {}
        self.withdrawn: dict[str, ReviewWithdrawn] = {}
        self.broken: dict[str, GlassBroken] = {}
        self.breaks: dict[str, GlassBroken] = {}
        self.unconfirmed: dict[str, tuple[int, str]] = {}
        self.confirmed: dict[str, Confirmed] = {}
        self.asked: dict[str, GrantAsked] = {}
        self.settled: dict[str, GrantSettled] = {}
        self.registered: dict[str, FindingRegistered] = {}
        self.published_at: list[int] = []

    def apply(self, record: Governing, seq: int) -> None:
        """Fold one record."""
        self.records.append((seq, record))
        match record:
            case PolicyShadowed():
                self.trials[record.pack] = record
                self.trial_seqs[record.pack] = seq
            case TrialEnded():
                self.trials.pop(record.pack, None)
            case PolicyDrafted():
                self.drafts[record.draft] = record
            case DraftClosed():
                self.drafts.pop(record.draft, None)
            case Endorsed():
                self.endorsed.setdefault(record.decision, []).append(record)
            case ReviewWithdrawn():
                self.withdrawn[record.decision] = record
            case GlassBroken():
                self.broken[record.identity] = self.breaks[record.id] = record
            case Confirmed():
                self.unconfirmed.pop(record.decision, None)
                self.confirmed[record.decision] = record
            case GrantAsked():
                self.asked[record.id] = record
            case GrantSettled():
                self.settled[record.request] = record
            case FindingRegistered():
                self.registered[record.id] = record
            case FindingReleased():
                self.registered.pop(record.entry, None)

    def published(self, record: PolicyPublished, seq: int) -> None:
        """A pack came into force; what was tried of it as it is now is on trial no longer."""
        self.published_at.append(seq)
        trial = self.trials.get(record.pack)
        if trial is not None and trial.sha256 == record.sha256:
            del self.trials[record.pack]

    def decided(self, record: Decided) -> None:
        """An action may have gone past rules in an emergency, and then waits for its review."""
        glass = glass_of(record)
        if glass is not None and record.request.id not in self.confirmed:
            self.unconfirmed[record.request.id] = (record.at_ms, glass)


def glass_of(record: Decided) -> str | None:
    """The emergency by which an action was permitted, None when it was by none."""
    if record.enforced is None:
        return None
    return next(
        (
            reason.rule.removeprefix(_GLASS)
            for reason in record.reasons
            if reason.rule is not None and reason.rule.startswith(_GLASS)
        ),
        None,
    )
