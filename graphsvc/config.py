"""The settings of a graphsvc process, from arguments, environment, secret files and a TOML file."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)  # fmt: skip

from graphsvc.errors import SettingsError
from graphsvc.outside import (
    OidcSettings,
    PublishingSettings,
    ReviewSettings,
    SiemSettings,
    SsfSettings,
    is_loopback,
)

__all__ = ["RetentionSettings", "Settings", "load_settings"]

_PREFIX = "GRAPHSVC_"
_SECRETS = Path("/run/secrets")
# These belong to the tests of this project.
_IGNORED = frozenset({"GRAPHSVC_REQUIRE", "GRAPHSVC_REAL_DATA"})


class RetentionSettings(BaseModel):
    """How long records stay in the store. days: None = for ever; archive: the folder that older ones are moved to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: int | None = Field(default=None, ge=2, le=36_500)
    archive: Path | None = None

    @model_validator(mode="after")
    def _are_both(self) -> RetentionSettings:
        if (self.days is None) != (self.archive is None):
            raise ValueError("`retention.days` and `retention.archive` belong together: set both, or neither")
        return self


class Settings(BaseSettings):
    """Everything that can be set. Names in the environment: `GRAPHSVC_` and the name in capitals.

    deadline_ms: default time to answer a decision, from its arrival. public_url: where callers reach the service;
    URLs in answers are built from it, never from what a request says. allowed_hosts: further names that requests may
    be addressed to; on a loopback address its names, `host` and that of `public_url` are always allowed and no
    others, elsewhere every name is unless some are given. redis_url: where replicas tell each other that the log
    has grown; without it they see it by themselves a quarter of a second later. rate_per_s: what each token subject may ask a second, a
    decision costs 1; 0 = no limit. max_connections: open at once, sockets among them; request_timeout_s: in which a
    request has to arrive in whole. documents: a JSON file of GraphQL
    documents by id, which callers may send instead of the text; documents_only: whether no other document is
    answered, our own clients' apart. chain_idle_s: seconds without an action after which a chain ends. store_values: what is kept of the values that
    requests carry, those that something reads or all of them. state_dir: where the local
    signing key lies; oidc: whose tokens are taken instead of the local key's; ssf: who sends security events, and who is told ours; siem: where decisions go in OCSF; reviews: where reviews are told of; publishing: what publishing rules asks for; retention: when old records are archived;
    log_format: auto = text at a terminal, else one JSON object a line. None = `.graphsvc` beside a SQLite store, else in the working directory.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    store: str = "sqlite:///graphsvc.db"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    uds: Path | None = None
    env: Literal["production", "development"] = "production"
    auth: Literal["on", "off"] = "on"
    neo4j_password: SecretStr | None = None
    redis_url: str | None = None
    redis_password: SecretStr | None = None
    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    state_dir: Path | None = None
    policy: tuple[Path, ...] = ()
    deadline_ms: int = Field(default=5_000, ge=1, le=600_000)
    rate_per_s: float = Field(default=50_000, ge=0)
    max_connections: int = Field(default=10_000, ge=1, le=1_000_000)
    request_timeout_s: float = Field(default=15.0, gt=0, le=3_600)
    documents: Path | None = None
    documents_only: bool = False
    chain_idle_s: int = Field(default=86_400, ge=60, le=365 * 86_400)
    store_values: Literal["all", "referenced"] = "referenced"
    workers: int = Field(default=1, ge=1, le=64)
    oidc: OidcSettings | None = None
    ssf: SsfSettings = SsfSettings()
    reviews: ReviewSettings = ReviewSettings()
    publishing: PublishingSettings = PublishingSettings()
    retention: RetentionSettings = RetentionSettings()
    siem: tuple[SiemSettings, ...] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "text"] = "auto"

    @property
    def on_loopback(self) -> bool:
        """True when only this machine can reach the port."""
        return self.uds is None and is_loopback(self.host)

    @property
    def development(self) -> bool:
        """True outside production: IDE, suggestions, introspection for everybody."""
        return self.env == "development"

    @property
    def state(self) -> Path:
        """The directory of the local signing key."""
        if self.state_dir is not None:
            return self.state_dir
        file = self.store.removeprefix("sqlite:///")
        beside = Path(file).parent if self.store.startswith("sqlite:///") and file else Path()
        return beside / ".graphsvc"

    @model_validator(mode="after")
    def _is_consistent(self) -> Settings:
        if self.auth == "off" and self.uds is None and not is_loopback(self.host):
            raise ValueError(
                f"`auth` may be off on a loopback address only, not on `{self.host}`; "
                "set GRAPHSVC_AUTH=on or GRAPHSVC_HOST=127.0.0.1"
            )
        _check_redis(self.redis_url)
        if (
            self.oidc is not None
            and self.oidc.login is not None
            and self.public_url is None
            and not self.on_loopback
        ):
            raise ValueError("a login comes back to an address: set `public_url` beside `oidc.login`")
        names = [each.name for each in self.siem]
        if len(set(names)) < len(names):
            raise ValueError("two of `siem` have the same `name`")
        if self.ssf.receivers and self.public_url is None and not self.on_loopback:
            raise ValueError("security events name who sends them: set `public_url` beside `ssf.receivers`")
        url = self.public_url
        if (
            url is not None
            and not url.startswith("https://")
            and not (self.development and url.startswith("http://"))
        ):
            raise ValueError(f"`public_url` must start with https:// outside development, not `{url}`")
        if url is not None:
            _check_public(url)
        return self


def load_settings(
    config: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    secrets_dir: Path = _SECRETS,
    **given: object,
) -> Settings:
    """The settings; SettingsError names what is wrong.

    given: from the command line, None = not given; they win over the environment, that over files in
    `secrets_dir` (named as the variable, any case), those over the TOML file `config`.
    """
    environment = dict(os.environ if environ is None else environ)
    _refuse_unknown(environment)
    from_file = _toml(config) if config is not None else {}
    said = {name: value for name, value in given.items() if value is not None}

    class Sourced(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            env = env_settings
            if isinstance(env, EnvSettingsSource):
                env.env_vars = {name.lower(): value for name, value in environment.items()}
            sources = [init_settings, env]
            if secrets_dir.is_dir():
                sources.append(SecretsSettingsSource(settings_cls, secrets_dir=secrets_dir))
            sources.append(InitSettingsSource(settings_cls, init_kwargs=from_file))
            return tuple(sources)

    try:
        return Sourced(**said)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        raise SettingsError(_told(error)) from None
    except ValueError as error:
        raise SettingsError(f"a setting cannot be read: {error}") from None


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = {f"{_PREFIX}{name.upper()}" for name in Settings.model_fields}
    for name in sorted(environment):
        upper = name.upper()
        if not upper.startswith(_PREFIX) or upper in _IGNORED or upper.split("__")[0] in known:
            continue
        # Without the prefix, which would make every name look alike.
        near = difflib.get_close_matches(
            upper.removeprefix(_PREFIX).lower(), sorted(Settings.model_fields), n=1
        )
        hint = (
            f"did you mean `{_PREFIX}{near[0].upper()}`?" if near else f"known are {', '.join(sorted(known))}"
        )
        raise SettingsError(f"the environment variable `{name}` is unknown; {hint}")


def _toml(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(
            f"`{path}` cannot be read: {error.strerror}; name another file with --config"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"`{path}` is not TOML: {error}") from None
    for name in values:
        if name not in Settings.model_fields:
            near = difflib.get_close_matches(name, list(Settings.model_fields), n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"known are {', '.join(Settings.model_fields)}"
            raise SettingsError(f"`{path}`: the setting `{name}` is unknown; {hint}")
    return values


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = "__".join(str(part) for part in first["loc"])
    text = first["msg"].removeprefix("Value error, ")
    if not place:
        return text
    text = text[:1].lower() + text[1:]
    return f"the setting `{place}` (variable `{_PREFIX}{place.upper()}`): {text}"


def _check_public(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    if not is_whole or parts.query or parts.fragment or "@" in parts.netloc or any(map(str.isspace, url)):
        raise ValueError(
            f"`public_url` must be a host and a path such as https://pdp.example.com/one, not `{url}`"
        )


def _check_redis(url: str | None) -> None:
    if url is None:
        return
    try:
        parts = urlsplit(url)
        is_whole = parts.scheme in {"redis", "rediss"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_whole = False
    if not is_whole or parts.password is not None:
        raise ValueError(
            "`redis_url` must be such as redis://host:6379/0, and its password goes into GRAPHSVC_REDIS_PASSWORD"
        )
