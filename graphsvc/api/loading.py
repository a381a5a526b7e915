"""Rows of history for one request: asked for one by one, read together and each once.

Never kept longer than a request: what is drawn changes. Subscriptions read the folded state and need none of it.
"""

from __future__ import annotations

import asyncio

from strawberry.dataloader import DataLoader

from graphsvc.decide.ports import ChainRow, DecisionRow, History

__all__ = ["Rows"]


class Rows:
    """Loaders of decisions and chains by bare id."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.decision: DataLoader[str, DecisionRow | None] = DataLoader(self._decisions)
        self.chain: DataLoader[str, ChainRow | None] = DataLoader(self._chains)

    async def _decisions(self, ids: list[str]) -> list[DecisionRow | None]:
        return list(await asyncio.gather(*map(self._history.decision, ids)))

    async def _chains(self, ids: list[str]) -> list[ChainRow | None]:
        return list(await asyncio.gather(*map(self._history.chain, ids)))
