"""The log: one JSON object a line, without what must not be in it."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from graphsvc.telemetry import HIDDEN, set_up_logging


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    """Where the log goes; the root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up_logging("info", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_facts_with_keys(out: io.StringIO) -> None:
    """Structured and standard logging end up in the same form."""
    structlog.get_logger("graphsvc.test").info("decision_made", verdict="DENY", micros=9)
    logging.getLogger("graphsvc.api").warning("call_failed", extra={"path": "decide"})
    first, second = (json.loads(line) for line in out.getvalue().splitlines())
    assert (first["event"], first["verdict"], first["level"]) == ("decision_made", "DENY", "info")
    assert (second["event"], second["path"], second["logger"]) == ("call_failed", "decide", "graphsvc.api")


def test_secrets_are_hidden(out: io.StringIO) -> None:
    """Tokens, passwords and argument values never appear, nor do local variables of a traceback."""
    structlog.get_logger("graphsvc.test").info(
        "x", token="t-1", arguments={"iban": "t-2"}, neo4j_password="t-3"
    )
    local = "t-4"
    try:
        raise ValueError("broken")
    except ValueError:
        logging.getLogger("graphsvc.api").exception("failed")
    assert local
    assert HIDDEN in out.getvalue()
    assert not any(secret in out.getvalue() for secret in ("t-1", "t-2", "t-3", '"t-4"', "locals"))
