"""Settings of what others run and we rely on, and of who else has a say: issuers, senders, receivers, signers."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from graphsvc.core.audit.note import VerifierKey
from graphsvc.errors import BadInput

__all__ = [
    "OidcSettings",
    "PublishingSettings",
    "ReceiverSettings",
    "ReviewSettings",
    "SiemSettings",
    "SsfSettings",
    "StreamSettings",
    "is_loopback",
]

# It names a file too.
_NAME = r"^[A-Za-z0-9_.-]{1,64}$"


# Asymmetric ones only: whoever can check must not be able to sign.
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"]
ALGORITHMS: tuple[Algorithm, ...] = get_args(Algorithm)


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    issuer: str
    audience: str
    jwks_uri: str | None = None
    jwks_file: Path | None = None

    @model_validator(mode="after")
    def _has_keys(self) -> _Keys:
        if (self.jwks_uri is None) == (self.jwks_file is None):
            raise ValueError("give one of `jwks_uri` and `jwks_file`")
        if self.jwks_uri is not None:
            _check_url("jwks_uri", self.jwks_uri)
        return self


class LoginSettings(BaseModel):
    """Login of people by their browser at the issuer. secret_file: of a confidential client. session_s: how long one lasts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: str = Field(min_length=1)
    secret_file: Path | None = None
    scopes: tuple[str, ...] = ("openid", "profile")
    session_s: int = Field(default=8 * 3_600, ge=60, le=7 * 86_400)


class OidcSettings(_Keys):
    """An OpenID Connect issuer whose tokens are taken, and no others. algorithms: it signs with; none but these are taken.

    login: people may log in to the dashboard there.
    """

    algorithms: tuple[Algorithm, ...] = Field(default=ALGORITHMS, min_length=1)
    login: LoginSettings | None = None


class StreamSettings(_Keys):
    """A stream of security events. endpoint, token_file: of one that is polled. push_token_file: a bearer token that pushers send."""

    name: str
    delivery: Literal["push", "poll"] = "push"
    endpoint: str | None = None
    token_file: Path | None = None
    push_token_file: Path | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> StreamSettings:
        if (self.delivery == "poll") != (self.endpoint is not None):
            raise ValueError('`endpoint` belongs to `delivery = "poll"`, and is needed there')
        if self.endpoint is not None:
            _check_url("endpoint", self.endpoint)
        return self


class ReceiverSettings(BaseModel):
    """Somebody who is told of suspensions and risk. endpoint: that events are pushed to; token_file: a bearer token."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=_NAME)]
    endpoint: str
    audience: str
    token_file: Path | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> ReceiverSettings:
        _check_url("endpoint", self.endpoint)
        return self


class SiemSettings(BaseModel):
    """Where decisions go in OCSF: one of a file, `udp://` or `tcp://` of a syslog server, and the URL of a collector."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(pattern=_NAME)]
    file: Path | None = None
    syslog: str | None = None
    url: str | None = None
    token_file: Path | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> SiemSettings:
        given = [name for name in ("file", "syslog", "url") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError("give one of `file`, `syslog` and `url`")
        if self.url is not None:
            _check_url("url", self.url)
        elif self.token_file is not None:
            raise ValueError("`token_file` belongs to `url`")
        if self.syslog is not None:
            parts = urlsplit(self.syslog)
            if parts.scheme not in ("udp", "tcp") or not parts.hostname:
                raise ValueError(f"`syslog` must be udp://host:514 or tcp://host:601, not `{self.syslog}`")
        return self


class SsfSettings(BaseModel):
    """Shared Signals: whose events we take, and who is told ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    streams: tuple[StreamSettings, ...] = ()
    receivers: tuple[ReceiverSettings, ...] = ()

    @model_validator(mode="after")
    def _names_differ(self) -> SsfSettings:
        for kind, listed in (("streams", self.streams), ("receivers", self.receivers)):
            names = [each.name for each in listed]
            if len(set(names)) < len(names):
                raise ValueError(f"two {kind} have the same `name`")
        return self


class ReviewSettings(BaseModel):
    """Where reviews are told of. webhook: an address that notices are posted to; token_file: a bearer token for it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhook: str | None = None
    token_file: Path | None = None
    attempts: int = Field(default=5, ge=1, le=20)

    @model_validator(mode="after")
    def _is_safe(self) -> ReviewSettings:
        if self.webhook is not None:
            _check_url("webhook", self.webhook)
        return self


class PublishingSettings(BaseModel):
    """What publishing rules asks for.

    second_person: whoever drafted packs cannot publish them. trusted_keys: public keys as `graphsvc policy sign --new`
    prints them; one of them must have signed every pack.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    second_person: bool = False
    trusted_keys: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _are_keys(self) -> PublishingSettings:
        for text in self.trusted_keys:
            try:
                VerifierKey.parse(text)
            except BadInput as error:
                raise ValueError(f"`trusted_keys`: `{text[:40]}` {error}") from None
        return self

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """The trusted keys."""
        return tuple(map(VerifierKey.parse, self.trusted_keys))


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname and is_loopback(parts.hostname):
        return
    raise ValueError(f"`{name}` must start with https:// (http:// on a loopback address only), not `{url}`")


def is_loopback(host: str) -> bool:
    """True for names and addresses of this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
