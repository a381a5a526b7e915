"""Asking the store itself: a service of our own for the length of a command."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from graphsvc.cli.answer import answer_record, counterfactual_record, decided_record, judged_record
from graphsvc.cli.output import warn
from graphsvc.core.codec import decode_records
from graphsvc.core.governing import FindingRegistered
from graphsvc.core.graph import Edge, Node
from graphsvc.core.record import Record
from graphsvc.core.value import Json, format_time
from graphsvc.decide.command import Caller, DecideCommand
from graphsvc.decide.service import GraphsvcService
from graphsvc.errors import BadInput

__all__ = ["OPERATOR", "Direct"]

# Whoever may open the store may do everything with it.
OPERATOR = Caller(
    subject="operator",
    roles=frozenset({"pep", "analyst", "approver", "auditor", "admin"}),
    scopes=frozenset({"chain:any", "search"}),
)
_DRAWN_WITHIN_S = 60.0
_ENTRIES = 200


class Direct:
    """An `Admin` over a service in this process."""

    def __init__(self, service: GraphsvcService) -> None:
        self.service = service

    async def publish(self, texts: Sequence[tuple[str, str]], comment: str) -> str:
        """Put packs into force; the revision."""
        revision = (await self.service.publish_policy(OPERATOR, texts, comment)).revision
        await self.drawn()
        return revision

    async def rollback(self, pack: str, version: str | None, comment: str) -> str:
        """Put an earlier text of a pack into force again; the revision."""
        revision = (await self.service.rollback_policy(OPERATOR, pack, version, comment)).revision
        await self.drawn()
        return revision

    async def versions(self) -> list[dict[str, Json]]:
        """Every publication of every pack, newest first."""
        return [
            {
                "pack": each.pack, "version": each.version, "inForce": in_force, "publishedAt": format_time(each.at_ms),
                "publishedBy": each.by, "comment": each.comment, "sha256": each.sha256,
            }
            for each, in_force in self.service.policy_versions()
        ]  # fmt: skip

    async def patterns(self) -> list[dict[str, Json]]:
        """The patterns in force."""
        return [
            {
                "id": view.id, "title": view.title, "severity": view.severity, "onMatch": view.on_match,
                "scope": view.scope, "pack": view.pack, "version": view.version, "steps": list(view.steps),
            }
            for view in self.service.patterns()
        ]  # fmt: skip

    async def load(
        self,
        source: str,
        nodes: Sequence[Node],
        edges: Sequence[Edge],
        *,
        replace: bool,
        staged: Callable[[int], None],
    ) -> str:
        """Make facts visible at once; the revision."""
        ack = await self.service.load_graph(OPERATOR, source, nodes, edges, replace=replace, staged=staged)
        await self.drawn()
        return ack.revision

    async def source(self, name: str) -> tuple[list[Node], list[Edge]]:
        """What one source asserts now."""
        return self.service.source_facts(name)

    async def facts(self) -> tuple[list[Node], list[Edge]]:
        """The whole graph."""
        return self.service.facts()

    async def packs(self) -> tuple[list[tuple[str, str]], str]:
        """Texts and file names of the packs in force, and the revision of the answer."""
        packs = self.service.world.packs.values()
        return [(pack.text, pack.file) for pack in packs], self.service.revision()

    async def register(self) -> list[FindingRegistered]:
        """What is agreed about findings, newest first."""
        return self.service.finding_register.entries()

    async def counterfactual(self, decision_id: str) -> list[dict[str, Json]]:
        """For each completion of a decision the grants without which its path would not exist."""
        return list(map(counterfactual_record, await self.service.hindsight.counterfactuals(decision_id)))

    async def history(self) -> AsyncIterator[tuple[int, Record]]:
        """Every record with its number, oldest first."""
        after = 0
        if (base := await self.service.store.base()) is not None:
            warn(f"records 1 to {base.seq} were cut off from the log: they are in the archive, and not here")
        while entries := await self.service.store.read(after=after, limit=_ENTRIES):
            for entry in entries:
                for place, record in enumerate(decode_records(entry.body)):
                    yield entry.first + place, record
            after = entries[-1].seq

    async def decide(self, document: dict[str, Json], command: DecideCommand) -> dict[str, Json]:
        """Judge and record."""
        del document
        record = answer_record(await self.service.decide(OPERATOR, command))
        await self.drawn()
        return record

    async def evaluate(
        self, document: dict[str, Json], command: DecideCommand, as_of: str | None = None
    ) -> dict[str, Json]:
        """Judge; nothing changes. as_of: a revision, to judge as it would have been then."""
        del document
        if as_of is None:
            return judged_record(await self.service.evaluate(OPERATOR, command.request))
        seq = self.service.cursor_seq(as_of)
        if seq is None:
            told = f"--as-of: `{as_of}` is no revision of this store; take one from an answer"
            raise BadInput(told, field="as_of")
        return judged_record(await self.service.hindsight.evaluate(OPERATOR, command.request, seq, as_of))

    async def decision(self, decision_id: str) -> dict[str, Json] | None:
        """A decision made earlier."""
        decided = await self.service.recorded(decision_id)
        return decided_record(decided[1]) if decided is not None else None

    async def drawn(self) -> None:
        """Return when the graph in the store shows everything."""
        # Architects look at the graph next; what is not drawn yet is drawn by whoever opens the store.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.service.wait_drawn(), _DRAWN_WITHIN_S)
