"""A working folder with a policy, an estate and a store in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command import ESTATE, POLICY, graphsvc


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with `policy.yaml` and `estate.jsonl`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "estate.jsonl").write_text(ESTATE)
    return tmp_path


@pytest.fixture
def filled(folder: Path) -> Path:
    """The folder with a store that holds the estate and the policy."""
    assert graphsvc("import", "jsonl", "estate.jsonl", "--source", "hr").code == 0
    assert graphsvc("policy", "publish", "policy.yaml").code == 0
    return folder
