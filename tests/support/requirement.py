"""Skip what this machine cannot run, or fail where GRAPHSVC_REQUIRE says that it must."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def is_required(name: str) -> bool:
    """Whether GRAPHSVC_REQUIRE (a comma-separated list) names this part."""
    return name in {word.strip() for word in os.environ.get("GRAPHSVC_REQUIRE", "").split(",")}


def skip_or_fail(name: str, reason: str) -> NoReturn:
    """End the test: skipped with the reason, or failed if the part is required."""
    if is_required(name):
        pytest.fail(f"{reason} (GRAPHSVC_REQUIRE names {name})", pytrace=False)
    pytest.skip(reason)


def real_data_folder() -> Path:
    """The folder with real input: GRAPHSVC_REAL_DATA, else `../shared/data`; skips where absent."""
    named = os.environ.get("GRAPHSVC_REAL_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    if named:
        pytest.fail(f"GRAPHSVC_REAL_DATA names `{named}`, which is no folder", pytrace=False)
    pytest.skip("no real input here; set GRAPHSVC_REAL_DATA to its folder")
