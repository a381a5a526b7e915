"""The history of a live store, read for a replay: its items, and the packs that are in force there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from graphsvc.cli.option import Place
from graphsvc.core.policy.document import Policy
from graphsvc.core.record import PolicyPublished, Record
from graphsvc.core.trace import TraceItem, items_of
from graphsvc.errors import NotSupported

__all__ = ["LiveHistory", "read_live"]


@dataclass(frozen=True, slots=True)
class LiveHistory:
    """Everything that happened, and the packs that decide what happens next, in the order in which they act."""

    url: str
    items: tuple[TraceItem, ...]
    policies: tuple[Policy, ...]


def read_live(url: str, config: Path | None) -> LiveHistory:
    """The history behind a store URL; nothing is written there.

    NotSupported for the URL of a service: its API gives out neither history nor texts of packs.
    """
    from graphsvc.cli.session import Admin, run_admin
    from graphsvc.core.policy.load import load_policies

    if url.startswith(("http://", "https://")):
        raise NotSupported(
            f"--against: the service at `{url}` gives out neither its history nor its packs; "
            "stop it and name its store, such as sqlite:///graphsvc.db",
            field="against",
        )

    async def read(admin: Admin) -> list[tuple[int, Record]]:
        return [numbered async for numbered in admin.history()]

    history = run_admin(read, Place(store=url, config=config), create=False)
    packs = {record.pack: record for _, record in history if isinstance(record, PolicyPublished)}
    policies = load_policies([(record.text, f"{url} {record.file}") for record in packs.values()])
    return LiveHistory(url, tuple(items_of(history)), policies)
