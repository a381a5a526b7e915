"""Asking a running service: the same questions as of a store, over GraphQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import cast

import aiohttp
import msgspec

from graphsvc.core.graph import Edge, Node, to_record
from graphsvc.core.record import Record
from graphsvc.core.value import Json
from graphsvc.decide.command import DecideCommand
from graphsvc.errors import BadInput, GraphsvcError, NotAllowed, NotSupported, StoreError, StoreUnavailable

__all__ = ["Remote", "open_remote"]

_TIMEOUT_S = 120.0
_MAX_BODY_BYTES = 1 << 20
_JUDGED = """
  verdict reasons { code message rule retryable }
  completions { pattern { id title severity } explanation
    path { step action decision subject resource chain index at } }
  risk { before after delta beforeMicros afterMicros }
  nearest { pattern { id title severity } remaining feasible } revision
"""
_DECIDED = f"""
  id {_JUDGED} chain subject {{ type id }} onBehalfOf {{ type id }} action resource {{ type id }}
  auditId replayed decidedAt
"""
_FAILED = "... on Failure { code message field }"
_VERSION = "pack version inForce publishedAt publishedBy comment sha256"
_PATTERN = "id title severity onMatch scope pack version steps"


class Remote:
    """An `Admin` over a service's API."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def publish(self, texts: Sequence[tuple[str, str]], comment: str) -> str:
        """Put packs into force; the revision."""
        query = f"mutation($i: PublishInput!) {{ publishPolicy(input: $i) {{ ... on Ack {{ revision }} {_FAILED} }} }}"
        files: list[Json] = [{"yaml": text, "file": file} for text, file in texts]
        return await self._revision(query, {"i": {"files": files, "comment": comment}})

    async def rollback(self, pack: str, version: str | None, comment: str) -> str:
        """Put an earlier text of a pack into force again; the revision."""
        query = f"mutation($i: RollbackInput!) {{ rollbackPolicy(input: $i) {{ ... on Ack {{ revision }} {_FAILED} }} }}"
        return await self._revision(query, {"i": {"pack": pack, "version": version, "comment": comment}})

    async def versions(self) -> list[dict[str, Json]]:
        """Every publication of every pack, newest first."""
        return cast("list[dict[str, Json]]", await self._ask(f"{{ policies {{ {_VERSION} }} }}", {}))

    async def patterns(self) -> list[dict[str, Json]]:
        """The patterns in force."""
        return cast("list[dict[str, Json]]", await self._ask(f"{{ patterns {{ {_PATTERN} }} }}", {}))

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
        query = f"mutation($i: UpsertGraphInput!) {{ upsertGraph(input: $i) {{ ... on Ack {{ revision }} {_FAILED} }} }}"
        records: list[Json] = [*map(to_record, nodes), *map(to_record, edges)]
        revision = await self._revision(
            query, {"i": {"source": source, "records": records, "replace": replace}}
        )
        staged(len(records))
        return revision

    async def source(self, name: str) -> tuple[list[Node], list[Edge]]:
        """Not offered by the API."""
        raise NotSupported(
            "--server: what a source says is read from the store; stop the service and use --store"
        )

    async def facts(self) -> tuple[list[Node], list[Edge]]:
        """Not offered by the API."""
        raise NotSupported("--server: the graph is exported from the store; stop the service and use --store")

    async def packs(self) -> tuple[list[tuple[str, str]], str]:
        """Not offered by the API."""
        raise NotSupported("--server: the graph is explored in the store; stop the service and use --store")

    async def counterfactual(self, decision_id: str) -> list[dict[str, Json]]:
        """Not offered by the API."""
        raise NotSupported(
            "--counterfactual: is worked out in the store; stop the service and use --store", field="server"
        )

    def history(self) -> AsyncIterator[tuple[int, Record]]:
        """Not offered by the API."""
        raise NotSupported(
            "--server: the history is exported from the store; stop the service and use --store"
        )

    async def decide(self, document: dict[str, Json], command: DecideCommand) -> dict[str, Json]:
        """Judge and record."""
        del command
        query = f"mutation($i: DecideInput!) {{ decide(input: $i) {{ ... on Decision {{ {_DECIDED} }} {_FAILED} }} }}"
        return _carried_out(await self._ask(query, {"i": document}))

    async def evaluate(self, document: dict[str, Json], command: DecideCommand) -> dict[str, Json]:
        """Judge; nothing changes."""
        del command
        query = f"query($i: DecideInput!) {{ evaluate(input: $i) {{ {_JUDGED} stale }} }}"
        return cast("dict[str, Json]", await self._ask(query, {"i": document}))

    async def decision(self, decision_id: str) -> dict[str, Json] | None:
        """A decision made earlier."""
        found = await self._ask(
            f"query($id: ID!) {{ decision(id: $id) {{ {_DECIDED} }} }}", {"id": decision_id}
        )
        return cast("dict[str, Json] | None", found)

    async def _revision(self, query: str, variables: dict[str, Json]) -> str:
        return str(_carried_out(await self._ask(query, variables))["revision"])

    async def _ask(self, query: str, variables: dict[str, Json]) -> Json:
        """The one field of the answer; errors as their kinds."""
        body = msgspec.json.encode({"query": query, "variables": variables})
        if len(body) > _MAX_BODY_BYTES:
            raise BadInput(
                f"{len(body):,} bytes are more than the service takes ({_MAX_BODY_BYTES:,}); stop it and use --store"
            )
        try:
            async with self._session.post("/graphql", data=body) as response:
                status, text = response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = "does not answer in time" if isinstance(error, TimeoutError) else "cannot be reached"
            raise StoreUnavailable(f"`{self._url}` {reason}; is `graphsvc serve` running there?") from error
        return self._field(status, text)

    def _field(self, status: int, text: bytes) -> Json:
        try:
            answer = msgspec.json.decode(text)
        except msgspec.DecodeError:
            raise StoreUnavailable(
                f"`{self._url}` answers {status}, not as graphsvc does; check --server"
            ) from None
        if status in {401, 403}:
            told = answer.get("error", {}).get("message", "the token is refused")
            raise NotAllowed(f"`{self._url}`: {told}; give one with --token")
        if errors := answer.get("errors"):
            raise StoreError(f"`{self._url}`: {errors[0].get('message', 'error')}")
        if not isinstance(answer.get("data"), dict):
            raise StoreUnavailable(f"`{self._url}` answers {status} without data; check --server")
        value: Json = next(iter(answer["data"].values()))
        return value


def _carried_out(value: Json) -> dict[str, Json]:
    answer = cast("dict[str, Json]", value)
    if "message" in answer and "code" in answer:
        kind: type[GraphsvcError] = {"not_allowed": NotAllowed, "store_unavailable": StoreUnavailable}.get(
            str(answer["code"]), BadInput
        )
        raise kind(str(answer["message"]))
    return answer


@asynccontextmanager
async def open_remote(url: str, token: str | None) -> AsyncIterator[Remote]:
    """A service at `http(s)://host:port`. token: of a role that may do what is asked."""
    if not url.startswith(("http://", "https://")):
        raise BadInput(
            f"--server: `{url}` is no URL; write one such as http://127.0.0.1:8080", field="server"
        )
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with aiohttp.ClientSession(url.rstrip("/"), headers=headers, timeout=timeout) as session:
        yield Remote(session, url)
