"""Once a day what is older than the settings keep is archived and cut off; of several replicas one does it."""

from __future__ import annotations

import asyncio
import logging
import re
import uuid
from collections.abc import Callable
from pathlib import Path

from graphsvc.decide.ports import Notary, Store
from graphsvc.decide.truncation import finish, plan, truncate
from graphsvc.errors import GraphsvcError

__all__ = ["Retaining"]

_DAY_MS = 86_400_000
_SOON_S = 600.0  # a service that is started every day must get to it, too
_LEASE = "truncation"
_LEASE_MS = 3_600_000
_log = logging.getLogger("graphsvc.retention")


class Retaining:
    """days: how long records stay in the store; archive: the folder for the files that they go into."""

    def __init__(
        self, store: Store, notary: Notary, now_ms: Callable[[], int], days: int, archive: Path
    ) -> None:
        self._store = store
        self._notary = notary
        self._now_ms = now_ms
        self._days = days
        self._archive = archive
        self._holder = uuid.uuid4().hex

    async def keep(self, every_s: float) -> None:
        """Look soon, then every so often, until cancelled; what hinders it is logged, and tried again the next time."""
        pause_s = min(_SOON_S, every_s)
        while True:
            await asyncio.sleep(pause_s)
            pause_s = every_s
            try:
                if await self._store.lease(_LEASE, self._holder, _LEASE_MS):
                    try:
                        await self.once()
                    finally:
                        await self._store.lease(_LEASE, self._holder, 0)
            except (GraphsvcError, OSError) as error:
                _log.error("log_not_truncated", extra={"reason": str(error)})
            except Exception:  # noqa: BLE001  nobody would start it again
                _log.error("log_not_truncated", exc_info=True)

    async def once(self) -> Path | None:
        """Archive and cut off what is old enough; the archive, None when there was nothing to do."""
        await finish(self._store)
        now_ms = self._now_ms()
        found = await plan(self._store, now_ms - self._days * _DAY_MS)
        if found is None:
            return None
        await asyncio.to_thread(lambda: self._archive.mkdir(mode=0o700, parents=True, exist_ok=True))
        # A name of its own: the lease only spares work, and whoever else archives the same must find this file untouched.
        # What the store calls itself must not lead out of the folder.
        store = re.sub(r"[^A-Za-z0-9_-]", "-", self._store.incarnation)
        name = f"{store}-{found.first:012}-{found.last:012}-{uuid.uuid4().hex[:8]}.zip"
        archive = self._archive / name
        statement = await truncate(self._store, self._notary, found, archive, now_ms)
        _log.info("log_truncated", extra={"last": found.last, "archive": name, "sha256": statement.archive})
        return archive
