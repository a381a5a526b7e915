"""The rule packs that ship with graphsvc, found by name and read as text."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from graphsvc.errors import BadInput

__all__ = ["AGENT_PACKS", "PACKS", "RIGHTS_PACKS", "pack_file", "pack_text"]

# In the order in which they are published together.
PACKS: Final = ("agents", "separation_of_duties", "cloud")
# Those that speak of rights held, besides.
RIGHTS_PACKS: Final = ("aws_escalation", "aws_exposure", "kubernetes_escalation", "held_duties")
# For enforcement points that say where arguments came from, besides.
AGENT_PACKS: Final = ("agent_provenance", "agentdojo")
_ALL: Final = (*PACKS, *RIGHTS_PACKS, *AGENT_PACKS)


def pack_file(name: str) -> str:
    """The file name of a shipped pack, as errors show it; BadInput names the packs there are."""
    if name not in _ALL:
        raise BadInput(f"there is no pack `{name}`; choose one of {', '.join(_ALL)}", field="pack")
    return f"{name}.yaml"


def pack_text(name: str) -> str:
    """The YAML text of a shipped pack; BadInput as in `pack_file`."""
    return files(__name__).joinpath(pack_file(name)).read_text(encoding="utf-8")
