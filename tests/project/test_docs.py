"""The documentation has no dead link, and every page can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts import check_docs


def test_nothing_is_wrong_with_the_documentation() -> None:
    """Every link and heading is there, every page can be reached, nothing is fetched from elsewhere."""
    assert check_docs.problems() == []


def test_what_is_wrong_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead link, a missing heading, a page nobody links, and a picture from elsewhere, each with its page."""
    monkeypatch.setattr(check_docs, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text(
        "[a](docs/gone.md) [b](docs/one.md#no) ![c](https://elsewhere.example/x.png)"
    )
    (tmp_path / "docs/one.md").write_text("# One\n[back](../README.md)")
    (tmp_path / "docs/two.md").write_text("# Two")
    told = check_docs.problems()
    assert [each.partition(":")[0] for each in told] == ["README.md", "README.md", "README.md", "docs/two.md"]
    assert "leads nowhere" in told[0]
    assert "no heading" in told[1]
    assert "elsewhere" in told[2]
