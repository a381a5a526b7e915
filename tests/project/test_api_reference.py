"""The API reference is what the code says."""

from __future__ import annotations

import pytest

from scripts.api_reference import page
from tests.support.requirement import REPOSITORY


@pytest.mark.slow
def test_the_reference_is_that_of_the_code() -> None:
    """`make schema` wrote it last, and every operation is on it."""
    assert (REPOSITORY / "docs" / "api-reference.md").read_text(encoding="utf-8") == page()
