"""Where the settings say that decisions and security events go: outlets and what carries them."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from graphsvc.events import ocsf
from graphsvc.events.caep import PushSink, SigningKey, Teller, signing_key
from graphsvc.events.outlet import Outlet, keep_delivering
from graphsvc.events.sink import FileSink, HttpSink, SyslogSink

if TYPE_CHECKING:
    from graphsvc.config import Settings
    from graphsvc.decide.service import GraphsvcService
    from graphsvc.outside import SiemSettings

__all__ = ["events_key", "outlet_jobs"]


def events_key(settings: Settings) -> SigningKey | None:
    """The key that security events are signed with; None when nobody is told any."""
    return signing_key(settings.state) if settings.ssf.receivers else None


def outlet_jobs(
    service: GraphsvcService, settings: Settings, key: SigningKey | None, issuer: str | None
) -> list[Coroutine[Any, Any, None]]:
    """What has to run beside the service. issuer: its public URL, needed where security events are sent."""
    folder = settings.state / "outlets"
    outlets = [
        Outlet(each.name, _sink(each), ocsf.messages, folder / f"siem-{each.name}") for each in settings.siem
    ]
    if key is not None and issuer is not None:
        outlets += [
            Outlet(
                each.name,
                PushSink(each.endpoint, each.token_file),
                Teller(service, key, issuer=issuer, audience=each.audience).messages,
                folder / f"ssf-{each.name}",
            )
            for each in settings.ssf.receivers
        ]
    return [keep_delivering(service, outlet) for outlet in outlets]


def _sink(settings: SiemSettings) -> FileSink | SyslogSink | HttpSink:
    if settings.file is not None:
        return FileSink(settings.file)
    if settings.syslog is not None:
        return SyslogSink(settings.syslog)
    assert settings.url is not None
    return HttpSink(settings.url, settings.token_file)
