"""Calls about the life of rules: trials, drafts, and emergencies that go past them."""

from __future__ import annotations

from typing import Any

import msgspec

from graphsvc.client.answer import as_kind
from graphsvc.client.calling import Calling
from graphsvc.client.result import Acknowledged

__all__ = ["Draft", "Drafted", "Emergency", "Governing", "Shadowed", "Trial", "policy_files"]

_FAILURE = "... on Failure { code message field }"
_ACK = f"{{ __typename ... on Ack {{ revision at }} {_FAILURE} }}"
_EMERGENCY = "id identity chain pack reason declaredAt declaredBy until unreviewed"
_SHADOW = (
    "mutation($v: ShadowInput!) { r: shadowPolicy(input: $v) "
    f"{{ __typename ... on Shadowed {{ pack revision at unjudged }} {_FAILURE} }} }}"
)
_END_TRIAL = f"mutation($v: String!, $comment: String!) {{ r: endTrial(pack: $v, comment: $comment) {_ACK} }}"
_TRIALS = (
    "query { r: policyTrials { pack version sha256 since by comment canary decisions spoke denies escalates differs "
    "unjudged } }"
)
_DRAFT = (
    "mutation($v: PublishPolicyInput!) { r: draftPolicy(input: $v) "
    f"{{ __typename ... on Drafted {{ draft revision at }} {_FAILURE} }} }}"
)
_DRAFTS = "query { r: policyDrafts { draft draftedAt draftedBy comment files texts } }"
_PUBLISH = f"mutation($v: ID!, $comment: String!) {{ r: publishDraft(draft: $v, comment: $comment) {_ACK} }}"
_WITHDRAW = (
    f"mutation($v: ID!, $comment: String!) {{ r: withdrawDraft(draft: $v, comment: $comment) {_ACK} }}"
)
_BREAK = (
    "mutation($v: BreakGlassInput!) { r: breakGlass(input: $v) "
    f"{{ __typename ... on Emergency {{ {_EMERGENCY} }} {_FAILURE} }} }}"
)
_EMERGENCIES = f"query {{ r: emergencies {{ {_EMERGENCY} }} }}"


_SUSPENSIONS = "query { r: suspensions { kind id reason suspendedAt suspendedBy until } }"


class _Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    pass


class Suspension(_Result, frozen=True, kw_only=True):
    """Something that is suspended. kind: identity, chain, session, action or pattern; until: None = until reinstated."""

    kind: str
    id: str
    reason: str
    suspended_at: str
    suspended_by: str
    until: str | None


class Shadowed(_Result, frozen=True, kw_only=True):
    """A pack is on trial. unjudged: what of it a trial cannot judge, in words."""

    pack: str
    revision: str
    at: str
    unjudged: list[str]


class Trial(_Result, frozen=True, kw_only=True):
    """A pack on trial, and what came of it. canary: the share of sessions in which it takes effect, 0 to 1.

    spoke: decisions of which it said something; differs: those it would have answered more severely.
    """

    pack: str
    version: str
    sha256: str
    since: str
    by: str
    comment: str
    canary: float
    decisions: int
    spoke: int
    denies: int
    escalates: int
    differs: int
    unjudged: list[str]


class Drafted(_Result, frozen=True, kw_only=True):
    """Packs wait for somebody else to publish them."""

    draft: str
    revision: str
    at: str


class Draft(_Result, frozen=True, kw_only=True):
    """Packs that wait. files, texts: as handed in, in the same order."""

    draft: str
    drafted_at: str
    drafted_by: str
    comment: str
    files: list[str]
    texts: list[str]


class Emergency(_Result, frozen=True, kw_only=True):
    """For a while an identity goes past rules. unreviewed: how many of its actions wait for their review."""

    id: str
    identity: str
    pack: str
    reason: str
    declared_at: str
    declared_by: str
    until: str
    unreviewed: int
    chain: str | None = None


class Governing(Calling):
    """The life of rules."""

    async def shadow_policy(
        self, text: str, *, file: str = "<policy>", canary: float = 0.0, comment: str = ""
    ) -> Shadowed:
        """Try a pack on live traffic. canary: the share of sessions in which it takes effect, 0 to 1."""
        given = {"yaml": text, "file": file, "canary": canary, "comment": comment}
        return as_kind(Shadowed, await self._call(_SHADOW, {"v": given}))

    async def end_trial(self, pack: str, comment: str = "") -> Acknowledged:
        """A pack is on trial no longer."""
        return as_kind(Acknowledged, await self._call(_END_TRIAL, {"v": pack, "comment": comment}))

    async def trials(self) -> list[Trial]:
        """Packs on trial, and what came of each so far."""
        return as_kind(list[Trial], await self._read(_TRIALS, {}))

    async def draft_policy(self, *texts: str | tuple[str, str], comment: str = "") -> Drafted:
        """Hand packs in for somebody else to publish; each a YAML text or (text, file name)."""
        given = {"files": policy_files(texts), "comment": comment}
        return as_kind(Drafted, await self._call(_DRAFT, {"v": given}))

    async def drafts(self) -> list[Draft]:
        """Packs that wait for somebody to publish them, newest first."""
        return as_kind(list[Draft], await self._read(_DRAFTS, {}))

    async def publish_draft(self, draft: str, comment: str = "") -> Acknowledged:
        """Put a draft into force; by a second person where the service's settings ask for one."""
        return as_kind(Acknowledged, await self._call(_PUBLISH, {"v": draft, "comment": comment}))

    async def withdraw_draft(self, draft: str, comment: str = "") -> Acknowledged:
        """Take a draft back."""
        return as_kind(Acknowledged, await self._call(_WITHDRAW, {"v": draft, "comment": comment}))

    async def break_glass(self, identity: str, reason: str, *, chain: str | None = None) -> Emergency:
        """Declare an emergency as a pack's `break_glass` allows; every action so permitted is reviewed afterwards."""
        given = {"identity": identity, "reason": reason, "chain": chain}
        return as_kind(Emergency, await self._call(_BREAK, {"v": given}))

    async def suspensions(self) -> list[Suspension]:
        """Everything that is suspended now, newest first."""
        return as_kind(list[Suspension], await self._read(_SUSPENSIONS, {}))

    async def emergencies(self) -> list[Emergency]:
        """Every emergency, newest first."""
        return as_kind(list[Emergency], await self._read(_EMERGENCIES, {}))


def policy_files(texts: tuple[str | tuple[str, str], ...]) -> list[dict[str, Any]]:
    """Policy files as the service takes them."""
    pairs = [(text, "<policy>") if isinstance(text, str) else text for text in texts]
    return [{"yaml": text, "file": file} for text, file in pairs]
