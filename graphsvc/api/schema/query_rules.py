"""What can be asked about rules: trials, drafts, history under others, what would have been stopped, load of reviews."""

from __future__ import annotations

from typing import Annotated

import strawberry

from graphsvc.api.context import Info
from graphsvc.api.role import guarded
from graphsvc.api.schema.node import page_size
from graphsvc.api.schema.pattern import PolicyVersion
from graphsvc.api.schema.rejudged import ReplayDiff, ReplayDiffInput, WouldHaveStopped
from graphsvc.api.schema.review_load import ReviewLoad
from graphsvc.api.schema.revision import revision_seq
from graphsvc.api.schema.rules import Emergency, PolicyDraft, PolicyTrial, Suspension
from graphsvc.api.schema.scalar import DateTime

__all__ = ["RulesQuery"]


@strawberry.type
class RulesQuery:
    """What can be asked about rules."""

    @guarded("Packs on trial, and what came of them so far.")
    def policy_trials(self, info: Info) -> list[PolicyTrial]:
        """Packs on trial."""
        return [PolicyTrial.of(view) for view in info.context.service.desk.trials()]

    @guarded("Packs that wait for somebody to publish them, newest first.")
    def policy_drafts(self, info: Info) -> list[PolicyDraft]:
        """Packs that wait for somebody to publish them."""
        return [PolicyDraft.of(record) for record in info.context.service.desk.drafts()]

    @guarded("The packs that were in force at a revision.")
    def policies_at(self, info: Info, revision: str) -> list[PolicyVersion]:
        """The packs that were in force at a revision."""
        service = info.context.service
        held = service.desk.packs_at(revision_seq(service, revision, "revision"))
        in_force = {record.sha256 for record, is_held in service.policy_versions() if is_held}
        return [PolicyVersion.of(each, in_force=each.sha256 in in_force) for each in held]

    @guarded(
        "Stored history under a draft, or under the packs of another revision: which verdicts change, for whom."
    )
    async def replay_diff(self, info: Info, input: ReplayDiffInput) -> ReplayDiff:  # noqa: A002  # as everywhere
        """Stored history under other rules."""
        service = info.context.service
        input.check()
        found = await service.desk.replay_diff(
            input.packs(),
            as_of=None if input.as_of is None else revision_seq(service, input.as_of),
            from_ms=input.from_,
            to_ms=input.to,
            limit=input.first,
            within_s=input.seconds,
        )
        return ReplayDiff.of(found)

    @guarded(
        "What would have been stopped by rules that are observed, on trial, or gone past in an emergency."
    )
    def would_have_stopped(
        self, info: Info, from_: Annotated[DateTime | None, strawberry.argument(name="from")] = None, to: DateTime | None = None, first: int | None = None,
        trials: bool = True,
    ) -> WouldHaveStopped:  # fmt: skip
        """What would have been stopped."""
        found = info.context.service.desk.stopped(
            from_ms=from_, to_ms=to, limit=page_size(first), trials=trials
        )
        return WouldHaveStopped.of(found)

    @guarded("How much work reviews are, since a time.")
    def review_load(self, info: Info, since: DateTime | None = None) -> ReviewLoad:
        """How much work reviews are."""
        return ReviewLoad.of(info.context.service.desk.review_load(since))

    @guarded("Every emergency, newest first, with how many of its actions wait for their review.")
    def emergencies(self, info: Info) -> list[Emergency]:
        """Every emergency."""
        return [Emergency.of(record, count) for record, count in info.context.service.desk.emergencies()]

    @guarded("Everything that is suspended now, newest first.")
    def suspensions(self, info: Info) -> list[Suspension]:
        """Everything that is suspended now."""
        return [Suspension.of(record) for record in info.context.service.desk.suspensions()]
