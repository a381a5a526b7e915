"""Two globs have a name in common exactly when one of all short names is matched by both."""

from __future__ import annotations

from itertools import product

import pytest

from graphsvc.core.glob import matches
from graphsvc.core.overlap import overlap

_LETTERS = "ab"
_NAMES = ["".join(each) for size in range(5) for each in product(_LETTERS, repeat=size)]
_GLOBS = ["".join(each) for size in range(4) for each in product("ab?*", repeat=size)]


@pytest.mark.parametrize("left", _GLOBS[::7])
def test_a_common_name_is_found_where_there_is_one(left: str) -> None:
    """Against every glob of up to three characters, by looking at every name of up to four."""
    mine = [name for name in _NAMES if matches(left, name)]
    for right in _GLOBS:
        assert overlap(left, right) is any(matches(right, name) for name in mine), (left, right)
