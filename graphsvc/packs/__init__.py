"""The rule packs that ship with graphsvc, found by name and read as text."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from graphsvc.errors import BadInput

__all__ = ["PACKS", "pack_file", "pack_text"]

# In the order in which they are published together.
PACKS: Final = ("agents", "separation_of_duties", "cloud")


def pack_file(name: str) -> str:
    """The file name of a shipped pack, as errors show it; BadInput names the packs there are."""
    if name not in PACKS:
        raise BadInput(f"there is no pack `{name}`; choose one of {', '.join(PACKS)}", field="pack")
    return f"{name}.yaml"


def pack_text(name: str) -> str:
    """The YAML text of a shipped pack; BadInput as in `pack_file`."""
    return files(__name__).joinpath(pack_file(name)).read_text(encoding="utf-8")
