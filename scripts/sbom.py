"""A software bill of materials (CycloneDX 1.6, JSON) of the service as it is deployed: `make sbom`.

Packages come from `requirements/server.lock`, installed into a throw-away environment, for only there do they tell their licences
and what needs what; the browser's libraries come from the manifests below `graphsvc/static`.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from cyclonedx.schema import OutputFormat, SchemaVersion
from cyclonedx.validation import make_schemabased_validator

from graphsvc import __version__

__all__ = ["bill", "main", "vendored"]

_ROOT = Path(__file__).parent.parent
_VERSION = SchemaVersion.V1_6
_STATIC = _ROOT / "graphsvc" / "static"
_BUNDLED = re.compile(r"^(\S+) (\d\S*): (.+)\n-+$", re.MULTILINE)


def main() -> int:
    """Write the bill; 1 when it does not fit the schema."""
    asked = argparse.ArgumentParser(prog="python -m scripts.sbom", description=__doc__)
    asked.add_argument("--output", type=Path, default=_ROOT / "dist" / f"graphsvc-{__version__}.cdx.json")
    given = asked.parse_args()
    text = json.dumps(bill(), indent=2) + "\n"
    if error := make_schemabased_validator(OutputFormat.JSON, _VERSION).validate_str(text):
        print(f"error: the bill does not fit CycloneDX {_VERSION.to_version()}: {error}", file=sys.stderr)
        return 1
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(text, encoding="utf-8")
    print(given.output)
    return 0


def bill() -> dict[str, Any]:
    """The bill, unchecked; the same tree gives the same bill."""
    with tempfile.TemporaryDirectory(prefix="graphsvc-sbom-") as folder:
        found = _installed(Path(folder))
    root = found["metadata"]["component"]
    root["version"] = __version__
    browser = vendored()
    found["components"] = sorted([*found.get("components", []), *browser], key=lambda each: each["bom-ref"])
    for each in found["dependencies"]:
        if each["ref"] == root["bom-ref"]:
            each["dependsOn"] = sorted({*each.get("dependsOn", []), *(part["bom-ref"] for part in browser)})
    found["dependencies"] += [{"ref": each["bom-ref"]} for each in browser]
    return found


def _installed(folder: Path) -> dict[str, Any]:
    """What the environment of the lock holds, as cyclonedx-py tells it."""
    python = folder / "env" / "bin" / "python"
    uv = [sys.executable, "-m", "uv"]
    _run([*uv, "venv", "-q", "--python", sys.executable, str(folder / "env")])
    lock = str(_ROOT / "requirements" / "server.lock")
    _run([*uv, "pip", "sync", "-q", "--python", str(python), "--require-hashes", lock])
    tool = [
        sys.executable,
        "-m",
        "cyclonedx_py",
        "environment",
        "--output-reproducible",
        "--sv",
        _VERSION.to_version(),
    ]
    told = _run([*tool, "--pyproject", str(_ROOT / "pyproject.toml"), str(python)])
    found: dict[str, Any] = json.loads(told)
    return found


def vendored() -> list[dict[str, Any]]:
    """One component for each library that is shipped for browsers; those of the dashboard with the digest of every file."""
    manifest = _STATIC / "vendor" / "manifest.json"
    parts: dict[str, dict[str, Any]] = {}
    for each in json.loads(manifest.read_text(encoding="utf-8")):
        part = parts.setdefault(each["package"], _library(each["package"], each["version"], each["license"]))
        file = (manifest.parent / each["file"]).relative_to(_ROOT).as_posix()
        digest = base64.b64decode(each["sha384"]).hex()
        part.setdefault("components", []).append(
            {
                "bom-ref": f"file:{file}", "type": "file", "name": file,
                "hashes": [{"alg": "SHA-384", "content": digest}],
            }
        )  # fmt: skip
    # One bundle is made of all of the IDE's; each stands there with its licence.
    for name, version, licence in _BUNDLED.findall(
        (_STATIC / "ide/lib/LICENSES.txt").read_text(encoding="utf-8")
    ):
        parts.setdefault(name, _library(name, version, licence))
    return list(parts.values())


def _library(name: str, version: str, licence: str) -> dict[str, Any]:
    purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
    told = {"expression": licence} if " " in licence else {"license": {"id": licence}}
    return {
        "bom-ref": purl, "type": "library", "name": name, "version": version, "purl": purl, "licenses": [told]
    }  # fmt: skip


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(command[:4])} ... failed: {done.stderr.strip()[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
