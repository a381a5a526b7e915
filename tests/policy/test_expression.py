"""Key expressions: the accepted roots, and the place of each mistake."""

from __future__ import annotations

import pytest

from graphsvc.core.policy.expression import ExpressionError, parse_path


@pytest.mark.parametrize(
    "text",
    [
        "subject.id",
        "resource.tier",
        "resource.properties.owner",
        "action.properties.a-b",
        "context.vendor_id",
        "context.a.b",
        "chain",
        "chain.id",
        "session",
        "principal",
    ],
)
def test_a_path_is_split_at_its_dots(text: str) -> None:
    """Valid expressions become their names."""
    assert parse_path(text) == tuple(text.split("."))


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("", 0),
        ("vendor", 0),
        ("resurce.id", 0),
        ("resource", 0),
        ("context", 0),
        ("resource.", 9),
        ("resource.idd", 9),
        ("resource.id.x", 12),
        ("resource.properties", 0),
        ("a b", 1),
        ("context['x']", 7),
        ("context.1", 8),
    ],
)
def test_a_mistake_is_told_at_its_place(text: str, offset: int) -> None:
    """The offset is that of the first character that does not fit."""
    with pytest.raises(ExpressionError) as caught:
        parse_path(text)
    assert caught.value.offset == offset
