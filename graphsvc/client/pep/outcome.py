"""What a tool returned, without its framework's wrapping: what the declarations of tools speak of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

__all__ = ["plain_result"]

# Longer text is taken as text, whatever it may be written in.
_MOST_JSON = 1 << 20


def plain_result(result: object) -> Any:
    """The value of a result of MCP (also of FastMCP, and as JSON), LangChain, and of tools that return text or plain values.

    Structured content wins over text; text that is JSON is read, and several parts are a list.
    """
    structured = _of(result, "structured_content", "structuredContent")
    if isinstance(structured, Mapping):
        return structured["result"] if structured.keys() == {"result"} else dict(structured)
    parts = _of(result, "content", "contents")
    if isinstance(result, list) and result and all(_is_part(each) for each in result):
        parts = result
    if isinstance(parts, str):
        return _read(parts)
    if isinstance(parts, list):
        texts = [_read(text) for each in parts if (text := _text(each)) is not None]
        return texts[0] if len(texts) == 1 else texts
    return _read(result) if isinstance(result, str) else result


def _of(result: object, *names: str) -> Any:
    if isinstance(result, Mapping):
        # A plain value of the tool's own may have a field of that name.
        return next((result[name] for name in names if name in result), None) if _is_wrapped(result) else None
    return next((found for name in names if (found := getattr(result, name, None)) is not None), None)


def _is_wrapped(result: Mapping[Any, Any]) -> bool:
    parts = result.get("content")
    return isinstance(parts, list) and bool(parts) and all(_is_part(each) for each in parts)


def _is_part(part: object) -> bool:
    return isinstance(part, Mapping) and part.get("type") == "text" and isinstance(part.get("text"), str)


def _text(part: object) -> str | None:
    text = part.get("text") if isinstance(part, Mapping) else getattr(part, "text", None)
    if isinstance(text, str):
        return text
    inner = getattr(part, "resource", None)
    found = getattr(inner, "text", None)
    return found if isinstance(found, str) else part if isinstance(part, str) else None


def _read(text: str) -> Any:
    if text[:1] not in ("{", "[") or len(text) > _MOST_JSON:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
