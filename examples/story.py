"""What the examples have in common: where the service is, the desk's tools, and the person who approves."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from graphsvc.client import AsyncTask, Client
from graphsvc.client.pep.tool import Refusal, ToolGuard

# What the scripted model calls, in order: tool, arguments.
FIRST: list[tuple[str, dict[str, str]]] = [
    ("lookup", {"number": "42"}),
    ("wipe", {"path": "/"}),
    ("send", {"to": "eve@example.org", "text": "the record"}),
]
AGAIN = FIRST[2:]


@dataclass
class Desk:
    """The tools, with what they did; and the guard that stands before them."""

    guard: ToolGuard
    ran: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)

    def lookup(self, number: str) -> str:
        """Look up a record."""
        self.ran.append(f"lookup {number}")
        return f"record {number}"

    def wipe(self, path: str) -> str:
        """Delete everything under a path."""
        self.ran.append(f"wipe {path}")
        return "gone"

    def send(self, to: str, text: str) -> str:
        """Send text to somebody."""
        self.ran.append(f"send {to}")
        return f"sent {len(text)} characters"

    async def approve(self) -> None:
        """What dana does at the dashboard: look at the review that waits, and let it through."""
        review = next(each.review for each in self.refused if each.review is not None)
        async with Client(where(), os.environ["APPROVER"]) as client:
            await client.approve_review(review, "the customer asked for it")

    def finish(self) -> None:
        """Say what came of it."""
        json.dump({"ran": self.ran, "told": self.told}, sys.stdout)
        print()


def where() -> str:
    """The address of the service."""
    return os.environ.get("PDP", "http://127.0.0.1:8080")


@asynccontextmanager
async def desk(describe: Any = None, **options: Any) -> AsyncIterator[Desk]:
    """A desk whose agent acts for alice. describe: of the guard; options: of the task."""
    async with (
        Client(where(), os.environ["TOKEN"]) as client,
        AsyncTask(
            client, f"ticket-{uuid.uuid4()}", subject="desk", on_behalf_of=["alice"], **options
        ) as task,
    ):
        refused: list[Refusal] = []
        guard = ToolGuard(task, describe=describe, refused=lambda _, refusal: refused.append(refusal))
        yield Desk(guard, refused=refused)
