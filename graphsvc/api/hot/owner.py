"""Which of several processes a chain belongs to, and how its requests get there.

Every process may decide everything: the log keeps them in order whoever writes. But a process that decided the steps of a
chain so far need not read them first, and does not have to judge again because another one was faster. So a request
that comes to the wrong one is sent on, and decided here all the same when the owner does not answer.
"""

from __future__ import annotations

import zlib
from pathlib import Path

import aiohttp

__all__ = ["FORWARDED", "Owners", "owner_of", "socket_of"]

# Says that a request was sent on already; who sends it from outside only has it decided where it came in.
FORWARDED = b"x-graphsvc-forwarded"
_CONNECT_S = 0.2
_ANSWER_S = 30.0
_CONNECTIONS = 64


def owner_of(chain: str, count: int) -> int:
    """The number of the process that a chain belongs to: CRC-32 of its id, modulo their count."""
    return zlib.crc32(chain.removeprefix("chain:").encode()) % count


def socket_of(folder: Path, index: int) -> Path:
    """Where the other processes of this machine reach one."""
    return folder / f"{index}.sock"


class Owners:
    """The processes, of which this is number `index`. folder: where their sockets lie, readable by this user only."""

    def __init__(self, index: int, count: int, folder: Path) -> None:
        self.index = index
        self.count = count
        self._folder = folder
        self._sessions: dict[int, aiohttp.ClientSession] = {}
        self.forwarded = 0
        self.unreachable = 0

    def elsewhere(self, chains: list[str]) -> int | None:
        """The other process that all these chains belong to, None when there is none."""
        owners = {owner_of(chain, self.count) for chain in chains}
        (owner,) = owners if len(owners) == 1 else (self.index,)
        return None if owner == self.index else owner

    async def forward(self, owner: int, path: str, authorization: str | None, body: bytes) -> bytes | None:
        """The owner's answer; None when it has none, so that it is decided here. The same key decides once."""
        headers = {"Content-Type": "application/json", FORWARDED.decode(): "1"}
        if authorization is not None:
            headers["Authorization"] = authorization
        try:
            async with self._session(owner).post(
                f"http://localhost{path}", data=body, headers=headers
            ) as response:
                answer = await response.read()
                if response.status == 200:
                    self.forwarded += 1
                    return answer
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        self.unreachable += 1
        return None

    async def close(self) -> None:
        """Close the connections."""
        for session in self._sessions.values():
            await session.close()

    def _session(self, owner: int) -> aiohttp.ClientSession:
        session = self._sessions.get(owner)
        if session is None:
            session = aiohttp.ClientSession(
                connector=aiohttp.UnixConnector(str(socket_of(self._folder, owner)), limit=_CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=_ANSWER_S, connect=_CONNECT_S),
                skip_auto_headers=("User-Agent", "Accept"),
            )
            self._sessions[owner] = session
        return session
