"""Settings of a run: the file and the environment, with what the command line says on top."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphsvc.config import Settings

__all__ = ["load_settings"]


def load_settings(config: Path | None = None, **given: object) -> Settings:
    """The settings; options that were not given (None) stay as the environment and the file say."""
    from graphsvc.config import load_settings as load

    return load(config, **{name: value for name, value in given.items() if value is not None})

