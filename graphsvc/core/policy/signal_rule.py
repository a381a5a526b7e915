"""What security events of others do here, where a pack says otherwise than the built-in table."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from graphsvc.core.policy.scalar import DurationMs, Model, Text

__all__ = ["EVENT_NAMES", "EventName", "SignalRule"]

# OpenID CAEP 1.0 and RISC 1.0; another type is written as its whole URI.
EVENT_NAMES = frozenset({
    "session-revoked", "token-claims-change", "credential-change", "assurance-level-change",
    "device-compliance-change", "session-established", "session-presented", "risk-level-change",
    "account-credential-change-required", "account-purged", "account-disabled", "account-enabled",
    "identifier-changed", "identifier-recycled", "credential-compromise", "opt-in", "opt-out-initiated",
    "opt-out-cancelled", "opt-out-effective", "recovery-activated", "recovery-information-changed", "sessions-revoked",
})  # fmt: skip


def _known(name: str) -> str:
    if "/" in name:
        return name
    event, colon, value = name.partition(":")
    if event not in EVENT_NAMES:
        known = ", ".join(sorted(EVENT_NAMES))
        raise ValueError(f"`{event}` is no CAEP or RISC event; write a whole URI, or one of {known}")
    return f"{event}{colon}{value.upper()}"


EventName = Annotated[Text, AfterValidator(_known)]


class SignalRule(Model):
    """What an event does; nothing of it does nothing.

    weight: of a signal, 0 = none, halving every `half_life_ms`. suspend: the subject; revoke: its rights for a while.
    lowers: what the same sender warned of earlier counts no more; the only way in which an event lowers risk.
    """

    weight: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    half_life_ms: DurationMs = Field(default=86_400_000, alias="half_life")
    suspend: bool = False
    revoke: bool = False
    lowers: bool = False

    @model_validator(mode="after")
    def _has_sense(self) -> SignalRule:
        if self.lowers and (self.weight or self.suspend or self.revoke):
            raise ValueError("an event that `lowers` risk cannot raise it, suspend or revoke as well")
        return self
