"""Records about rules on trial and in draft, reviews by several people, emergencies, grants asked for, and findings agreed on."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

import msgspec

from graphsvc.core.request import Entity

__all__ = [
    "Confirmed",
    "DraftClosed",
    "Endorsed",
    "FindingRegistered",
    "FindingReleased",
    "GlassBroken",
    "Governing",
    "GrantAsked",
    "GrantSettled",
    "PolicyDrafted",
    "PolicyShadowed",
    "ReviewWithdrawn",
    "SignalsLowered",
    "TrialEnded",
]


class _Base(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True, tag_field="kind"):
    at_ms: int
    by: str = ""


class PolicyShadowed(_Base, frozen=True, kw_only=True, tag="policy_shadowed"):
    """A pack is on trial from here on: judged beside those in force, without effect.

    share_ppm: the share of sessions, in millionths, in which it takes effect nevertheless.
    """

    pack: str
    version: str
    sha256: str
    text: str
    file: str = "<policy>"
    share_ppm: int = 0
    comment: str = ""


class TrialEnded(_Base, frozen=True, kw_only=True, tag="trial_ended"):
    """A pack is on trial no longer."""

    pack: str
    comment: str = ""


class PolicyDrafted(_Base, frozen=True, kw_only=True, tag="policy_drafted"):
    """Packs that wait for somebody else to publish them, as (text, file name, signature)."""

    draft: str
    packs: tuple[tuple[str, str, str], ...]
    comment: str = ""


class DraftClosed(_Base, frozen=True, kw_only=True, tag="draft_closed"):
    """A draft was published, or withdrawn."""

    draft: str
    published: bool = False
    comment: str = ""


class Endorsed(_Base, frozen=True, kw_only=True, tag="endorsed"):
    """One of several approvals that a review needs; the last one is an `Approved`."""

    decision: str
    person: Entity
    reason: str = ""


class ReviewWithdrawn(_Base, frozen=True, kw_only=True, tag="review_withdrawn"):
    """Nobody waits for the answer of a review any more."""

    decision: str
    reason: str = ""


class GlassBroken(_Base, frozen=True, kw_only=True, tag="glass_broken"):
    """An identity goes past rules in an emergency. pack: whose `break_glass` allows it."""

    id: str
    identity: str
    pack: str
    reason: str
    until_ms: int
    chain: str | None = None


class Confirmed(_Base, frozen=True, kw_only=True, tag="confirmed"):
    """The review afterwards of an action that went past rules in an emergency."""

    decision: str
    person: Entity
    justified: bool
    reason: str = ""


class GrantAsked(_Base, frozen=True, kw_only=True, tag="grant_asked"):
    """Somebody needs rights for a while. lasts_ms: from the moment they are given. on_behalf_of: ids, nearest first."""

    id: str
    identity: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    lasts_ms: int
    purpose: str
    uses: int | None = None
    chain: str | None = None
    session: str | None = None
    on_behalf_of: tuple[str, ...] = ()


class GrantSettled(_Base, frozen=True, kw_only=True, tag="grant_settled"):
    """Nobody waits for those rights any more. outcome: granted, rejected or withdrawn. grant: what came of it."""

    request: str
    outcome: str
    reason: str = ""
    grant: str | None = None


class SignalsLowered(_Base, frozen=True, kw_only=True, tag="signals_lowered"):
    """What a sender of security events warned of before a time counts no more, as a pack lets it say.

    sender: a stream by name; before_ms: when its event was sent.
    """

    identity: str
    sender: str
    before_ms: int
    cause: str = ""


class FindingRegistered(_Base, frozen=True, kw_only=True, tag="finding_registered"):
    """Who answers for findings and by when, or until when their risk is accepted. pattern, identity: globs.

    fingerprint: of one finding, None: of all that fit. accepted_until: up to and including that day; None: an owner
    and a day are named, nothing is accepted.
    """

    id: str
    pattern: str = "*"
    identity: str = "*"
    fingerprint: str | None = None
    owner: str = ""
    due: date | None = None
    accepted_until: date | None = None
    reason: str = ""


class FindingReleased(_Base, frozen=True, kw_only=True, tag="finding_released"):
    """What was registered about findings counts no more."""

    entry: str
    reason: str = ""


Governing: TypeAlias = (
    PolicyShadowed
    | TrialEnded
    | PolicyDrafted
    | DraftClosed
    | Endorsed
    | ReviewWithdrawn
    | GlassBroken
    | Confirmed
    | GrantAsked
    | GrantSettled
    | SignalsLowered
    | FindingRegistered
    | FindingReleased
)
