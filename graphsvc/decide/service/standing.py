"""Where an identity stands for a while: situational grants, suspensions and warnings."""

from __future__ import annotations

from collections.abc import Sequence

from graphsvc.core.policy.signal_rule import SignalRule
from graphsvc.core.record import Decided
from graphsvc.core.signal import Signal
from graphsvc.decide import grant_view, granting, reading, signalling, suspending
from graphsvc.decide.command import (
    Ack,
    Caller,
    GrantAnswer,
    RevokeAnswer,
)
from graphsvc.decide.grant_view import GrantStatus, GrantView
from graphsvc.decide.service.base import UseCases
from graphsvc.errors import BadInput

__all__ = ["Standing"]


class Standing(UseCases):
    """Gives and takes rights, stops, and warns: whatever changes what an identity may do without a new policy."""

    async def grant(
        self,
        caller: Caller,
        *,
        identity: str,
        actions: Sequence[str],
        resources: Sequence[str],
        expires_ms: int,
        not_before_ms: int | None,
        uses: int | None,
        chain: str | None,
        purpose: str,
        session: str | None = None,
    ) -> GrantAnswer:
        """Give rights for a while."""
        job = granting.grant(
            caller,
            self._ids(),
            self.world,
            identity=identity,
            actions=tuple(actions),
            resources=tuple(resources),
            expires_ms=expires_ms,
            not_before_ms=not_before_ms,
            uses=uses,
            chain=chain,
            purpose=purpose,
            session=session,
        )
        outcome = await self._run(job)
        granted = outcome.records[0]
        assert not isinstance(granted, Decided)
        return GrantAnswer(grant=granted, revision=self._revision(outcome.first))  # type: ignore[arg-type]  # what the job builds

    async def revoke_grant(self, caller: Caller, grant: str, reason: str) -> RevokeAnswer:
        """End a grant now; once this returns nobody is permitted by it."""
        grant_id = grant.removeprefix("grant:")
        granted = self.world.grants.by_id.get(grant_id)
        if granted is None:
            raise BadInput(f"no grant `{grant_id}`", field="id")
        outcome = await self._run(granting.revoke_grant(caller, granted, reason))
        affected = reading.affected_chains(self.world, granted)
        return RevokeAnswer(grant=granted, revision=self._revision(outcome.first), affected_chains=affected)

    def grants(
        self,
        *,
        identity: str | None,
        status: GrantStatus | None,
        chain: str | None,
        text: str | None,
        after: str | None,
        limit: int,
    ) -> list[GrantView]:
        """Situational grants, newest first, after the one named; BadInput when that is none."""
        now_ms = self.sequencer.now_ms()
        return grant_view.grants(
            self.world,
            now_ms,
            identity=identity,
            status=status,
            chain=chain,
            text=text,
            after=after,
            limit=limit,
        )

    async def suspend(
        self, caller: Caller, target: str, reason: str, until_ms: int | None, kind: str = "identity"
    ) -> Ack:
        """An identity, chain (with all it spawned), session or action (a glob) may do nothing; nothing comes of a pattern.

        BadInput when there is no such thing.
        """
        job = suspending.suspend(caller, self.world, kind, target, reason, until_ms)
        return self._ack(await self._run(job))

    async def reinstate(self, caller: Caller, target: str, kind: str = "identity") -> Ack:
        """End a suspension; Conflict when there is none."""
        return self._ack(await self._run(suspending.reinstate(caller, self.world, kind, target)))

    async def send_signal(
        self, caller: Caller, identity: str, weight: float, half_life_ms: int, cause: str, chain: str | None
    ) -> Ack:
        """Warn about an identity: its risk rises, and fades by half every half_life_ms."""
        job = signalling.send(caller, self.world, identity, weight, half_life_ms, cause, chain)
        return self._ack(await self._run(job))

    async def lower_signals(
        self, caller: Caller, identity: str, sender: str, before_ms: int, cause: str
    ) -> Ack:
        """What a sender of security events warned of before a time counts no more."""
        return self._ack(
            await self._run(signalling.lower(caller, self.world, identity, sender, before_ms, cause))
        )

    def signal_rule(self, event: str) -> SignalRule | None:
        """What the packs in force say of a security event, by name or URI; None: nothing."""
        return self.world.ruleset.signal_rules.get(event)

    def signals(self, identity: str) -> list[Signal]:
        """Warnings about an identity that still count, oldest first."""
        return grant_view.signals(self.world, identity)
