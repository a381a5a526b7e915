"""The bill of materials names what is deployed, no more and no less, and fits its schema."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from graphsvc import __version__
from scripts.sbom import vendored
from tests.support.requirement import REPOSITORY


def test_every_library_for_browsers_is_named_with_its_licence() -> None:
    """Those of the dashboard and of the IDE, none under a licence that would bind its users."""
    parts = {each["name"]: each for each in vendored()}
    assert {"preact", "htm", "graphql-ws", "graphiql"} <= set(parts)
    licences = {
        licence.get("expression") or licence["license"]["id"]
        for each in parts.values()
        for licence in each["licenses"]
    }
    assert not {each for each in licences if "GPL" in each}
    files = {file["name"] for each in parts.values() for file in each.get("components", ())}
    shipped = {
        str(path.relative_to(REPOSITORY)) for path in (REPOSITORY / "graphsvc/static/vendor").iterdir()
    }
    assert files == {name for name in shipped if not name.endswith("manifest.json")}


@pytest.mark.slow
def test_the_bill_is_of_the_lock(tmp_path: Path) -> None:
    """`make sbom` checks it against CycloneDX 1.6; its packages have the versions of the lock, and say what needs what."""
    output = tmp_path / "bill.json"
    command = [sys.executable, "-m", "scripts.sbom", "--output", str(output)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bill = json.loads(output.read_text(encoding="utf-8"))
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["version"] == __version__
    lock = (REPOSITORY / "requirements" / "server.lock").read_text(encoding="utf-8")
    pinned = {
        match[0]: (match[1], match[2])
        for match in re.findall(r"^([a-z0-9-]+)==(\S+)( ;)?", lock, re.MULTILINE)
    }
    python = {each["name"].lower().replace("_", "-"): each["version"] for each in bill["components"] if each.get("purl", "").startswith("pkg:pypi/")}  # fmt: skip
    python = {name.replace(".", "-"): version for name, version in python.items()}
    assert set(python) <= set(pinned)
    assert {name for name, (_, marker) in pinned.items() if not marker} <= set(python)
    assert all(pinned[name][0] == version for name, version in python.items())
    assert sum(bool(each.get("licenses")) for each in bill["components"]) >= len(python) * 0.9
    known = {each["bom-ref"] for each in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    needed = {ref for each in bill["dependencies"] for ref in each.get("dependsOn", ())}
    assert needed <= known
