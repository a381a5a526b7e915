"""Bundle GraphiQL for the IDE of development: `python -m scripts.vendor_ide`. Needs npm.

Packages come from the lock beside `ide/ide.js`, esbuild makes few small files of them, and the licences of all that
went in are written beside. `manifest.json` holds the SHA-384 of every file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent / "ide"
STATIC = Path(__file__).parent.parent / "graphsvc" / "static" / "ide"
_OWNER = re.compile(r".*node_modules/(?:@[^/]+/)?[^/]+/")
_LICENCE = re.compile(r"(licen[cs]e|copying)", re.IGNORECASE)


def main() -> None:
    """Write the bundle, its licences and the manifest in the place of the old ones."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for each in HERE.iterdir():
            shutil.copy(each, folder)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=folder, check=True)
        _bundle(folder)
        shutil.rmtree(STATIC / "lib", ignore_errors=True)
        shutil.copytree(folder / "lib", STATIC / "lib")
    (STATIC / "manifest.json").write_text(json.dumps(digests(), indent=2) + "\n")


def digests() -> dict[str, str]:
    """The SHA-384 of every bundled file, base64 as in subresource integrity."""
    return {
        file.name: base64.b64encode(hashlib.sha384(file.read_bytes()).digest()).decode()
        for file in sorted((STATIC / "lib").iterdir())
    }


def _bundle(folder: Path) -> None:
    subprocess.run(
        [
            "node_modules/.bin/esbuild", "ide.js", "--bundle", "--splitting", "--format=esm", "--minify",
            "--target=es2022", '--define:process.env.NODE_ENV="production"', "--legal-comments=none",
            "--log-level=warning", "--outdir=lib", "--metafile=meta.json",
        ],
        cwd=folder,
        check=True,
    )  # fmt: skip
    inputs = json.loads((folder / "meta.json").read_text())["inputs"]
    owners = sorted({found[0] for name in inputs if (found := _OWNER.match(name))})
    (folder / "lib" / "LICENSES.txt").write_text("\n".join(_licence(folder / owner) for owner in owners))


def _licence(package: Path) -> str:
    """Name, version and licence of a package, with the text where it ships one."""
    told = json.loads((package / "package.json").read_text())
    texts = [each for each in sorted(package.iterdir()) if each.is_file() and _LICENCE.match(each.name)]
    text = "\n\n".join(each.read_text(encoding="utf-8").strip() for each in texts)
    author = told.get("author") or ""
    whose = author.get("name", "") if isinstance(author, dict) else author
    title = f"{told['name']} {told['version']}: {told['license']}"
    text = text or f"Copyright {whose or told['name']}; licence {told['license']}."
    return f"{title}\n{'-' * len(title)}\n{text}\n"


if __name__ == "__main__":
    main()
