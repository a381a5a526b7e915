"""Chains: opened, declared, closed, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence

from graphsvc.core.value import Json
from graphsvc.core.verdict import NearHarm
from graphsvc.decide import pap, reading
from graphsvc.decide.command import (
    Ack,
    Caller,
    ChainView,
)
from graphsvc.decide.declaring import declare_intent
from graphsvc.decide.drift import Drift, drift
from graphsvc.decide.service.base import UseCases

__all__ = ["Chains"]


class Chains(UseCases):
    """Opens and closes chains, and tells how they stand."""

    async def open_chain(
        self,
        caller: Caller,
        chain: str,
        *,
        session: str | None,
        parent_chain: str | None,
        shared_with: Sequence[str],
        intent: dict[str, Json] | None,
    ) -> Ack:
        """Open a chain before its first action."""
        job = pap.open_chain(caller, chain, session, parent_chain, tuple(shared_with), intent)
        return self._ack(await self._run(job))

    async def close_chain(self, caller: Caller, chain: str) -> Ack:
        """The chain takes no further action."""
        return self._ack(await self._run(pap.close_chain(caller, chain.removeprefix("chain:"))))

    async def declare_intent(self, caller: Caller, chain: str, intent: dict[str, Json]) -> Ack:
        """Say what a chain is for from now on; NotAllowed when that widens it and the caller may only narrow."""
        return self._ack(await self._run(declare_intent(caller, chain.removeprefix("chain:"), intent)))

    def chain(self, chain: str | None, decision: str | None = None) -> ChainView | None:
        """A chain by its id, else that of a decision; None when there is none."""
        return reading.chain(self.world, chain, decision)

    def revoked_under(self, chain: str) -> tuple[str, ...]:
        """Grants by which actions of a chain were permitted and that have been revoked since."""
        return reading.revoked_under(self.world, chain)

    def drift(self, chain: str) -> Drift | None:
        """How far a chain has strayed from its declared intent; None when there is none of that id."""
        return drift(self.world, chain)

    def nearest(self, chain: str) -> tuple[NearHarm, ...]:
        """The patterns that are furthest under way for a chain, its session and its principals."""
        return reading.near(self.world, chain, self.now_ms())
