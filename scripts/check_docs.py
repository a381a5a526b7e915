"""The documentation as a whole: no dead link or heading, no page that nobody links, nothing fetched from elsewhere.

`make check` runs it: `python -m scripts.check_docs`. Plain Markdown, read where the code is; nothing is built from it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["ROOT", "pages", "problems"]

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"\[(?:[^\]\[]|\[[^\]]*\])*\]\(([^)\s]+)\)")
_OUTSIDE = re.compile(r"!\[[^\]]*\]\((https?:[^)\s]+)\)|<(?:img|script|link|iframe)\b[^>]*")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Every page for people."""
    return sorted(path for pattern in ("*.md", "docs/*.md", "deploy/*.md", "examples/*.md") for path in ROOT.glob(pattern))  # fmt: skip


def problems() -> list[str]:
    """What is wrong, one line each, with its page."""
    return [
        f"{page.relative_to(ROOT)}: {told}" for page in pages() for told in (*_dead(page), *_fetched(page))
    ] + _unreached()


@cache
def _text(page: Path) -> str:
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


@cache
def _links(page: Path) -> tuple[str, ...]:
    return tuple(
        link for link in _LINK.findall(_text(page)) if "://" not in link and not link.startswith("mailto:")
    )


@cache
def _anchors(page: Path) -> frozenset[str]:
    """Names of headings as forges make them: lower case, blanks to dashes, no punctuation."""
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in _HEADING.findall(_text(page)))
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain)


def _dead(page: Path) -> Iterator[str]:
    for link in _links(page):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists():
            yield f"`{link}` leads nowhere"
        elif anchor and target.suffix == ".md" and anchor not in _anchors(target):
            yield f"`{link}` names no heading there"


def _fetched(page: Path) -> Iterator[str]:
    for found in _OUTSIDE.finditer(_text(page)):
        yield f"`{found[0][:80]}` would be fetched from elsewhere, or is markup"


def _unreached() -> list[str]:
    seen: set[Path] = set()
    left = [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in seen or page.suffix != ".md" or not page.is_file():
            continue
        seen.add(page)
        targets = ((page.parent / link.partition("#")[0]).resolve() for link in _links(page))
        left += [target / "README.md" if target.is_dir() else target for target in targets if target.exists()]
    return [
        f"{page.relative_to(ROOT)}: no page leads here from README.md" for page in sorted({*pages()} - seen)
    ]


if __name__ == "__main__":
    found = problems()
    print("\n".join(found), file=sys.stderr)
    sys.exit(bool(found))
