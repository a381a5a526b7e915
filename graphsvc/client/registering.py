"""Calls about the register of findings: risks accepted for a while, and who answers for what by when."""

from __future__ import annotations

import msgspec

from graphsvc.client.answer import as_kind
from graphsvc.client.calling import Calling
from graphsvc.client.result import Acknowledged

__all__ = ["RegisterEntry", "Registering"]

_FAILURE = "... on Failure { code message field }"
_ENTRY = "id pattern identity fingerprint owner due acceptedUntil lapsed reason registeredBy registeredAt"
_MADE = f"{{ __typename ... on RegisterEntry {{ {_ENTRY} }} {_FAILURE} }}"
_ACCEPT = f"mutation($v: AcceptRiskInput!) {{ r: acceptRisk(input: $v) {_MADE} }}"
_ASSIGN = f"mutation($v: AssignFindingInput!) {{ r: assignFinding(input: $v) {_MADE} }}"
_WITHDRAW = (
    "mutation($v: ID!, $reason: String!) { r: withdrawEntry(id: $v, reason: $reason) "
    f"{{ __typename ... on Ack {{ revision at }} {_FAILURE} }} }}"
)
_REGISTER = f"query {{ r: findingRegister {{ {_ENTRY} }} }}"


class RegisterEntry(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is agreed about findings. Days as 2026-12-31. accepted_until: None = nothing is accepted; lapsed: that day is over."""

    id: str
    pattern: str
    identity: str
    fingerprint: str | None
    owner: str
    due: str | None
    accepted_until: str | None
    lapsed: bool
    reason: str
    registered_by: str
    registered_at: str


class Registering(Calling):
    """The register of findings."""

    async def accept_risk(
        self,
        until: str,
        reason: str,
        *,
        fingerprint: str | None = None,
        pattern: str = "*",
        identity: str = "*",
    ) -> RegisterEntry:
        """Accept the risk of one finding, or of all of patterns on identities (globs), up to and including a day."""
        given = {
            "until": until, "reason": reason, "fingerprint": fingerprint, "pattern": pattern, "identity": identity,
        }  # fmt: skip
        return as_kind(RegisterEntry, await self._call(_ACCEPT, {"v": given}))

    async def assign_finding(
        self, owner: str, *, due: str | None = None, fingerprint: str | None = None, pattern: str = "*",
        identity: str = "*", comment: str = "",
    ) -> RegisterEntry:  # fmt: skip
        """Say who answers for findings, and by which day they are to be gone."""
        given = {
            "owner": owner, "due": due, "fingerprint": fingerprint, "pattern": pattern, "identity": identity,
            "comment": comment,
        }  # fmt: skip
        return as_kind(RegisterEntry, await self._call(_ASSIGN, {"v": given}))

    async def withdraw_entry(self, entry: str, reason: str) -> Acknowledged:
        """Take an entry out of the register: an accepted risk is open again."""
        return as_kind(Acknowledged, await self._call(_WITHDRAW, {"v": entry, "reason": reason}))

    async def finding_register(self) -> list[RegisterEntry]:
        """Everything that is registered, lapsed risks too, newest first."""
        return as_kind(list[RegisterEntry], await self._read(_REGISTER, {}))
