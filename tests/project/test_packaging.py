"""The wheel holds what an installed graphsvc needs."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import graphsvc
from tests.support.requirement import REPOSITORY


@pytest.mark.slow
def test_the_wheel_ships_cypher_and_types_and_nothing_of_the_checkout(tmp_path: Path) -> None:
    """The Cypher files lie inside the package; tests and scripts stay out."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("graphsvc-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    cypher = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "cypher").rglob("*.cypher")}
    assert {f"graphsvc/{name}" for name in cypher} <= set(names)
    assert "graphsvc/py.typed" in names
    assert all(
        name.startswith(("graphsvc/", f"graphsvc-{graphsvc.__version__}.dist-info/")) for name in names
    )


def test_the_cypher_files_are_found() -> None:
    """In a checkout as in an installed wheel, the folder of Cypher files is there."""
    assert graphsvc.cypher_root().is_dir()
