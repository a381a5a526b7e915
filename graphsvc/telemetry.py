"""Logging as facts with keys, one JSON object a line, never with tokens or argument values."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

__all__ = ["HIDDEN", "set_up_logging"]

HIDDEN = "[hidden]"
_SECRET_KEYS = (
    "authorization",
    "token",
    "password",
    "secret",
    "cookie",
    "arguments",
    "properties",
    "context",
)
# These libraries tell every connection or query at INFO.
_QUIET = ("asyncio", "neo4j", "uvicorn.access", "uvicorn.error", "websockets", "strawberry")


def set_up_logging(level: str = "info", *, stream: TextIO | None = None, plain: bool = False) -> None:
    """Send all logging to `stream` (default: standard error); plain: for people at a terminal."""
    out = stream if stream is not None else sys.stderr
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _hide,
    ]
    last: list[structlog.typing.Processor]
    if plain:
        last = [
            structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
        ]
    else:
        # Local variables would show what callers sent.
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        last = [structlog.processors.ExceptionRenderer(frames), structlog.processors.JSONRenderer()]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _hide(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key in event:
        if any(secret in key.lower() for secret in _SECRET_KEYS):
            event[key] = HIDDEN
    return event
