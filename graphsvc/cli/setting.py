"""Settings of a run: the file and the environment, with what the command line says on top."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphsvc.config import Settings

__all__ = ["load_settings", "state_dir"]


def load_settings(config: Path | None = None, **given: object) -> Settings:
    """The settings; options that were not given (None) stay as the environment and the file say."""
    from graphsvc.config import load_settings as load

    return load(config, **{name: value for name, value in given.items() if value is not None})


def state_dir(settings: Settings) -> Path:
    """Where the local key lies: as set, else `.graphsvc` beside the store's file."""
    from graphsvc.store.address import SqliteAddress, parse_store_url

    if settings.state_dir is not None:
        return Path(settings.state_dir)
    address = parse_store_url(settings.store)
    beside = address.path.parent if isinstance(address, SqliteAddress) else Path()
    return beside / ".graphsvc"
