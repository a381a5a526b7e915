"""Running the real commands, and small inputs for them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from graphsvc.cli.main import app

__all__ = ["ESTATE", "POLICY", "Ended", "action", "graphsvc", "request", "start"]

POLICY = """\
graphsvc: 1
pack: {id: mail, version: "1"}
settings: {entitlement: required}
actions:
  "mail:Read": {effects: [read], result: {labels: [untrusted]}}
  "crm:Read": {effects: [read], result: {labels: [sensitive]}}
  "mail:Send": {effects: [send], arguments: {to: destination}}
patterns:
  - id: leak
    title: Private data leaves after foreign text was read
    severity: critical
    on_match: deny
    steps:
      untrusted: {effects: [read], labels: {any: [untrusted]}, then: out}
      private: {effects: [read], labels: {any: [sensitive]}, then: out}
      out: {effects: [send], destination: unknown}
tests:
  - name: the third action is stopped
    graph: {grants: [[bot, "*", "*"]]}
    trace:
      - {subject: bot, action: "mail:Read", resource: inbox, expect: PERMIT}
      - {subject: bot, action: "crm:Read", resource: r1, expect: PERMIT, completes: []}
      - {subject: bot, action: {name: "mail:Send", properties: {to: x@evil.example}}, resource: inbox, expect: DENY, completes: [leak]}
"""

ESTATE = """\
{"node":{"type":"identity","id":"bot","kind":"agent","status":"active","colour":"blue","properties":{"team":"support"}}}
{"node":{"type":"identity","id":"partner@acme.example","kind":"human","status":"active"}}
{"node":{"type":"permission","id":"p1","actions":["mail:*","crm:*"],"effect":"allow","resources":["*"]}}
{"node":{"type":"resource","resource_type":"mailbox","id":"inbox","labels":["shared"],"tier":"high"}}
{"edge":{"type":"GRANTED","from":"identity:bot","to":"permission:p1","properties":{"since":2024}}}
{"edge":{"type":"KNOWS","from":"identity:bot","to":"identity:partner@acme.example"}}
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The error it told, which is one line."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0].removeprefix("error: ")

    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    def lines(self) -> list[Any]:
        """What it printed, as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def graphsvc(*arguments: str | Path, given: str | None = None) -> Ended:
    """Run a command in this process."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Ended(result.exit_code, result.stdout, result.stderr)


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    """Start a command as a process of its own."""
    command = [sys.executable, "-c", "from graphsvc.cli.main import app; app()"]
    return subprocess.Popen(
        [*command, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def request(action: str, resource: str, **properties: str) -> dict[str, Any]:
    """A DecideInput of the bot in chain c1."""
    kind, _, name = resource.partition(":")
    return {
        "chain": "c1",
        "subject": {"type": "agent", "id": "bot"},
        "action": {"name": action, "properties": properties},
        "resource": {"type": kind, "id": name},
    }


def action(name: str, what: str, second: int, **more: Any) -> dict[str, Any]:
    """A trace record of the bot in chain c1."""
    return {
        "type": "action",
        "id": name,
        "at": f"2026-11-23T10:00:{second:02}Z",
        "chain": "c1",
        "subject": {"type": "agent", "id": "bot"},
        "action": {"name": what},
        "resource": {"type": "mailbox", "id": "inbox"},
        **more,
    }
