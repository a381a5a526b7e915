"""The rules, rejections and laws of docs/semantics.md are all written down, and tests name each."""

from __future__ import annotations

import ast
import re
from functools import cache

import pytest

from tests.support.requirement import REPOSITORY

_NAMES = [f"R{number}" for number in range(1, 28)]
_NAMES += [f"C{number}" for number in range(1, 10)]
_NAMES += [f"M{number}" for number in range(1, 16)]


@cache
def _rules() -> str:
    return (REPOSITORY / "docs" / "semantics.md").read_text(encoding="utf-8")


@cache
def _told() -> str:
    """Names and docstrings of all tests, and the ids of their parameters, one after the other."""
    parts: list[str] = []
    for path in (REPOSITORY / "tests").rglob("test_*.py"):
        if path.name == "test_rule_names.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                parts += [node.name.replace("_", " ").upper(), ast.get_docstring(node) or ""]
                parts += [ast.unparse(each) for each in node.decorator_list]
    return "\n".join(parts)


@pytest.mark.parametrize("name", _NAMES)
def test_every_rule_is_written_down_once_and_named_by_a_test(name: str) -> None:
    """R1 to R27, C1 to C9 and M1 to M15 each have one entry in the definition, and a test that says what it holds to."""
    assert len(re.findall(rf"^(?:- |\| )\*\*{name}\*\*", _rules(), re.MULTILINE)) == 1
    assert re.search(rf"\b{name}\b", _told())
