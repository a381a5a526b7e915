"""Bring the libraries of the dashboard up to date: `python -m scripts.vendor`. Needs npm.

Takes single files out of the packages, lets modules find each other without a bundler, and writes what they are into a
`manifest.json`: package, version, licence, and the SHA-384 of every file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

STATIC = Path(__file__).parent.parent / "graphsvc" / "static"
Packages = dict[str, tuple[str, dict[str, str]]]
# Per package: version, and per file of ours the file inside, as a glob where its name holds a hash.
PACKAGES: Packages = {
    "preact": (
        "11.2.0",
        {
            "preact.js": "dist/preact.mjs",
            "preact-hooks.js": "hooks/dist/hooks.mjs",
            "preact.LICENSE.txt": "LICENSE",
        },
    ),
    "htm": ("3.1.1", {"htm.js": "dist/htm.mjs", "htm.LICENSE.txt": "LICENSE"}),
    "graphql-ws": (
        "6.4.2",
        {
            "graphql-ws.js": "dist/client.js",
            "graphql-ws-common.js": "dist/common-*.js",
            "graphql-ws.LICENSE.txt": "LICENSE.md",
        },
    ),
}


def main() -> None:
    """Write every file and the manifest."""
    manifest = _bring(STATIC / "vendor", PACKAGES)
    (STATIC / "vendor" / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")


def _bring(folder_here: Path, packages: Packages) -> list[dict[str, str]]:
    folder_here.mkdir(parents=True, exist_ok=True)
    manifest: list[dict[str, str]] = []
    for package, (version, wanted) in packages.items():
        with tempfile.TemporaryDirectory() as folder:
            packed = subprocess.run(
                ["npm", "pack", "--silent", f"{package}@{version}"],
                cwd=folder,
                check=True,
                capture_output=True,
                text=True,
            ).stdout.split()[-1]
            with tarfile.open(Path(folder) / packed) as archive:
                archive.extractall(folder, filter="data")
            root = Path(folder) / "package"
            licence = json.loads((root / "package.json").read_text())["license"]
            for name, inside in wanted.items():
                source = next(iter(sorted(root.glob(inside))))
                text = _linked(source.read_text(encoding="utf-8"))
                (folder_here / name).write_text(text, encoding="utf-8")
                digest = base64.b64encode(hashlib.sha384(text.encode()).digest()).decode()
                manifest.append(
                    {
                        "file": name, "package": package, "version": version, "license": licence,
                        "sha384": digest,
                    }
                )  # fmt: skip
    return manifest


def _linked(text: str) -> str:
    """Imports by the names that files have here; no maps, which are not shipped."""
    text = re.sub(r"\n?(//|/\*)# sourceMappingURL=[^\n]*", "", text).rstrip("\n") + "\n"
    text = text.replace('from"preact"', 'from"./preact.js"')
    return re.sub(r"'\./common-[\w-]+\.js'", "'./graphql-ws-common.js'", text)


if __name__ == "__main__":
    main()
