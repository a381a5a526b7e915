"""What `graphsvc doctor` looks at beside the store: settings, keys, tokens, libraries and the machine."""

from __future__ import annotations

import os
import platform
import resource
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from graphsvc import __version__

if TYPE_CHECKING:
    from graphsvc.config import Settings

__all__ = ["Check", "State", "check_machine", "check_settings", "folder_of", "quantile", "sync_times_ms"]

State = Literal["ok", "off", "warning", "error"]
# What `serve` opens beside connections.
_OTHER_FILES = 256
_SYNCS = 40
_SLOW_SYNC_MS = 5.0
_LITTLE_BYTES, _NO_BYTES = 2 << 30, 200 << 20
_LIBRARIES = ("strawberry-graphql", "graphql-core", "starlette", "uvicorn", "pydantic", "msgspec")
# Library, and the extra of ours that brings it.
_OPTIONAL = (
    ("neo4j", "neo4j"), ("redis", "redis"), ("mcp", "mcp"), ("opentelemetry-sdk", "otel"),
    ("scipy", "explore"), ("kubernetes", "kubernetes"),
)  # fmt: skip


class Check(NamedTuple):
    """One thing that was looked at. fix: what to do next; empty when there is nothing to do."""

    check: str
    state: State
    detail: str
    fix: str = ""


def check_settings(settings: Settings) -> Iterator[Check]:
    """Versions, the mode, who may ask, keys and tokens."""
    python = platform.python_version()
    yield Check("graphsvc", "ok", f"{__version__} on Python {python}, SQLite {sqlite3.sqlite_version}")
    for name in _LIBRARIES:
        yield _library(name, None)
    for name, extra in _OPTIONAL:
        yield _library(name, extra)
    if settings.development:
        fix = "unset GRAPHSVC_ENV where others can reach the service"
        yield Check("mode", "warning", "development: IDE, suggestions, the schema for everybody", fix)
    else:
        yield Check("mode", "ok", "production")
    if settings.auth == "off":
        yield Check("authentication", "warning", "off: everybody may do everything", "set GRAPHSVC_AUTH=on")
    else:
        issuer = "tokens of " + settings.oidc.issuer if settings.oidc is not None else "local tokens"
        yield Check("authentication", "ok", issuer)
    if settings.oidc is None:
        yield _key(settings)
        yield from _tokens(settings)
    if settings.public_url is None and not settings.on_loopback:
        fix = "set GRAPHSVC_PUBLIC_URL to the https:// address that callers use"
        yield Check("public URL", "warning", "not set: no AuthZEN metadata, no links", fix)
    else:
        yield Check("public URL", "ok", settings.public_url or "the loopback address itself")


def check_machine(settings: Settings) -> Iterator[Check]:
    """Open files, disk space, and how long a write takes until it is safe."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + _OTHER_FILES
    limits = f"open files {_limit(soft)}, up to {_limit(hard)}; max_connections {settings.max_connections}"
    if hard != resource.RLIM_INFINITY and hard < wanted:
        fix = f"raise it (`ulimit -Hn {wanted}`, LimitNOFILE=) or lower GRAPHSVC_MAX_CONNECTIONS"
        yield Check("limits", "warning", limits, fix)
    else:
        yield Check(
            "limits",
            "ok",
            f"{limits}; request_timeout_s {settings.request_timeout_s:g}; rate_per_s {settings.rate_per_s:g}; deadline_ms {settings.deadline_ms}",
        )
    folder = folder_of(settings)
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        yield Check(
            "disk", "error", f"`{folder}`: {error.strerror}", "make the folder, or name another store"
        )
        return
    detail = f"{free / 2**30:.1f} GiB free at `{folder}`"
    if free < _LITTLE_BYTES:
        state: State = "error" if free < _NO_BYTES else "warning"
        yield Check("disk", state, detail, "make room: a store that cannot grow denies everything")
    else:
        yield Check("disk", "ok", detail)
    yield _fsync(folder)


def folder_of(settings: Settings) -> Path:
    """Where what must last is written: beside a SQLite store, else the state folder; the nearest that exists."""
    path = settings.store.removeprefix("sqlite:///")
    folder = Path(path).parent if settings.store.startswith("sqlite:///") and path else settings.state
    folder = folder.absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder


def quantile(values: list[float], share: float) -> float:
    """The value below which that share lies."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def sync_times_ms(folder: Path, tries: int = _SYNCS) -> list[float]:
    """How long it took each time until 4 kB were on the disk; OSError where nothing can be written."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(tries):
            file.write(b"\0" * 4096)
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return times


def _fsync(folder: Path) -> Check:
    try:
        times = sync_times_ms(folder)
    except OSError as error:
        return Check("fsync", "error", f"`{folder}`: {error.strerror}", f"let this user write to `{folder}`")
    middle, most = quantile(times, 0.5), quantile(times, 0.99)
    detail = f"p50 {middle:.2f} ms, p99 {most:.2f} ms for 4 kB: no durable decision is faster"
    if middle > _SLOW_SYNC_MS:
        return Check(
            "fsync", "warning", detail, "move the store to a disk with a safe write cache (NVMe, SSD)"
        )
    return Check("fsync", "ok", detail)


def _key(settings: Settings) -> Check:
    from graphsvc.api.auth import local_key
    from graphsvc.api.token_register import KEY_FILE, key_id
    from graphsvc.errors import SettingsError

    path = settings.state / KEY_FILE
    if not path.exists():
        return Check("token key", "off", f"`{path}` is not there", "`serve` and `graphsvc token` make it")
    try:
        return Check("token key", "ok", f"`{path}`, id {key_id(local_key(settings.state))}")
    except SettingsError as error:
        told, _, fix = str(error).partition("; ")
        return Check("token key", "error", told, fix)


def _tokens(settings: Settings) -> Iterator[Check]:
    from graphsvc.api.token_register import TokenRegister

    live = [token for token, state in TokenRegister(settings.state).tokens() if state == "valid"]
    wide = sorted({token.subject for token in live if "pep" in token.roles and "*" in token.subjects})
    if not live:
        fix = "make one: `graphsvc token --role pep --subject NAME --subjects GLOB`"
        yield Check("tokens", "off", "none is valid now", fix)
    elif wide:
        names = ", ".join(f"`{name}`" for name in wide[:5]) + (" and more" if len(wide) > 5 else "")
        fix = "make narrow ones (`--subjects GLOB`), then `graphsvc token revoke --subject NAME`"
        yield Check("tokens", "warning", f"{len(live)} valid; may speak for every identity: {names}", fix)
    else:
        yield Check("tokens", "ok", f"{len(live)} valid, each for the subjects it names")


def _library(name: str, extra: str | None) -> Check:
    try:
        return Check(name, "ok", version(name))
    except PackageNotFoundError:
        if extra is None:
            return Check(name, "error", "not installed", "`pip install 'graphsvc[server]'`")
        return Check(name, "off", "not installed", f"`pip install 'graphsvc[{extra}]'` where it is wanted")


def _limit(value: int) -> str:
    return "without limit" if value == resource.RLIM_INFINITY else str(value)
