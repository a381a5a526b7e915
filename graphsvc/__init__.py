"""graphsvc: a policy decision point that remembers.

It answers PERMIT, DENY or ESCALATE by deciding whether an action completes a risky path.
"""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

__all__ = ["__version__", "cypher_root"]

__version__ = "0.1.0"


def cypher_root() -> Traversable:
    """The folder with `migrations/`, `queries/` and `examples/`: in the wheel, or in the checkout."""
    shipped = files(__name__) / "cypher"
    return shipped if shipped.is_dir() else Path(__file__).resolve().parent.parent / "cypher"
