"""The documentation has no dead link, and every page can be reached."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.support.requirement import REPOSITORY

_LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
PAGES = sorted(
    path
    for path in [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), *REPOSITORY.glob("deploy/*.md"), *REPOSITORY.glob("examples/*.md")]
)  # fmt: skip


@cache
def _text(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def _links(page: Path) -> list[str]:
    return [
        link for link in _LINK.findall(_text(page)) if "://" not in link and not link.startswith("mailto:")
    ]


@cache
def _anchors(page: Path) -> set[str]:
    """Names of headings as forges make them: lower case, blanks to dashes, no punctuation."""
    found = set()
    for heading in _HEADING.findall(_text(page)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        found.add(re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_no_link_is_dead(page: Path) -> None:
    """Every file that is linked exists, and every heading."""
    for link in _links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in _anchors(target), f"{page.name}: {link}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that nobody links is a page that nobody reads."""
    seen: set[Path] = set()
    left = [REPOSITORY / "README.md"]
    while left:
        page = left.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        left += [
            target / "README.md" if target.is_dir() else target
            for link in _links(page)
            if (target := (page.parent / link.partition("#")[0]).resolve()).exists()
        ]
    assert {page.relative_to(REPOSITORY) for page in PAGES} - {
        page.relative_to(REPOSITORY) for page in seen
    } == set()
