"""Rules in force: published, rolled back, listed."""

from __future__ import annotations

from collections.abc import Sequence

from graphsvc.core.record import PolicyPublished
from graphsvc.decide import pap, reading
from graphsvc.decide.command import (
    Ack,
    Caller,
    PatternView,
)
from graphsvc.decide.service.base import UseCases
from graphsvc.decide.trying import PackText

__all__ = ["Rules"]


class Rules(UseCases):
    """Publishing and rolling back; trials, drafts and emergencies are at the desk."""

    async def publish_policy(self, caller: Caller, texts: Sequence[tuple[str, str]], comment: str) -> Ack:
        """Put packs, given as (text, file name), into force at one place of the log."""
        return await self.desk.publish(caller, [PackText(text, file) for text, file in texts], comment)

    async def rollback_policy(self, caller: Caller, pack: str, version: str | None, comment: str) -> Ack:
        """Publish an earlier text of a pack again: of a version, else the one before. Conflict when there is none."""
        job = pap.rollback_policy(caller, pack, version, comment, signed=bool(self.desk.rules.keys))
        return await self._switched(job)

    def policy_versions(self) -> list[tuple[PolicyPublished, bool]]:
        """Every publication and whether it is in force, newest first."""
        return [(each, self.world.packs[each.pack] is each) for each in reversed(self.world.published)]

    def patterns(self) -> list[PatternView]:
        """The patterns in force."""
        return reading.patterns(self.world)
