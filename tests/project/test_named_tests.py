"""Documents that name tests name tests that exist."""

import re
from itertools import takewhile
from pathlib import Path

import pytest

from tests.support.requirement import REPOSITORY

_NAMED = re.compile(r"`([a-z_/0-9]+\.py)::(\w+)`")


def _rows(document: str, chapter: str) -> list[str]:
    text = (REPOSITORY / document).read_text(encoding="utf-8").split(f"## {chapter}\n")[1].split("\n## ")[0]
    # The first table; what else is measured in the chapter names none.
    table = takewhile(lambda line: line.startswith("|"), text[text.index("\n| ") + 1 :].splitlines())
    return [line for line in table if "---" not in line][1:]


@pytest.mark.parametrize(
    ("document", "chapter"), [("SECURITY.md", "Threat model"), ("docs/operations.md", "When things fail")]
)
def test_each_line_names_a_test_that_exists(document: str, chapter: str) -> None:
    """Every line of the table names at least one test, and each is a function of the file it is said to be in."""
    rows = _rows(document, chapter)
    assert len(rows) >= 10
    for row in rows:
        named = _NAMED.findall(row)
        assert named, row
        for file, name in named:
            source = Path(REPOSITORY / "tests" / file).read_text(encoding="utf-8")
            assert re.search(rf"^(?:async )?def {name}\(", source, re.MULTILINE), (file, name)
