"""Results of tools without their framework's wrapping."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from mcp import types

from graphsvc.client.pep.outcome import plain_result

TEXT = {"type": "text", "text": '{"from": "ann"}'}


@dataclass
class Message:
    """As LangChain's: text, or parts."""

    content: Any


@pytest.mark.parametrize(
    ("result", "plain"),
    [
        ("words", "words"),
        ('[{"id": 1}]', [{"id": 1}]),
        ("{not json", "{not json"),
        ({"content": "a field of its own"}, {"content": "a field of its own"}),
        ({"contents": ["x"], "content": []}, {"contents": ["x"], "content": []}),
        ({"content": [TEXT]}, {"from": "ann"}),
        ([TEXT, {"type": "text", "text": "more"}], [{"from": "ann"}, "more"]),
        ([{"id": 1}], [{"id": 1}]),
        (Message("words"), "words"),
        (Message([TEXT]), {"from": "ann"}),
        (types.CallToolResult(content=[types.TextContent(type="text", text='{"a": 1}')]), {"a": 1}),
        (types.CallToolResult(content=[], structured_content={"result": [1, 2]}), [1, 2]),
        (types.CallToolResult(content=[], structured_content={"result": 1, "more": 2}), {"result": 1, "more": 2}),
        (None, None),
    ],
)  # fmt: skip
def test_what_the_tool_said_is_left(result: object, plain: object) -> None:
    """Text that is JSON is read; a tool's own fields stay its own."""
    assert plain_result(result) == plain
