"""The evaluator in a process of its own: simulations in, results out."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.requirement import skip_or_fail

HERE = Path(__file__).parent


def install(folder: Path) -> Path:
    """Put the locked package into a folder; skips where Node is not."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        skip_or_fail("node", "Node and npm are not installed; on Debian: apt-get install nodejs npm")
    for name in ("package.json", "package-lock.json", "simulate.mjs"):
        shutil.copy(HERE / name, folder / name)
    ended = subprocess.run(
        ["npm", "ci", "--silent", "--no-audit", "--no-fund"],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    return folder


def evaluate(folder: Path, simulations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A result for each: `{"result": "Allowed" | "ImplicitlyDenied" | "ExplicitlyDenied"}` or `{"error"}`."""
    text = "".join(json.dumps(each) + "\n" for each in simulations)
    ended = subprocess.run(
        ["node", "simulate.mjs"],
        check=False,
        cwd=folder,
        input=text,
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(found) == len(simulations)
    return found
