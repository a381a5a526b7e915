"""Rules that hold for the whole checkout."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.requirement import REPOSITORY

# Written with `[.]` and `(?:`, so that this file does not hold what it looks for.
MACHINE_PATH = re.compile(r"(?<![\w./*~$}-])/(?:work|root|home/[a-z]\w*|Users/\w+)/")
PUBLIC_REGISTRIES = (
    r"pypi[.]org",
    r"pythonhosted[.]org",
    r"registry[.]npmjs[.]org",
    r"repo[.]maven[.]apache[.]org",
)
LARGEST_TEXT_BYTES = 1_000_000


@cache
def tracked_texts() -> dict[str, str]:
    """The text files that are in version control, or would be after `git add --all`; by relative path."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    texts = {}
    for name in filter(None, listed.split("\0")):
        path = REPOSITORY / name
        if path.is_file() and path.stat().st_size <= LARGEST_TEXT_BYTES:
            content = path.read_bytes()
            if b"\0" not in content:
                texts[name] = content.decode(errors="replace")
    return texts


def places(pattern: re.Pattern[str]) -> list[str]:
    """Where the pattern occurs, as `file:line`."""
    return [
        f"{name}:{number}"
        for name, text in tracked_texts().items()
        if pattern.search(text)
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]


def project() -> dict[str, Any]:
    """What pyproject.toml says."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def test_no_file_names_a_path_of_one_machine() -> None:
    """Nothing depends on where somebody keeps the checkout."""
    assert places(MACHINE_PATH) == []


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the business of whoever installs, private mirrors included."""
    configured = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    ).stdout
    private = re.findall(r"https?://(?:[^/@\s']*@)?([\w.-]+\.[a-z]{2,})", configured)
    hosts = [*PUBLIC_REGISTRIES, *map(re.escape, private)]
    assert places(re.compile("|".join(hosts))) == []


@pytest.mark.parametrize("lock", ["dev.lock", "server.lock"])
def test_a_lock_pins_every_package_by_hash_and_names_no_address(lock: str) -> None:
    """Each requirement has an exact version and a hash, and no URL stands in the file."""
    text = (REPOSITORY / "requirements" / lock).read_text(encoding="utf-8")
    assert "://" not in text
    assert "--index" not in text
    for block in re.split(r"\n(?=\w)", text.strip()):
        assert re.match(r"[\w.-]+==\S+", block)
        assert "--hash=sha256:" in block


def test_the_locks_agree() -> None:
    """What the service runs on in production is what was tested."""
    pins = [
        dict(re.findall(r"^([\w.-]+)==(\S+)", (REPOSITORY / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("dev.lock", "server.lock")
    ]
    assert pins[1].items() <= pins[0].items()


def test_every_direct_dependency_has_a_floor() -> None:
    """No resolver can go back to a version from years ago."""
    stated = project()
    groups = [
        stated["build-system"]["requires"],
        stated["project"]["dependencies"],
        *stated["project"]["optional-dependencies"].values(),
        *stated["dependency-groups"].values(),
    ]
    requirements = [requirement for group in groups for requirement in group]
    assert [line for line in requirements if not re.match(r"[\w.\[\]-]+(>=|==)\d", line)] == []


def test_every_direct_dependency_is_in_the_lock() -> None:
    """The locks were made after the last change of pyproject.toml; a benchmark's environment has one of its own."""
    stated = project()
    locked = {
        lock: set(
            re.findall(r"^([\w.-]+)==", (REPOSITORY / "requirements" / lock).read_text("utf-8"), re.MULTILINE)
        )
        for lock in ("dev.lock", "bench.lock")
    }
    own = {"bench": "bench.lock"}
    groups = {**stated["project"]["optional-dependencies"], **stated["dependency-groups"]}
    groups["project"] = stated["project"]["dependencies"]
    for group, requirements in groups.items():
        names = {re.split(r"[\[><=]", requirement)[0] for requirement in requirements}
        assert names <= locked[own.get(group, "dev.lock")]


def test_the_licence_is_apache_2() -> None:
    """The SPDX name in the metadata and the text beside it agree."""
    assert project()["project"]["license"] == "Apache-2.0"
    text = (REPOSITORY / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text


def test_every_module_says_what_it_is_for() -> None:
    """Each package and module opens with a docstring."""
    silent = [
        name
        for name, text in tracked_texts().items()
        if name.startswith(("graphsvc/", "tests/", "scripts/", "benchmarks/"))
        and name.endswith(".py")
        and ast.get_docstring(ast.parse(text)) is None
    ]
    assert silent == []


def test_every_folder_with_code_is_a_package() -> None:
    """No folder of modules lacks its `__init__.py`, so every module is linted, typed and shipped."""
    folders = {Path(name).parent for name in tracked_texts() if re.match(r"graphsvc/.*\.py$", name)}
    assert [
        str(folder) for folder in sorted(folders) if not (REPOSITORY / folder / "__init__.py").exists()
    ] == []
